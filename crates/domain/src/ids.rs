//! Identifiers: one type per noun, so that two kinds cannot be mixed up.
//!
//! Ids are time-ordered (`UUIDv7`, RFC 9562) and travel as text. They are made by an
//! [`IdGenerator`] that the program injects, so that tests can hold them still.

/// Makes the text of new identifiers, time-ordered and never the same twice.
pub trait IdGenerator: Send + Sync {
    /// A new identifier.
    fn next_id(&self) -> String;
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// A new identifier from `generator`.
            pub fn generate(generator: &dyn IdGenerator) -> Self {
                Self(generator.next_id())
            }

            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    )*};
}

ids! {
    /// A person who signs in.
    PersonId;
    /// A recipe, over all its revisions.
    RecipeId;
    /// A release, candidate or failed build of one.
    ReleaseId;
    /// A kernel as a component, over all its builds.
    KernelId;
    /// A variant of a release, over all its builds.
    VariantId;
    /// A unit of background work.
    JobId;
    /// The job that runs a plan against one manifest digest, seen as a validation.
    ValidationId;
    /// One execution of a suite on one machine.
    RunId;
    /// A file of results that came in.
    ResultFileId;
    /// A deployment request and what became of it.
    DeploymentId;
    /// A bearer token; not its secret.
    TokenId;
    /// A guest that a person started to try something.
    GuestId;
    /// A machine, whatever it is called.
    MachineId;
    /// An order that a machine boots something once.
    BootOnceId;
    /// One boot of a machine.
    BootId;
}
