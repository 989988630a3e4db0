//! What a machine boots and why: its own target, the first rule that fits, or the default environment.

use serde::{Deserialize, Serialize};

use super::{BootTarget, Labels, RowFault};
use crate::{ids::BootOnceId, time::Timestamp};

/// The most rules that there are.
pub const MOST_RULES: usize = 500;
/// The longest text of rules, in bytes.
pub const LONGEST_RULES: usize = 256 * 1024;
/// What stands between the labels and the target of a rule.
const ARROW: &str = "=>";

/// What machines of certain labels boot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Machines that have all of these; at least one label.
    pub labels: Labels,
    /// What they boot.
    pub target: BootTarget,
}

/// All rules, in the order in which they are asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineRules {
    /// Counts the changes of the list; 0 before the first.
    pub revision: u32,
    /// The rules: the first that fits decides.
    pub rules: Vec<Rule>,
    /// When the list was changed last.
    pub saved_at: Option<Timestamp>,
    /// The name by which that person went then.
    pub saved_by: Option<String>,
}

/// What a machine boots next, once: it ends with the report of a boot that carries its token, never with a
/// request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Once {
    /// Which order: a report of another one does not end this.
    pub id: BootOnceId,
    /// What it boots.
    pub target: BootTarget,
    /// Label of the entry; the menu's own default where absent.
    pub entry: Option<String>,
    /// Name of the person who asked for it.
    pub asked_by: String,
    /// When.
    pub asked_at: Timestamp,
    /// The boot that was given it, once one was.
    pub boot: Option<String>,
}

/// Why a machine boots what it boots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "lowercase")]
pub enum Because {
    /// It is assigned to it itself.
    Own,
    /// A rule says so.
    Rule {
        /// Its place in the list, from 1.
        number: u32,
        /// Its labels.
        labels: Labels,
    },
    /// Nobody said anything.
    Default,
}

/// What a machine boots, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assigned {
    /// What it boots.
    pub target: BootTarget,
    /// Why.
    pub because: Because,
}

/// What a machine with a target of its own, where it has one, and these labels boots.
#[must_use]
pub fn assigned(
    own: Option<&BootTarget>,
    labels: &Labels,
    rules: &[Rule],
    default_environment: &str,
) -> Assigned {
    if let Some(target) = own {
        return Assigned { target: target.clone(), because: Because::Own };
    }
    let found = (1..).zip(rules).find(|(_, rule)| rule.labels.all_among(labels));
    found.map_or_else(
        || Assigned {
            target: BootTarget::Environment(default_environment.to_owned()),
            because: Because::Default,
        },
        |(number, rule)| Assigned {
            target: rule.target.clone(),
            because: Because::Rule { number, labels: rule.labels.clone() },
        },
    )
}

/// Reads rules as people write them: one a line, `rack=3 role=build => variant probe`. Lines that are empty
/// or begin with `#` say nothing.
///
/// # Errors
/// Every fault, with its line.
pub fn parse_rules(text: &str) -> Result<Vec<Rule>, Vec<RowFault>> {
    if text.len() > LONGEST_RULES {
        let message = format!("rules have {LONGEST_RULES} bytes at the most");
        return Err(vec![RowFault { line: 1, message }]);
    }
    let (mut rules, mut faults) = (Vec::new(), Vec::new());
    for (line, text) in (1..).zip(text.lines()) {
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        match parse_rule(text) {
            Ok(rule) => rules.push(rule),
            Err(message) => faults.push(RowFault { line, message }),
        }
    }
    if rules.len() > MOST_RULES {
        faults.push(RowFault {
            line: 1,
            message: format!("there are {MOST_RULES} rules at the most"),
        });
    }
    if faults.is_empty() { Ok(rules) } else { Err(faults) }
}

fn parse_rule(text: &str) -> Result<Rule, String> {
    let (labels, target) = text
        .split_once(ARROW)
        .ok_or_else(|| format!("a rule reads key=value {ARROW} environment production"))?;
    let labels: Labels = labels.parse().map_err(|error: super::InvalidLabel| error.to_string())?;
    if labels.is_empty() {
        return Err(format!(
            "a rule names a label before {ARROW}, or it would be for all machines"
        ));
    }
    let target = target.parse().map_err(|error: super::InvalidTarget| error.to_string())?;
    Ok(Rule { labels, target })
}

/// The rules as [`parse_rules`] reads them.
#[must_use]
pub fn write_rules(rules: &[Rule]) -> String {
    rules.iter().map(|rule| format!("{} {ARROW} {}\n", rule.labels, rule.target)).collect()
}
