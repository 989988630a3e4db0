//! `bootwright recipe …`

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};

use super::{
    Cli, Connection,
    client::{Versioned, encode},
    error::CliError,
    output::one_line,
};
use crate::api::recipes::{
    CheckedText, NewRecipe, NewRevision, RecipeDiff, RecipeSummary, RecipeText, RevisionShown,
};

/// Options of `bootwright recipe`.
#[derive(Debug, Args)]
pub struct RecipeArgs {
    #[command(flatten)]
    pub(super) connection: Connection,
    #[command(subcommand)]
    pub(super) command: RecipeCommand,
}

/// What can be done with recipes.
#[derive(Debug, Subcommand)]
pub(super) enum RecipeCommand {
    /// List recipes by name.
    List,
    /// Show a recipe: its newest revision, or another.
    Show {
        /// Name of the recipe.
        name: String,
        /// Number of the revision; the newest unless said otherwise.
        #[arg(long, value_name = "NUMBER")]
        revision: Option<u32>,
    },
    /// Save a file as a recipe's next revision, or as a new recipe; the same text again is no change.
    Import {
        /// The file; `-` for standard input.
        file: PathBuf,
        /// Name of the recipe; the file's own name without its ending unless said otherwise.
        #[arg(long)]
        name: Option<String>,
        /// What changed and why.
        #[arg(long, short)]
        message: String,
    },
    /// Write a recipe's text to a file.
    Export {
        /// Name of the recipe.
        name: String,
        /// The file; standard output unless said otherwise.
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Number of the revision; the newest unless said otherwise.
        #[arg(long, value_name = "NUMBER")]
        revision: Option<u32>,
    },
    /// Say everything that is wrong with a file, and save nothing.
    Check {
        /// The file; `-` for standard input.
        file: PathBuf,
    },
    /// List the revisions of a recipe, newest first.
    Revisions {
        /// Name of the recipe.
        name: String,
    },
    /// Show what changed from one revision to another.
    Diff {
        /// Name of the recipe.
        name: String,
        /// Number of the former revision; the last but one unless said otherwise.
        #[arg(long, value_name = "NUMBER")]
        from: Option<u32>,
        /// Number of the later revision; the newest unless said otherwise.
        #[arg(long, value_name = "NUMBER")]
        to: Option<u32>,
    },
}

pub(super) fn run(cli: &Cli, command: &RecipeCommand) -> Result<(), CliError> {
    match command {
        RecipeCommand::List => {
            let all: Vec<RecipeSummary> = cli.client.all("/recipes")?;
            let headings = ["name", "revision", "saved", "by", "digest"];
            cli.output.list(&all, &headings, |it| {
                let digest = it.digest.short();
                vec![
                    it.name.clone(),
                    format!("r{}", it.revision),
                    it.saved_at.clone(),
                    it.author.clone(),
                    digest,
                ]
            })
        }
        RecipeCommand::Show { name, revision } => shown(cli, &revision_of(cli, name, *revision)?),
        RecipeCommand::Import { file, name, message } => {
            import(cli, file, name.as_deref(), message)
        }
        RecipeCommand::Export { name, output, revision } => {
            let text = revision_of(cli, name, *revision)?.text;
            match output {
                None => cli.output.lines(&[text.trim_end_matches('\n').to_owned()]),
                Some(path) => fs::write(path, text)
                    .map_err(|source| CliError::File { path: path.clone(), source }),
            }
        }
        RecipeCommand::Check { file } => {
            let checked: CheckedText =
                cli.client.post("/recipe-checks", &RecipeText { text: read(file)? })?;
            if checked.problems.is_empty() {
                return cli.output.said(&checked, "This text can be built.");
            }
            cli.output.list(&checked.problems, &["line", "problem"], |it| {
                vec![it.line.to_string(), it.message.clone()]
            })?;
            let words = format!("{} has faults", file.display());
            Err(CliError::Problem(Box::new(crate::api::problem::Problem::of_field("text", &words))))
        }
        RecipeCommand::Revisions { name } => {
            let path = format!("/recipes/{}/revisions", encode(name));
            let all: Vec<RevisionShown> = cli.client.all(&path)?;
            cli.output.list(&all, &["revision", "saved", "by", "message"], |it| {
                vec![
                    format!("r{}", it.number),
                    it.saved_at.clone(),
                    it.author.clone(),
                    it.message.clone(),
                ]
            })
        }
        RecipeCommand::Diff { name, from, to } => {
            let to = match to {
                Some(to) => *to,
                None => revision_of(cli, name, None)?.number,
            };
            let from = from.unwrap_or_else(|| to.saturating_sub(1).max(1));
            let diff: RecipeDiff =
                cli.client.get(&format!("/recipes/{}/diff?from={from}&to={to}", encode(name)))?;
            if cli.output.is_json() {
                return cli.output.json(&diff);
            }
            cli.output.lines(&diff_lines(&diff.lines))
        }
    }
}

