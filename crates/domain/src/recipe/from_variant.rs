//! Turns what a variant changes into a change of the recipe that its base was built from.
//!
//! The text stays the recipe: its comments and its order stay, see [`super::form`]. What a recipe has
//! no words for is left out, and said.

use super::form::{self, Fault, Group, RecipeForm, Row};
use crate::{
    packages::pinned,
    variant::{self, Definition},
};

/// A recipe with a variant's changes in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariantInRecipe {
    /// The whole text.
    pub text: String,
    /// What is not in it, and why, a sentence each.
    pub left_out: Vec<String>,
}

/// Writes what a variant changes into the text of a recipe.
///
/// # Errors
/// Where the text cannot be read, or says something in a way that cannot be changed here.
pub fn with_variant(text: &str, definition: &Definition) -> Result<VariantInRecipe, Fault> {
    let mut change =
        Change { form: form::read(text).map_err(Fault::Unreadable)?, left_out: Vec::new() };
    change.packages(&definition.packages);
    change.lines(Group::Services, "enable", &definition.services.enable);
    change.lines(Group::Services, "disable", &definition.services.disable);
    change.users(definition);
    change.files(definition);
    change.kernels(definition);
    change.arguments(&definition.boot);
    change.programs(definition);
    if definition.hostname.is_some() {
        let why = "the host name: each release names its machines itself";
        change.left_out.push(why.to_owned());
    }
    Ok(VariantInRecipe { text: form::apply(text, &change.form)?, left_out: change.left_out })
}

struct Change {
    form: RecipeForm,
    left_out: Vec<String>,
}

impl Change {
    fn packages(&mut self, packages: &variant::Packages) {
        let mut remove = Vec::new();
        let named = lines(self.form.value(Group::System, 0, "packages"));
        let is_named = |package: &str| named.iter().any(|it| pinned(it).0 == package);
        for package in &packages.remove {
            if is_named(package) {
                remove.push(package.as_str());
            } else {
                self.left_out.push(format!(
                    "the removal of {package}: the recipe does not ask for it, so something else brings it"
                ));
            }
        }
        // What went along would come back by its name, and bring what was removed with it.
        let accepted = packages.accept_removal.iter().map(String::as_str);
        let added = |package: &&str| packages.add.iter().any(|it| pinned(it).0 == *package);
        remove.extend(accepted.filter(|it| is_named(it) && !added(it)));
        let kept = named.into_iter().filter(|it| !remove.contains(&pinned(it).0));
        let mut wanted: Vec<String> = kept.collect();
        for package in &packages.add {
            let (name, suite) = pinned(package);
            match wanted.iter_mut().find(|it| pinned(it).0 == name) {
                Some(there) if suite.is_some() => there.clone_from(package),
                Some(_) => {}
                None => wanted.push(package.clone()),
            }
        }
        self.set(Group::System, 0, "packages", &wanted.join("\n"));
    }

    fn lines(&mut self, group: Group, key: &str, more: &[String]) {
        let mut wanted = lines(self.form.value(group, 0, key));
        for it in more {
            if !wanted.contains(it) {
                wanted.push(it.clone());
            }
        }
        self.set(group, 0, key, &wanted.join("\n"));
    }

    fn users(&mut self, definition: &Definition) {
        for user in &definition.users {
            let row = self.row(Group::Users, &user.name);
            let fields = [
                ("password", user.password.clone()),
                ("groups", Some(user.groups.join(" "))),
                ("ssh_keys", Some(user.ssh_keys.join("\n"))),
                ("shell", Some(user.shell.clone())),
            ];
            for (key, value) in fields {
                if let Some(value) = value.filter(|it| !it.is_empty()) {
                    self.set(Group::Users, row, key, &value);
                }
            }
        }
    }

    fn files(&mut self, definition: &Definition) {
        for file in &definition.files {
            let Some(content) = &file.content else {
                let why = "a recipe holds texts; put the file into a package";
                self.left_out.push(format!("the file {}: it was uploaded, and {why}", file.path));
                continue;
            };
            let row = self.row(Group::Files, &file.path);
            for (key, value) in [("mode", &file.mode), ("owner", &file.owner), ("content", content)]
            {
                self.set(Group::Files, row, key, value);
            }
        }
    }

