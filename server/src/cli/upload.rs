//! Sending a file of this machine to the server, with a bar on a terminal.

use std::{fs::File, path::Path};

use indicatif::{ProgressBar, ProgressStyle};

use super::{Cli, client::query, error::CliError, output::one_line};
use crate::api::uploads::Upload;

/// Sends a file as `name`; gives what the server keeps.
pub(super) fn upload(cli: &Cli, path: &Path, name: &str) -> Result<Upload, CliError> {
    let unusable = |source| CliError::File { path: path.to_path_buf(), source };
    let file = File::open(path).map_err(unusable)?;
    let size = file.metadata().map_err(unusable)?.len();
    let bar = bar(cli, size, name);
    let address = format!("/uploads{}", query(&[("name", Some(name))]));
    let kept = cli.client.send_file(&address, bar.wrap_read(file), size);
    bar.finish_and_clear();
    kept
}

/// What a file is called where nobody says otherwise.
pub(super) fn name_of(path: &Path) -> Result<String, CliError> {
    let name = path.file_name().and_then(|name| name.to_str()).map(ToOwned::to_owned);
    name.ok_or_else(|| CliError::Usage(format!("{} names no file", path.display())))
}

/// How far the sending of a file is.
pub(super) fn bar(cli: &Cli, size: u64, name: &str) -> ProgressBar {
    if !cli.output.is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(size);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {msg} {eta}") {
        bar.set_style(style);
    }
    bar.set_message(one_line(name));
    bar
}
