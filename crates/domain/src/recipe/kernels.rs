//! Reads what a recipe serves besides its rootfs: kernels and preseeds.

use std::collections::BTreeMap;

use super::{
    Kernel, KernelFrom, Preseed,
    fields::Fields,
    nearest::hint,
    read::{check, no_twins, value},
    report::{Placed, Report, quoted},
    syntax,
};
use crate::{
    kernel::{self, Flavor},
    packages::pinned,
};

/// All `[[kernels]]`; `packages` are those that the rootfs has anyway.
pub(super) fn kernels(
    report: &mut Report,
    root: &Fields<'_, '_>,
    packages: &[Placed<String>],
) -> Vec<Kernel> {
    let example =
        "[[kernels]] with alias = \"vmlinuz-6.1.y\" and package = \"linux-image-cloud-amd64\"";
    root.require(report, "kernels", example);
    let (mut aliases, mut named) = (Vec::new(), Vec::new());
    let mut kernels = Vec::new();
    let tables = root.tables(report, "kernels");
    if root.has("kernels") && tables.is_empty() {
        let line = root.line_of(report, "kernels");
        report.add_absence(line, format!("a recipe needs a kernel; write {example}"));
    }
    for table in tables {
        let keys = ["alias", "flavor", "package", "kernel"];
        let kernel = Fields::new(report, table.value, table.line, "a kernel", &keys);
        let alias = kernel.required(report, "alias", "alias = \"vmlinuz-6.1.y\"");
        let own = own_kernel(report, &kernel);
        let package = if own.is_some() {
            None
        } else {
            let example =
                "package = \"linux-image-cloud-amd64\", or kernel = \"<name of a kernel>\"";
            kernel.required(report, "package", example)
        };
        if let Some(alias) = &alias {
            check(report, alias, syntax::alias);
        }
        if let Some(package) = &package {
            check(report, package, syntax::pinned_package);
        }
        let flavor = flavor(report, &kernel, package.as_ref());
        aliases.extend(alias.clone());
        named.extend(package.clone());
        let from = own.map_or_else(
            || KernelFrom::Package(value(package)),
            |own| KernelFrom::Kernel(own.value),
        );
        kernels.push(Kernel { alias: value(alias), flavor, from });
    }
    no_twins(report, &aliases, "alias");
    let kernel_lines: BTreeMap<&str, u32> =
        named.iter().map(|package| (pinned(&package.value).0, package.line)).collect();
    for package in packages {
        if let Some(line) = kernel_lines.get(pinned(&package.value).0) {
            let message = format!(
                "{} comes with the kernel of line {line} already; take it out of \"packages\"",
                quoted(&package.value)
            );
            report.add(package.line, message);
        }
    }
    kernels
}

/// The kernel that is a component of its own, where one is named instead of a package.
fn own_kernel(report: &mut Report, kernel: &Fields<'_, '_>) -> Option<Placed<String>> {
    let own = kernel.text(report, "kernel")?;
    if kernel.has("package") {
        let message = "a kernel comes from a package of the suite or is one of the page Kernels: write \"package\" or \"kernel\", not both";
        report.add(own.line, message.to_owned());
    }
    check(report, &own, |name| {
        kernel::check_name(name).map_err(|fault| format!("{} names none: {fault}", quoted(name)))
    });
    Some(own)
}

/// What a kernel is. A hypervisor that is not called one would be installed and started as Linux.
fn flavor(
    report: &mut Report,
    kernel: &Fields<'_, '_>,
    package: Option<&Placed<String>>,
) -> Flavor {
    let written = kernel.text(report, "flavor");
    let flavor = written.as_ref().map_or(Some(Flavor::Linux), |written| {
        Flavor::ALL.into_iter().find(|flavor| flavor.word() == written.value)
    });
    if let (Some(written), None) = (&written, flavor) {
        let near = hint(&written.value, Flavor::ALL.map(Flavor::word));
        let message = format!(
            "a kernel is of flavor \"linux\" or \"xen\", not {}{near}",
            quoted(&written.value)
        );
        report.add(written.line, message);
    }
    let flavor = flavor.unwrap_or_default();
    let hypervisor = |package: &&Placed<String>| package.value.starts_with("xen-hypervisor-");
    if let Some(package) = package.filter(hypervisor).filter(|_| flavor == Flavor::Linux) {
        let message = format!("{} is a hypervisor; write flavor = \"xen\"", quoted(&package.value));
        report.add_absence(package.line, message);
    }
    flavor
}

/// All `[[preseeds]]`.
pub(super) fn preseeds(report: &mut Report, root: &Fields<'_, '_>) -> Vec<Preseed> {
    let mut names = Vec::new();
    let mut preseeds = Vec::new();
    for table in root.tables(report, "preseeds") {
        let preseed =
            Fields::new(report, table.value, table.line, "a preseed", &["name", "content"]);
        let name = preseed.required(report, "name", "name = \"preseed.cfg\"");
        let content = preseed.required(report, "content", "content = \"d-i …\"");
        if let Some(name) = &name {
            check(report, name, syntax::preseed);
        }
        names.extend(name.clone());
        preseeds.push(Preseed { name: value(name), content: value(content) });
    }
    no_twins(report, &names, "preseed");
    preseeds
}
