//! What somebody should know of a configuration before it is compiled.

use domain::kernel::Config;

/// Options by which two builds of the same inputs differ, and why.
const DIFFERING: [(&str, &str); 5] = [
    (
        "RANDSTRUCT_FULL",
        "lays out structures by a number that each build draws anew: two builds differ; unset it for a kernel that can be built again",
    ),
    (
        "RANDSTRUCT_PERFORMANCE",
        "lays out structures by a number that each build draws anew: two builds differ; unset it for a kernel that can be built again",
    ),
    (
        "GCC_PLUGIN_RANDSTRUCT",
        "lays out structures by a number that each build draws anew: two builds differ; unset it for a kernel that can be built again",
    ),
    (
        "GCC_PLUGIN_LATENT_ENTROPY",
        "puts numbers into the kernel that each build draws anew: two builds differ; unset it for a kernel that can be built again",
    ),
    (
        "GCOV_KERNEL",
        "writes the folder of the build into the kernel: builds in two folders differ; unset it for a kernel that can be built again",
    ),
];

/// A sentence for each. `facts` has lines of `missing <option> <file>`.
pub(super) fn of(config: &Config, facts: &str) -> Vec<String> {
    let set = |name: &str| config.value(name) == Some("y");
    let mut warnings: Vec<String> = DIFFERING
        .iter()
        .filter(|(name, _)| set(name))
        .map(|(name, why)| format!("{name} {why}"))
        .collect();
    let missing: Vec<(&str, &str)> =
        facts.lines().filter_map(|line| line.strip_prefix("missing ")?.split_once(' ')).collect();
    let signs = set("MODULE_SIG") || set("IMA_APPRAISE_MODSIG");
    for (option, file) in missing {
        warnings.push(match option {
            "MODULE_SIG_KEY" if file == "certs/signing_key.pem" && signs => {
                "MODULE_SIG signs modules with a key that each build makes anew: two builds differ; unset it, or let a patch bring the key that MODULE_SIG_KEY names".to_owned()
            }
            "MODULE_SIG_KEY" if !signs || file == "certs/signing_key.pem" => continue,
            _ => format!(
                "{option} names {file}, which the tree does not have: compiling will fail; set it to \"\", or let a patch bring the file"
            ),
        });
    }
    if set("LOCALVERSION_AUTO") {
        warnings.push(
            "LOCALVERSION_AUTO changes nothing here: the tree is built without its history, so that the release is the same wherever it is built".to_owned(),
        );
    }
    if set("DEBUG_INFO_BTF") {
        warnings.push(
            "DEBUG_INFO_BTF is made by pahole, some versions of which give other bytes with another number of processors".to_owned(),
        );
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_builds_differ_is_told() {
        let config = Config::parse(
            "CONFIG_MODULE_SIG=y\nCONFIG_RANDSTRUCT_FULL=y\nCONFIG_LOCALVERSION_AUTO=y\n",
        )
        .unwrap();
        let facts = "missing MODULE_SIG_KEY certs/signing_key.pem\n\
            missing SYSTEM_TRUSTED_KEYS debian/certs/a.pem\n";
        let warnings = of(&config, facts);
        let begin: Vec<_> = warnings.iter().map(|it| it.split(' ').next().unwrap()).collect();
        assert_eq!(
            begin,
            ["RANDSTRUCT_FULL", "MODULE_SIG", "SYSTEM_TRUSTED_KEYS", "LOCALVERSION_AUTO"]
        );
        let quiet = Config::parse("CONFIG_SMP=y\n").unwrap();
        assert!(of(&quiet, "missing MODULE_SIG_KEY certs/signing_key.pem\n").is_empty());
    }
}
