//! What the form of a kernel lets people choose from, and what they upload for it.

use domain::kernel::Source;

/// Kinds of sources, as the form offers them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SourceKind {
    /// A package of Debian that holds a kernel.
    DebianBinary,
    /// A package of Debian that holds a source tree.
    #[default]
    DebianSource,
    /// An archive at a URL.
    Archive,
    /// An archive that is uploaded.
    UploadedArchive,
    /// A Git repository.
    Git,
    /// Packages that were built elsewhere.
    UploadedPackages,
}

impl SourceKind {
    /// All kinds, those that are built here first.
    pub const ALL: [Self; 6] = [
        Self::DebianSource,
        Self::Git,
        Self::Archive,
        Self::UploadedArchive,
        Self::DebianBinary,
        Self::UploadedPackages,
    ];

    /// The word in the form, which is that of [`Source`] in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::DebianBinary => "debian-binary",
            Self::DebianSource => "debian-source",
            Self::Archive => "archive",
            Self::UploadedArchive => "uploaded-archive",
            Self::Git => "git",
            Self::UploadedPackages => "uploaded-packages",
        }
    }

    /// The kind, for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::DebianBinary => "Debian package",
            Self::DebianSource => "Debian source package",
            Self::Archive => "Archive at a URL",
            Self::UploadedArchive => "Uploaded archive",
            Self::Git => "Git repository",
            Self::UploadedPackages => "Uploaded packages",
        }
    }

    /// The kind of a source.
    #[must_use]
    pub const fn of(source: &Source) -> Self {
        match source {
            Source::DebianBinary { .. } => Self::DebianBinary,
            Source::DebianSource { .. } => Self::DebianSource,
            Source::Archive { .. } => Self::Archive,
            Source::UploadedArchive { .. } => Self::UploadedArchive,
            Source::Git { .. } => Self::Git,
            Source::UploadedPackages { .. } => Self::UploadedPackages,
        }
    }

    /// Whether its programs were compiled elsewhere.
    #[must_use]
    pub const fn is_binary(self) -> bool {
        matches!(self, Self::DebianBinary | Self::UploadedPackages)
    }
}

/// What a configuration starts from, as the form offers it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BaseKind {
    /// A target of the tree's Makefile.
    #[default]
    Defconfig,
    /// A `.config` that is uploaded.
    File,
    /// The configuration of another kernel.
    Kernel,
}

impl BaseKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Defconfig, Self::File, Self::Kernel];

    /// The word in the form.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Defconfig => "defconfig",
            Self::File => "file",
            Self::Kernel => "kernel",
        }
    }
}

/// What uploads are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    /// The source tree.
    Archive,
    /// The `.deb`s.
    Packages,
    /// The bzImage.
    Image,
    /// The `.config`.
    Config,
    /// The patches.
    Patches,
}

impl Slot {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Archive, Self::Packages, Self::Image, Self::Config, Self::Patches];

    /// Name of its field of files; that of what was uploaded before is this after `kept.`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Archive => "archive",
            Self::Packages => "packages",
            Self::Image => "image",
            Self::Config => "config",
            Self::Patches => "patches",
        }
    }

    /// Whether it takes several files.
    #[must_use]
    pub const fn several(self) -> bool {
        matches!(self, Self::Packages | Self::Patches)
    }

    /// The field of a definition that it fills.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Archive => "source.file",
            Self::Packages => "source.packages",
            Self::Image => "source.image",
            Self::Config => "configuration.base",
            Self::Patches => "patches",
        }
    }
}