/// The lines of a difference, as `diff -u` begins them.
pub(super) fn diff_lines(lines: &[domain::text_diff::DiffLine]) -> Vec<String> {
    lines.iter().map(|line| format!("{}{}", line.kind.sign(), one_line(&line.text))).collect()
}

fn revision_of(cli: &Cli, name: &str, number: Option<u32>) -> Result<RevisionShown, CliError> {
    let recipe = format!("/recipes/{}", encode(name));
    match number {
        None => cli.client.get(&recipe),
        Some(number) => cli.client.get(&format!("{recipe}/revisions/{number}")),
    }
}

fn import(cli: &Cli, file: &Path, name: Option<&str>, message: &str) -> Result<(), CliError> {
    let text = read(file)?;
    let name = match (name, file.file_stem().and_then(|stem| stem.to_str())) {
        (Some(name), _) => name.to_owned(),
        (None, Some(stem)) if file.as_os_str() != "-" => stem.to_owned(),
        (None, _) => return Err(CliError::Usage("say by --name what to call it".to_owned())),
    };
    let path = format!("/recipes/{}", encode(&name));
    let (saved, what): (RevisionShown, _) = match cli.client.versioned::<RevisionShown>(&path) {
        Ok(Versioned { value, .. }) if value.text == text => (value, "is unchanged"),
        Ok(Versioned { etag, .. }) => {
            let new = NewRevision { text, message: message.to_owned() };
            (explained(cli.client.put(&path, &etag, &new))?, "is saved")
        }
        Err(CliError::Problem(problem)) if problem.status == 404 => {
            let new = NewRecipe { name, text, message: message.to_owned() };
            (explained(cli.client.post("/recipes", &new))?, "is saved")
        }
        Err(error) => return Err(error),
    };
    let said = format!("{} r{} {what}: {}", saved.recipe, saved.number, saved.digest);
    cli.output.said(&saved, &said)
}

/// Every fault of a text stands on a line of its own, before the error.
pub(super) fn explained<T>(answer: Result<T, CliError>) -> Result<T, CliError> {
    if let Err(CliError::Problem(problem)) = &answer {
        for fault in &problem.problems {
            eprintln!("line {}: {}", fault.line, one_line(&fault.message));
        }
    }
    answer
}

fn shown(cli: &Cli, revision: &RevisionShown) -> Result<(), CliError> {
    cli.output.thing(
        revision,
        &[
            ("Recipe", revision.recipe.clone()),
            ("Revision", format!("r{}", revision.number)),
            ("Saved", format!("{} by {}", revision.saved_at, revision.author)),
            ("Message", revision.message.clone()),
            ("Digest", revision.digest.to_string()),
        ],
    )?;
    if cli.output.is_json() {
        return Ok(());
    }
    let text = revision.text.lines().map(one_line);
    cli.output.lines(&[String::new()].into_iter().chain(text).collect::<Vec<_>>())
}

pub(super) fn read(file: &Path) -> Result<String, CliError> {
    let mut text = String::new();
    let read = if file.as_os_str() == "-" {
        std::io::stdin().lock().read_to_string(&mut text)
    } else {
        fs::File::open(file).and_then(|mut open| open.read_to_string(&mut text))
    };
    read.map_err(|source| CliError::File { path: file.to_path_buf(), source })?;
    Ok(text)
}
