//! What a layer would hold, as far as that is known before it is built.

use serde::{Deserialize, Serialize};

use super::Definition;
use crate::time::human_size;

/// What is known of a layer before it is built: lengths in bytes of what would be written, not
/// compressed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = VariantLayerEstimate))]
pub struct LayerEstimate {
    /// What apt would install, by the archive's index.
    pub packages: u64,
    /// What the files hold, typed and uploaded.
    pub files: u64,
    /// The packages of kernels that were built or uploaded, as long as they are packed.
    pub kernels: u64,
    /// What else would be written that nobody can know the length of, in a few words each.
    pub unknown: Vec<String>,
}

impl LayerEstimate {
    /// All that is known, in bytes.
    #[must_use]
    pub const fn known(&self) -> u64 {
        self.packages.saturating_add(self.files).saturating_add(self.kernels)
    }

    /// For people: `1.9 MiB unpacked and what the script writes; the base's image is 101.0 MiB packed`.
    #[must_use]
    pub fn told(&self, base_size: u64) -> String {
        let known = match self.known() {
            0 => "next to nothing".to_owned(),
            known => format!("{} unpacked", human_size(known)),
        };
        let parts: Vec<&str> = std::iter::once(known.as_str())
            .chain(self.unknown.iter().map(String::as_str))
            .collect();
        format!("{}; the base's image is {} packed", parts.join(" and "), human_size(base_size))
    }
}

/// What a definition's own programs write, which nobody can know the length of.
#[must_use]
pub fn written_by_programs(definition: &Definition) -> Vec<String> {
    let programs = [
        (definition.playbook.is_some(), "what the playbook writes"),
        (definition.script.is_some(), "what the script writes"),
    ];
    programs.into_iter().filter(|(there, _)| *there).map(|(_, words)| words.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::variant::Script;

    #[test]
    fn what_is_not_known_is_said_beside_what_is() {
        let nothing = LayerEstimate::default();
        assert_eq!(nothing.told(1 << 20), "next to nothing; the base's image is 1.0 MiB packed");
        let script = Script { content: "true".to_owned(), limit_seconds: 1 };
        let definition = Definition { script: Some(script), ..Definition::default() };
        let unknown = written_by_programs(&definition);
        let it = LayerEstimate { packages: 1 << 20, files: 1 << 19, kernels: 1 << 19, unknown };
        assert_eq!(it.known(), 2 << 20);
        assert_eq!(
            it.told(100 << 20),
            "2.0 MiB unpacked and what the script writes; the base's image is 100.0 MiB packed"
        );
    }
}
