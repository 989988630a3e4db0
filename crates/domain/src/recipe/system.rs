//! Reads what a recipe puts into the rootfs and does to it: accounts, files, services, a playbook, a
//! script.

use std::collections::BTreeMap;

use super::{
    File, Playbook, Services, User, bash,
    fields::Fields,
    plain_mode,
    read::{check, check_all, no_twins, value, values},
    report::{Placed, Report, quoted},
    root_owner,
    syntax::{self, Checked},
};
use crate::variant::{SCRIPT_LIMIT, Script};

/// The most bytes that one file may have.
const LONGEST_FILE: usize = 128 * 1024;

/// All `[[users]]`.
pub(super) fn users(report: &mut Report, root: &Fields<'_, '_>) -> Vec<User> {
    let mut names = Vec::new();
    let mut users = Vec::new();
    for table in root.tables(report, "users") {
        let keys = ["name", "password", "groups", "ssh_keys", "shell"];
        let user = Fields::new(report, table.value, table.line, "a user", &keys);
        let name = user.required(report, "name", "name = \"root\"");
        let password = user.text(report, "password");
        let shell = user.text(report, "shell");
        for (value, rule) in [
            (&name, syntax::user as fn(&str) -> Checked),
            (&password, syntax::password),
            (&shell, syntax::shell),
        ] {
            if let Some(placed) = value {
                check(report, placed, rule);
            }
        }
        let groups = user.texts(report, "groups");
        check_all(report, &groups, syntax::group);
        no_twins(report, &groups, "group");
        let ssh_keys = user.texts(report, "ssh_keys");
        check_all(report, &ssh_keys, syntax::ssh_key);
        no_twins(report, &ssh_keys, "SSH key");
        names.extend(name.clone());
        users.push(User {
            name: value(name),
            password: password.map(|password| password.value),
            groups: values(groups),
            ssh_keys: values(ssh_keys).into_iter().map(|key| key.trim().to_owned()).collect(),
            shell: shell.map_or_else(bash, |shell| shell.value),
        });
    }
    no_twins(report, &names, "user");
    users
}

/// All `[[files]]`.
pub(super) fn files(report: &mut Report, root: &Fields<'_, '_>, has_issue: bool) -> Vec<File> {
    let mut paths = Vec::new();
    let mut files = Vec::new();
    for table in root.tables(report, "files") {
        let keys = ["path", "content", "mode", "owner"];
        let file = Fields::new(report, table.value, table.line, "a file", &keys);
        let path = file.required(report, "path", "path = \"/etc/motd\"");
        let content = file.required(report, "content", "content = \"\"\"…\"\"\"");
        let mode = file.text(report, "mode");
        let owner = file.text(report, "owner");
        for (value, rule) in [
            (&path, file_path as fn(&str) -> Checked),
            (&content, file_content),
            (&mode, syntax::mode),
            (&owner, syntax::owner),
        ] {
            if let Some(placed) = value {
                check(report, placed, rule);
            }
        }
        if let Some(path) = path.as_ref().filter(|path| has_issue && path.value == "/etc/issue") {
            report.add(
                path.line,
                "/etc/issue is written from the recipe's \"issue\" already; keep one of them",
            );
        }
        paths.extend(path.clone());
        files.push(File {
            path: value(path),
            content: value(content),
            mode: mode.map_or_else(plain_mode, |mode| mode.value),
            owner: owner.map_or_else(root_owner, |owner| owner.value),
        });
    }
    no_twins(report, &paths, "file");
    no_file_is_a_folder(report, &paths);
    files
}

pub(crate) fn file_content(content: &str) -> Checked {
    if content.len() > LONGEST_FILE {
        return Err(format!(
            "the file has {} bytes and may have {LONGEST_FILE}; put large files into a package",
            content.len()
        ));
    }
    Ok(())
}