    /// What the recipe does itself goes before what the variant does on top of it.
    fn programs(&mut self, definition: &Definition) {
        if let Some(playbook) = &definition.playbook {
            let own = self.form.value(Group::Playbook, 0, "content").trim_end();
            match &playbook.content {
                Some(content) if own.is_empty() => {
                    self.set(Group::Playbook, 0, "content", content);
                }
                Some(content) if has_block(own, content) => {}
                Some(_) => self.left_out.push(
                    "the playbook: the recipe has one already; bring the plays of both together"
                        .to_owned(),
                ),
                None => self.left_out.push(
                    "the playbook: it was uploaded as an archive, and a recipe holds texts; write it as one playbook".to_owned(),
                ),
            }
        }
        if let Some(script) = &definition.script {
            let own = self.form.value(Group::Script, 0, "content").trim_end().to_owned();
            if own.is_empty() {
                let limit = script.limit_seconds.to_string();
                self.set(Group::Script, 0, "content", &script.content);
                if script.limit_seconds != variant::SCRIPT_LIMIT {
                    self.set(Group::Script, 0, "limit_seconds", &limit);
                }
            } else if !has_block(&own, &script.content) {
                let both = format!("{own}\n{}", script.content);
                self.set(Group::Script, 0, "content", &both);
            }
        }
    }

    fn kernels(&mut self, definition: &Definition) {
        for kernel in &definition.kernels {
            let (key, other, name) = match (&kernel.kernel, &kernel.package) {
                (Some(name), _) => ("kernel", "package", name),
                (None, Some(package)) => ("package", "kernel", package),
                (None, None) => {
                    self.left_out.push(format!(
                        "the kernel {}: it was uploaded; add it on the page Kernels, and name it",
                        kernel.alias
                    ));
                    continue;
                }
            };
            let is_new = !self.has(Group::Kernels, &kernel.alias);
            let row = self.row(Group::Kernels, &kernel.alias);
            self.set(Group::Kernels, row, key, name);
            self.set(Group::Kernels, row, other, "");
            if kernel.flavor == crate::kernel::Flavor::Xen {
                self.set(Group::Kernels, row, "flavor", kernel.flavor.word());
            }
            if is_new {
                self.left_out.push(format!(
                    "a boot entry for {}: say in the menu how it is to boot",
                    kernel.alias
                ));
            }
        }
    }

    fn arguments(&mut self, boot: &variant::Boot) {
        for row in 0..self.form.rows(Group::Entries).len() {
            let kind = self.form.value(Group::Entries, row, "kind").to_owned();
            if !matches!(kind.as_str(), "" | "linux" | "xen") {
                continue;
            }
            self.append(row, "arguments", &boot.arguments);
            if kind == "xen" {
                self.append(row, "hypervisor_arguments", &boot.hypervisor_arguments);
            }
        }
    }

    fn append(&mut self, row: usize, key: &str, more: &str) {
        let before = self.form.value(Group::Entries, row, key);
        let more = missing_arguments(before, more);
        if more.is_empty() {
            return;
        }
        let all = format!("{before} {}", more.join(" "));
        self.set(Group::Entries, row, key, all.trim());
    }

    fn has(&self, group: Group, title: &str) -> bool {
        self.form.rows(group).iter().any(|row| row.title() == title)
    }

    /// The row of that name; a new one where there is none.
    fn row(&mut self, group: Group, title: &str) -> usize {
        let known = self.form.rows(group).iter().position(|row| row.title() == title);
        known.unwrap_or_else(|| {
            let rows = self.form.rows_mut(group);
            let mut row = Row::empty(group);
            if let Some(first) = row.0.first_mut() {
                title.clone_into(first);
            }
            rows.push(row);
            rows.len() - 1
        })
    }

    fn set(&mut self, group: Group, row: usize, key: &str, value: &str) {
        let Some((at, field)) = group.fields().iter().enumerate().find(|(_, it)| it.key == key)
        else {
            return;
        };
        if let Some(held) = self.form.rows_mut(group).get_mut(row).and_then(|it| it.0.get_mut(at)) {
            *held = field.kind.held(value);
        }
    }
}

/// The arguments of `more` that `before` lacks. Of those of one name the last counts, so they are there
/// where what `before` has of that name ends with them.
fn missing_arguments<'a>(before: &str, more: &'a str) -> Vec<&'a str> {
    let (there, wanted) = (arguments(before), arguments(more));
    let is_there = |name: &str| {
        let of_name = |it: &&&str| argument_name(it) == name;
        let mut last = there.iter().rev().filter(of_name);
        wanted.iter().rev().filter(of_name).all(|it| last.next() == Some(it))
    };
    wanted.iter().copied().filter(|it| !is_there(argument_name(it))).collect()
}

