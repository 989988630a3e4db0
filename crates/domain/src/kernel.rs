//! Kernels: what a Linux kernel or a Xen hypervisor is, wherever it came from.

use serde::{Deserialize, Serialize};

/// What kind of program a kernel is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Flavor {
    /// A Linux kernel.
    #[default]
    Linux,
    /// A Xen hypervisor, which starts a Linux kernel as its dom0.
    Xen,
}

impl Flavor {
    /// All flavors.
    pub const ALL: [Self; 2] = [Self::Linux, Self::Xen];

    /// The word in recipes, rows and pages.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Linux => "linux",
            Self::Xen => "xen",
        }
    }

    /// For records that were written before there was another.
    pub(crate) fn is_linux(&self) -> bool {
        *self == Self::Linux
    }
}

/// What a hypervisor is told where a boot entry says nothing: memory for dom0, every message, on
/// the first serial port.
pub const HYPERVISOR_ARGUMENTS: &str =
    "dom0_mem=512M loglvl=all guest_loglvl=all com1=115200,8n1 console=com1";

/// What a dom0 kernel is told where a boot entry says nothing: its console is the hypervisor's.
pub const DOM0_ARGUMENTS: &str = "console=hvc0 earlyprintk=xen nomodeset";