/// Paths that a recipe may write, and why not the others.
pub(crate) fn file_path(path: &str) -> Checked {
    if let Some(fault) = syntax::path_fault(path) {
        return Err(format!("the path {fault}"));
    }
    let below = |folder: &str| {
        path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let why = match path {
        "/etc/hostname" => {
            "holds the name of the release, such as rootfs-v1.2.0, which each build writes"
        }
        "/etc/machine-id" => {
            "must be absent from an image: machines that share one are one machine to DHCP, journal and D-Bus; each boot makes its own"
        }
        "/etc/passwd" | "/etc/shadow" | "/etc/group" | "/etc/gshadow" => {
            "is kept by the packages and by the recipe's users; write [[users]] instead"
        }
        _ if path.starts_with("/etc/ssh/ssh_host_") => {
            "would give all machines one SSH identity that everybody can read in the image; each boot makes its own"
        }
        _ if ["/dev", "/proc", "/sys", "/run", "/tmp", "/var/run", "/var/lock"]
            .into_iter()
            .any(below) =>
        {
            "is on a file system that each boot makes anew, so the file would never be seen; write below /etc, /usr, /var or /opt"
        }
        _ if ["/bin", "/sbin", "/lib", "/lib64"].into_iter().any(below) => {
            "is below a link into /usr; write the path with /usr in front"
        }
        _ => return Ok(()),
    };
    Err(format!("{} {why}", quoted(path)))
}

/// No path may need as a folder what another one writes as a file.
fn no_file_is_a_folder(report: &mut Report, paths: &[Placed<String>]) {
    // Ordered by parts, not characters, a folder stands right before all that lies below it.
    let mut ordered: Vec<(Vec<&str>, &Placed<String>)> =
        paths.iter().map(|path| (path.value.split('/').collect(), path)).collect();
    ordered.sort_by(|a, b| a.0.cmp(&b.0));
    for pair in ordered.windows(2) {
        let [(above, file), (below, inner)] = pair else { continue };
        if below.len() > above.len() && below.starts_with(above) {
            let message = format!(
                "{} cannot be made: line {} writes {} as a file",
                quoted(&inner.value),
                file.line,
                quoted(&file.value)
            );
            report.add(inner.line, message);
        }
    }
}

/// The `[services]`.
pub(super) fn services(report: &mut Report, root: &Fields<'_, '_>) -> Services {
    let Some(table) = root.table(report, "services") else { return Services::default() };
    let keys = ["enable", "disable"];
    let services = Fields::new(report, table.value, table.line, "services", &keys);
    let enable = services.texts(report, "enable");
    let disable = services.texts(report, "disable");
    let full = |list: &[Placed<String>]| -> Vec<Placed<String>> {
        list.iter()
            .map(|unit| Placed { value: syntax::full_unit(&unit.value), line: unit.line })
            .collect()
    };
    for list in [&enable, &disable] {
        check_all(report, list, syntax::unit);
        no_twins(report, &full(list), "unit");
    }
    let enabled: BTreeMap<String, u32> =
        full(&enable).into_iter().map(|unit| (unit.value, unit.line)).collect();
    for unit in full(&disable) {
        if let Some(line) = enabled.get(&unit.value) {
            let message = format!(
                "{} is enabled on line {line}; keep it in one of the two lists",
                quoted(&unit.value)
            );
            report.add(unit.line, message);
        }
    }
    Services { enable: values(enable), disable: values(disable) }
}

/// The `[playbook]`; one that says nothing is none.
pub(super) fn playbook(report: &mut Report, root: &Fields<'_, '_>) -> Option<Playbook> {
    let table = root.table(report, "playbook").filter(|table| !table.value.is_empty())?;
    let playbook = Fields::new(report, table.value, table.line, "a playbook", &["content"]);
    let content = program(report, &playbook, "content = \"\"\"- hosts: all …\"\"\"");
    Some(Playbook { content })
}

/// The `[script]`; one that says nothing is none.
pub(super) fn script(report: &mut Report, root: &Fields<'_, '_>) -> Option<Script> {
    let table = root.table(report, "script").filter(|table| !table.value.is_empty())?;
    let keys = ["content", "limit_seconds"];
    let script = Fields::new(report, table.value, table.line, "a script", &keys);
    let content = program(report, &script, "content = \"\"\"…\"\"\"");
    let limit = script.number(report, "limit_seconds");
    let limit_seconds = match &limit {
        None => SCRIPT_LIMIT,
        Some(placed) => u32::try_from(placed.value).unwrap_or(u32::MAX),
    };
    if let Err(message) = syntax::script_limit(limit_seconds) {
        report.add(limit.map_or(script.line, |placed| placed.line), message);
    }
    Some(Script { content, limit_seconds })
}

/// The `content` of what is run on the rootfs.
fn program(report: &mut Report, of: &Fields<'_, '_>, example: &str) -> String {
    let content = of.required(report, "content", example);
    if let Some(content) = &content {
        check(report, content, syntax::program);
    }
    value(content)
}
