//! `bootwright variant …`

mod changes;

use std::{fs, path::PathBuf, time::Duration};

use clap::{Args, Subcommand};
use domain::{
    run::comparison::{SeenCase, summary},
    time::{human_duration, human_size},
    variant::{LIFETIME_DAYS, VariantState},
};

use self::changes::ChangesArgs;
use super::{
    Cli, Connection,
    client::{Versioned, encode, query},
    error::CliError,
    follow::{self, Waiting},
    output::or_dash,
};
use crate::api::{
    exchange::Listed,
    jobs::Job,
    variants::{
        ArchivePackage, ChangedVariant, MoreDays, NewVariant, RecipeChange, Saying, Variant,
        VariantBuild, VariantComparison, VariantDetails, VariantLook, VariantPreview,
    },
};

/// Options of `bootwright variant`.
#[derive(Debug, Args)]
pub struct VariantArgs {
    #[command(flatten)]
    pub(super) connection: Connection,
    #[command(subcommand)]
    pub(super) command: VariantCommand,
}

/// What can be done with variants.
#[derive(Debug, Subcommand)]
pub(super) enum VariantCommand {
    /// List variants by name.
    List {
        /// Only those of this person.
        #[arg(long)]
        owner: Option<String>,
        /// Only those that stand so: new, building, ready, failed, expired.
        #[arg(long)]
        state: Option<VariantState>,
        /// Only those whose name or description has this in it.
        #[arg(long)]
        words: Option<String>,
    },
    /// Show a variant.
    Show {
        /// Name of the variant.
        name: String,
    },
    /// List the builds of a variant, newest first.
    Builds {
        /// Name of the variant.
        name: String,
    },
    /// Make a variant, or change the one that is called so.
    Save {
        /// What to call it.
        name: String,
        /// What it is for, in a few words; as it was unless said otherwise.
        #[arg(long)]
        description: Option<String>,
        /// How many days it lives from now; a new one 14, another as long as before unless said
        /// otherwise.
        #[arg(long)]
        days: Option<u32>,
        #[command(flatten)]
        changes: Box<ChangesArgs>,
    },
    /// Say what a change would do, by apt's own simulation; nothing is made.
    Preview {
        /// The variant that would be changed so: says what no longer applies of what it stood on.
        #[arg(long, value_name = "NAME")]
        variant: Option<String>,
        #[command(flatten)]
        changes: Box<ChangesArgs>,
    },
    /// Search the archive for packages.
    Search {
        /// Words that name or description have all.
        #[arg(required = true)]
        words: Vec<String>,
        /// The release whose suite is searched; what production runs unless said otherwise.
        #[arg(long)]
        base: Option<String>,
        /// One more suite, such as bookworm-backports.
        #[arg(long)]
        suite: Option<String>,
    },
    /// Write what a variant changes to a file, as `save` reads it.
    Export {
        /// Name of the variant.
        name: String,
        /// The file; standard output unless said otherwise.
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Build a variant; prints what came of it.
    Build {
        /// Name of the variant.
        name: String,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Run plan "smoke" against what was built of a variant.
    Validate {
        /// Name of the variant.
        name: String,
        /// Name of the plan.
        #[arg(long, default_value = domain::plan::SMOKE.name)]
        plan: String,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Show the newest results of a variant beside those of its base.
    Compare {
        /// Name of the variant.
        name: String,
    },
    /// Show what a variant changes as a change of its base's recipe, or save it as the next revision.
    Propose {
        /// Name of the variant.
        name: String,
        /// Save it, with what changes and why.
        #[arg(long, value_name = "MESSAGE")]
        save: Option<String>,
    },
    /// Give a variant more days from now.
    Extend {
        /// Name of the variant.
        name: String,
        /// How many.
        #[arg(long, default_value_t = LIFETIME_DAYS)]
        days: u32,
    },
    /// Remove a variant.
    Delete {
        /// Name of the variant.
        name: String,
    },
}

pub(super) fn run(cli: &Cli, command: &VariantCommand) -> Result<(), CliError> {
    match command {
        VariantCommand::List { owner, state, words } => {
            let filters = [
                ("owner", owner.as_deref()),
                ("state", state.map(VariantState::word)),
                ("words", words.as_deref()),
            ];
            let all: Vec<Variant> = cli.client.all(&format!("/variants{}", query(&filters)))?;
            let headings = ["name", "state", "owner", "base", "layer", "ends"];
            cli.output.list(&all, &headings, |it| {
                let built = it.built.as_ref();
                let layer = built.and_then(|it| it.layer_size).map(human_size);
                vec![
                    it.name.clone(),
                    it.state.to_string(),
                    it.owner.clone(),
                    or_dash(built.map(|it| it.base.as_str())),
                    or_dash(layer.as_deref()),
                    it.expires_at.clone(),
                ]
            })
        }
        VariantCommand::Show { name } => {
            let details: VariantDetails = cli.client.get(&address(name))?;
            if cli.output.is_json() {
                return cli.output.json(&details);
            }
            let Variant { name, state, owner, revision, expires_at, .. } = &details.variant;
            let head = format!("# {name} r{revision}: {state}, of {owner}, until {expires_at}");
            cli.output.lines(&[head, details.text.trim_end_matches('\n').to_owned()])
        }
        VariantCommand::Builds { name } => {
            let all: Vec<VariantBuild> = cli.client.all(&format!("{}/builds", address(name)))?;
            cli.output.list(&all, &["number", "state", "base", "layer", "job"], |it| {
                let layer = it.layer_size.map(human_size);
                let (number, state) = (it.number.to_string(), it.state.to_string());
                vec![number, state, it.base.clone(), or_dash(layer.as_deref()), it.job.clone()]
            })
        }
        VariantCommand::Save { name, description, days, changes } => {
            save(cli, name, description.as_deref(), *days, changes)
        }
        VariantCommand::Preview { variant, changes } => preview(cli, variant.as_deref(), changes),
        VariantCommand::Search { words, base, suite } => {
            let words = words.join(" ");
            let path = query(&[
                ("words", Some(words.as_str())),
                ("base", base.as_deref()),
                ("suite", suite.as_deref()),
            ]);
            let found: Listed<ArchivePackage> =
                cli.client.get(&format!("/variants/packages{path}"))?;
            let headings = ["name", "version", "suite", "size", "description"];
            cli.output.list(&found.items, &headings, |it| {
                let size = human_size(it.size);
                vec![
                    it.name.clone(),
                    it.version.clone(),
                    it.suite.clone(),
                    size,
                    it.description.clone(),
                ]
            })
        }
        VariantCommand::Export { name, output } => {
            let details: VariantDetails = cli.client.get(&address(name))?;
            match output {
                None => cli.output.lines(&[details.text.trim_end_matches('\n').to_owned()]),
                Some(path) => fs::write(path, details.text)
                    .map_err(|source| CliError::File { path: path.clone(), source }),
            }
        }
        VariantCommand::Build { name, waiting } => job(cli, name, "builds", *waiting),
        VariantCommand::Validate { name, plan, waiting } => {
            job(cli, name, &format!("validations?plan={}", encode(plan)), *waiting)
        }
        VariantCommand::Compare { name } => compare(cli, name),
        VariantCommand::Propose { name, save } => propose(cli, name, save.as_deref()),
        VariantCommand::Extend { name, days } => {
            let path = format!("{}/extend", address(name));
            let details: VariantDetails = cli.client.post(&path, &MoreDays { days: *days })?;
            let until = details.variant.expires_at.clone();
            cli.output.said(&details, &format!("{name} lives until {until}"))
        }
        VariantCommand::Delete { name } => {
            cli.client.delete(&address(name))?;
            cli.output.said(&serde_json::json!({ "removed": name }), &format!("{name} is removed"))
        }
    }
}

fn address(name: &str) -> String {
    format!("/variants/{}", encode(name))
}

fn save(
    cli: &Cli,
    name: &str,
    description: Option<&str>,
    days: Option<u32>,
    changes: &ChangesArgs,
) -> Result<(), CliError> {
    let definition = Some(changes.read(cli)?);
    let description = description.map(ToOwned::to_owned);
    let known = cli.client.versioned::<VariantDetails>(&address(name));
    let saved: VariantDetails = match known {
        Ok(Versioned { etag, .. }) => {
            let new = ChangedVariant { description, days, definition, text: None };
            cli.client.put(&address(name), &etag, &new)?
        }
        Err(error) if error.status() == super::ExitStatus::NotFound => {
            let (name, description) = (name.to_owned(), description.unwrap_or_default());
            let new = NewVariant { name, description, days, definition, text: None };
            cli.client.post("/variants", &new)?
        }
        Err(error) => return Err(error),
    };
    let Variant { revision, expires_at, .. } = &saved.variant;
    let said = format!("{name} r{revision} is saved, until {expires_at}");
    cli.output.said(&saved, &said)
}

fn preview(cli: &Cli, variant: Option<&str>, changes: &ChangesArgs) -> Result<(), CliError> {
    let variant = variant.map(ToOwned::to_owned);
    let look = VariantLook { variant, definition: Some(changes.read(cli)?), text: None };
    let preview: VariantPreview = cli.client.post("/variants/preview", &look)?;
    if cli.output.is_json() {
        return cli.output.json(&preview);
    }
    let mut lines = vec![format!("on {}", preview.base)];
    lines.extend(preview.refused.iter().map(|why| format!("apt refuses: {why}")));
    for change in preview.lock.iter().flat_map(|lock| &lock.changes) {
        lines.push(match (&change.from, &change.to) {
            (None, Some(to)) => format!("+ {} {to}", change.name),
            (Some(from), None) => format!("- {} {from}", change.name),
            (from, to) => {
                format!("~ {} {} {}", change.name, or_dash(from.as_deref()), or_dash(to.as_deref()))
            }
        });
    }
    if !preview.unconfirmed.is_empty() {
        let names = preview.unconfirmed.join(", ");
        lines.push(format!("nobody has agreed to the removal of {names}: --accept-removal"));
    }
    lines.extend(preview.without_effect.iter().map(|it| format!("does nothing: {it}")));
    if let Some(lock) = &preview.lock {
        lines.push(format!("layer: {}", preview.layer.told(preview.base_size)));
        lines.push(format!("to fetch: {}", human_size(lock.download_size())));
    }
    lines.push(preview.expected_ms.map_or_else(
        || "takes: not known, no variant was built yet".to_owned(),
        |ms| format!("takes: about {}", human_duration(Duration::from_millis(ms))),
    ));
    cli.output.lines(&lines)
}

fn compare(cli: &Cli, name: &str) -> Result<(), CliError> {
    let found: VariantComparison = cli.client.get(&format!("{}/comparison", address(name)))?;
    if cli.output.is_json() {
        return cli.output.json(&found);
    }
    if found.here.is_none() {
        let words = format!("{name} has no results yet: bootwright variant validate {name}");
        return cli.output.lines(&[words]);
    }
    let headings = ["entry", "machine", "case", "here", "base", "change"];
    let outcome = |side: &Option<SeenCase>| or_dash(side.as_ref().map(|it| it.outcome.word()));
    cli.output.list(&found.cases, &headings, |it| {
        let (here, base) = (outcome(&it.here), outcome(&it.base));
        let change = it.change.word().to_owned();
        vec![it.entry.clone(), it.machine.clone(), it.case.clone(), here, base, change]
    })?;
    let base = found.base_name.unwrap_or_default();
    let mut lines = vec![match found.base {
        Some(_) => format!("# beside {base}: {}", summary(&found.cases)),
        None => format!("# {base} was never validated: bootwright release validate {base}"),
    }];
    if found.outdated {
        lines.push(format!("# {name} was built anew since"));
    }
    cli.output.lines(&lines)
}

fn propose(cli: &Cli, name: &str, message: Option<&str>) -> Result<(), CliError> {
    let path = format!("{}/recipe-change", address(name));
    let Versioned { value, etag } = cli.client.versioned::<RecipeChange>(&path)?;
    if let Some(message) = message {
        let said = Saying { message: message.to_owned() };
        let saved: RecipeChange = cli.client.post_to(&path, &etag, &said)?;
        let words = format!("{} r{} is saved", saved.recipe, saved.base + 1);
        return cli.output.said(&saved, &words);
    }
    if cli.output.is_json() {
        return cli.output.json(&value);
    }
    let mut lines: Vec<String> =
        value.lines.iter().map(|it| format!("{}{}", it.kind.sign(), it.text)).collect();
    lines.extend(value.left_out.iter().map(|it| format!("# left out: {it}")));
    cli.output.lines(&lines)
}

fn job(cli: &Cli, name: &str, what: &str, waiting: Waiting) -> Result<(), CliError> {
    let path = format!("{}/{what}", address(name));
    let job: Job = cli.client.post(&path, &serde_json::json!({}))?;
    let Some(show) = waiting.show() else {
        let id = job.id.clone();
        return cli.output.said(&job, &id);
    };
    let done = follow::until_success(cli, &job.id, show)?;
    let outcome = done.job.outcome.clone().unwrap_or_default();
    cli.output.said(&done, &outcome)
}
