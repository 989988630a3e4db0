//! Why an image cannot be read.

use std::io;

use thiserror::Error;

/// Why an image, or a part of it, cannot be read.
#[derive(Debug, Error)]
pub enum SquashfsError {
    /// The file could not be read.
    #[error("the image cannot be read")]
    Read(#[from] io::Error),
    /// The image is of a kind that this program does not know.
    #[error("the image is none that can be read here: {0}")]
    Unsupported(String),
    /// What stands there contradicts the format.
    #[error("the image is damaged: {0}")]
    Damaged(&'static str),
}
