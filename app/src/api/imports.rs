//! Imports: the form that brings along what exists.

use domain::kernel::{Flavor, UploadedFile};
use serde::{Deserialize, Serialize};

use super::Choice;
use crate::error::AppError;

/// How many kernels the form takes.
pub const KERNELS: usize = 8;

/// `/releases/import`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ImportPage {
    /// What somebody sent that was not imported and why not; else what the form starts from.
    pub draft: ImportDraft,
    /// Whether the viewer may import.
    pub import: Choice,
}

/// What the form holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportDraft {
    /// The candidate's version.
    pub version: String,
    /// The rootfs, once it was uploaded.
    pub rootfs: Option<UploadedFile>,
    /// Text of the menu.
    pub menu: String,
    /// The account of the console.
    pub user: String,
    /// Its password.
    pub password: String,
    /// The kernels; rows that nobody filled in are empty.
    pub kernels: Vec<KernelDraft>,
    /// Why nothing was imported.
    pub error: Option<AppError>,
}

/// A kernel of the form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelDraft {
    /// The name of its file in the menu.
    pub alias: String,
    /// What it is.
    pub flavor: Flavor,
    /// The kernel itself, once it was uploaded.
    pub image: Option<UploadedFile>,
    /// Its packages that were uploaded.
    pub packages: Vec<UploadedFile>,
}

impl KernelDraft {
    /// Whether nobody filled it in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.alias.is_empty() && self.image.is_none() && self.packages.is_empty()
    }
}

/// The form.
pub(crate) async fn load_import() -> Result<ImportPage, AppError> {
    crate::compose::imports::page(&super::asked()?).await
}