/// The arguments of a command line; quotes hold spaces together, as Linux reads them.
fn arguments(line: &str) -> Vec<&str> {
    let mut is_quoted = false;
    let words = line.split(|c: char| {
        is_quoted ^= c == '"';
        c == ' ' && !is_quoted
    });
    words.filter(|it| !it.is_empty()).collect()
}

fn argument_name(argument: &str) -> &str {
    argument.split('=').next().unwrap_or(argument)
}

/// Whether `text` has the lines of `block`, one after the other.
fn has_block(text: &str, block: &str) -> bool {
    let (text, block): (Vec<&str>, Vec<&str>) =
        (text.lines().collect(), block.trim_end().lines().collect());
    block.is_empty() || text.windows(block.len()).any(|it| it == block)
}

fn lines(held: &str) -> Vec<String> {
    held.lines().map(str::trim).filter(|it| !it.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{parse, starter};

    fn changed(text: &str) -> VariantInRecipe {
        with_variant(starter(), &variant::parse(text).unwrap()).unwrap()
    }

    #[test]
    fn a_recipe_takes_over_what_it_has_words_for() {
        let change = changed(
            "[packages]\nadd = [\"htop\", \"tmux/bookworm-backports\"]\nremove = [\"pciutils\", \"tzdata\"]\n\
             [services]\ndisable = [\"cron\"]\n[boot]\narguments = \"debug\"\n\
             [[users]]\nname = \"probe\"\npassword = \"secret\"\n\
             [[files]]\npath = \"/etc/motd\"\ncontent = \"hello\\n\"\n\
             [[kernels]]\nalias = \"vmlinuz-6.1.y\"\nkernel = \"lab\"\n",
        );
        let recipe = parse(&change.text).unwrap();
        assert!(recipe.packages.contains(&"htop".to_owned()));
        assert!(recipe.packages.contains(&"tmux/bookworm-backports".to_owned()));
        assert!(!recipe.packages.contains(&"pciutils".to_owned()));
        assert_eq!(recipe.services.disable, ["cron"]);
        assert_eq!(recipe.users.len(), 2);
        assert_eq!(recipe.files.last().unwrap().content, "hello\n");
        assert_eq!(recipe.own_kernels().into_keys().collect::<Vec<_>>(), ["lab"]);
        assert_eq!(recipe.menu.entries[0].arguments(), ["console=ttyS0,115200 debug"]);
        // Comments stay.
        assert!(change.text.contains("# Reach it and look around."));
        assert_eq!(change.left_out.len(), 1);
        assert!(change.left_out[0].contains("removal of tzdata"), "{:?}", change.left_out);
    }

    #[test]
    fn a_package_moves_to_the_suite_that_a_variant_takes_it_from() {
        let pinned = changed("[packages]\nadd = [\"pciutils/bookworm-backports\"]\n");
        let packages = parse(&pinned.text).unwrap().packages;
        let now: Vec<_> = packages.iter().filter(|it| it.starts_with("pciutils")).collect();
        assert_eq!(now, ["pciutils/bookworm-backports"]);
        let gone = "[packages]\nremove = [\"pciutils\"]\n";
        let gone = with_variant(&pinned.text, &variant::parse(gone).unwrap()).unwrap();
        assert!(!gone.text.contains("pciutils") && gone.left_out.is_empty(), "{}", gone.text);
    }

    #[test]
    fn what_was_agreed_to_go_along_goes_from_the_recipe_too() {
        let text = starter().replace("\"pciutils\"", "\"pciutils\", \"reader/bookworm-backports\"");
        let along = "[packages]\nadd = [\"iproute2\"]\nremove = [\"pciutils\"]\n\
                     accept_removal = [\"reader\", \"iproute2\", \"never-named\"]\n";
        let change = with_variant(&text, &variant::parse(along).unwrap()).unwrap();
        let packages = parse(&change.text).unwrap().packages;
        assert!(!packages.iter().any(|it| it.starts_with("reader") || it == "pciutils"));
        assert!(packages.contains(&"iproute2".to_owned()), "{packages:?}");
        assert_eq!(change.left_out, [""; 0]);
    }

    #[test]
    fn arguments_are_added_once() {
        let text = "[boot]\narguments = \"debug quiet\"\n";
        let once = changed(text);
        let again = with_variant(&once.text, &variant::parse(text).unwrap()).unwrap();
        assert_eq!(again.text, once.text);
        assert!(once.text.contains("ttyS0,115200 debug quiet"));
        let more = variant::parse("[boot]\narguments = \"debug=1 quiet bug\"\n").unwrap();
        let more = with_variant(&once.text, &more).unwrap();
        assert!(more.text.contains("ttyS0,115200 debug quiet debug=1 bug"), "{}", more.text);
    }

    #[test]
    fn of_arguments_of_one_name_the_last_counts() {
        for (before, more, missing) in [
            ("debug", "debug", vec![]),
            ("nodebug debug1", "debug", vec!["debug"]),
            ("", "a b", vec!["a", "b"]),
            ("a  b", "b a", vec![]),
            ("console=tty0 console=ttyS0", "console=ttyS0", vec![]),
            ("console=ttyS0 console=tty0", "console=ttyS0", vec!["console=ttyS0"]),
            (
                "console=ttyS0 quiet",
                "quiet console=tty0 console=ttyS0",
                vec!["console=tty0", "console=ttyS0"],
            ),
            ("a=\"x y\"", "b=\"z y\"", vec!["b=\"z y\""]),
            ("a=\"x y\" z", "a=\"x y\"", vec![]),
        ] {
            assert_eq!(missing_arguments(before, more), missing, "{before} + {more}");
        }
    }

    #[test]
    fn a_playbook_and_a_script_go_into_the_recipe() {
        let text = "[script]\ncontent = \"true\\n\"\nlimit_seconds = 30\n[playbook]\ncontent = \"- hosts: all\"\n";
        let once = changed(text);
        let recipe = parse(&once.text).unwrap();
        assert_eq!(recipe.playbook.unwrap().content, "- hosts: all");
        let script = recipe.script.unwrap();
        assert_eq!((script.content.as_str(), script.limit_seconds), ("true\n", 30));
        assert_eq!(once.left_out, [""; 0]);

        // A recipe that has them already does its own first, and nothing twice.
        let again = with_variant(&once.text, &variant::parse(text).unwrap()).unwrap();
        assert_eq!(again, VariantInRecipe { text: once.text.clone(), left_out: Vec::new() });
        let more = "[script]\ncontent = \"false\\n\"\n[playbook]\ncontent = \"- hosts: none\"\n";
        let more = with_variant(&once.text, &variant::parse(more).unwrap()).unwrap();
        assert_eq!(parse(&more.text).unwrap().script.unwrap().content, "true\nfalse\n");
        assert!(more.left_out[0].contains("the recipe has one already"), "{:?}", more.left_out);
    }

    #[test]
    fn a_script_is_there_where_all_its_lines_are() {
        let own = with_variant(
            starter(),
            &variant::parse("[script]\ncontent = \"echo true\\necho false\\ntrue or\\n\"\n")
                .unwrap(),
        );
        let own = own.unwrap().text;
        let script = |content: &str| {
            let text = format!("[script]\ncontent = \"{content}\"\n");
            let change = with_variant(&own, &variant::parse(&text).unwrap()).unwrap();
            parse(&change.text).unwrap().script.unwrap().content
        };
        assert_eq!(script("true\\n"), "echo true\necho false\ntrue or\ntrue\n");
        assert_eq!(script("echo false\\ntrue or"), "echo true\necho false\ntrue or\n");
        let turned = script("echo false\\necho true\\n");
        assert!(turned.ends_with("true or\necho false\necho true\n"), "{turned}");
        // Of a playbook, what has its letters is another one.
        let play = |content: &str| format!("[playbook]\ncontent = \"{content}\"\n");
        let own = changed(&play("- hosts: all_of_them")).text;
        let other = with_variant(&own, &variant::parse(&play("- hosts: all")).unwrap()).unwrap();
        assert!(other.left_out[0].contains("the recipe has one already"), "{:?}", other.left_out);
    }

    #[test]
    fn what_a_recipe_cannot_say_is_said_to_be_left_out() {
        let change = changed(
            "hostname = \"probe\"\n[[kernels]]\nalias = \"vmlinuz-dev\"\npackage = \"linux-image-amd64\"\n",
        );
        assert_eq!(change.left_out.len(), 2, "{:?}", change.left_out);
        assert!(change.left_out.iter().any(|it| it.contains("a boot entry for vmlinuz-dev")));
        assert_eq!(changed("").text, starter());
    }
}
