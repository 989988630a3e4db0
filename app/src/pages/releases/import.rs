//! `/releases/import`: a rootfs, kernels and a menu that exist already become a release.

use domain::kernel::{Flavor, UploadedFile};
use leptos::prelude::*;

use crate::{
    api::imports::{ImportDraft, ImportPage, KERNELS, KernelDraft},
    error::AppError,
    ui::{form, page, raw},
};

/// Fields that the form shows a fault at; other faults stand above it.
const FIELDS: [&str; 5] = ["version", "rootfs", "menu", "kernels", "login"];

/// The page.
#[must_use]
pub fn show(data: ImportPage) -> AnyView {
    let ImportPage { draft, import } = data;
    let error = draft.error.clone();
    let of_field = |field: &str| error.as_ref().and_then(|error| error.of_field(field));
    let placed = FIELDS.into_iter().any(|field| of_field(field).is_some());
    let general = error.clone().filter(|_: &AppError| !placed);
    let crumbs = vec![("Releases", "/releases".to_owned())];
    let rootfs =
        view! { {chosen("rootfs", draft.rootfs.as_ref())}{file("rootfs", "rootfs", false)} };
    let menu = view! {
        <textarea id="menu" name="menu" rows="8" spellcheck="false" aria-describedby="menu-about">{raw(&draft.menu)}</textarea>
    };
    let password = view! {
        <input id="password" name="password" value=draft.password.clone() autocomplete="off" spellcheck="false" aria-describedby="password-about"/>
    };
    view! {
        {page::heading("Import a release".to_owned(), crumbs, ().into_any())}
        <p>
            "What you have already becomes a release: it boots, and is validated, compared, deployed and rolled back like any other. It has no lock, so it cannot be built again; a recipe is proposed from its packages."
        </p>
        <form method="post" action="/releases/import" enctype="multipart/form-data" class="sheet wide">
            {form::fault(general)}
            {form::field("version", "Version", None, of_field("version"), form::line("version", "version", draft.version.clone()))}
            {form::field(
                "rootfs",
                "Rootfs",
                Some("A tar archive with the top folder rootfs/, compressed by gzip, xz, zstd or not: rootfs-v1.0.0.tar.gz.".to_owned()),
                of_field("rootfs"),
                rootfs.into_any(),
            )}
            {form::field(
                "menu",
                "Boot menu",
                Some("The text of menu.ipxe. Entries that no release can boot are listed with the reason.".to_owned()),
                of_field("menu"),
                menu.into_any(),
            )}
            {form::field("menu-file", "Or its file", None, None, file("menu-file", "menu-file", false))}
            {kernels(&draft, of_field("kernels"))}
            {form::field("user", "Account of the console", Some("Plans sign in with it.".to_owned()), of_field("login"), form::line("user", "user", draft.user.clone()))}
            {form::field("password", "Its password", Some("Whoever reaches the boot network can read the image, passwords included.".to_owned()), None, password.into_any())}
            {form::submit("Import", "main", &import)}
        </form>
    }
    .into_any()
}

fn kernels(draft: &ImportDraft, error: Option<String>) -> AnyView {
    let rows: Vec<_> = (0..KERNELS)
        .map(|at| kernel(at, &draft.kernels.get(at).cloned().unwrap_or_default()))
        .collect();
    view! {
        <fieldset aria-describedby="kernels-about">
            <legend>"Kernels"</legend>
            <p id="kernels-about">
                "Each by the name that the menu has for its file, such as vmlinuz-4.14.y. Its packages are needed where the rootfs lacks its modules; without a file, the kernel is taken out of them."
            </p>
            {error.map(|error| view! { <p class="wrong" role="alert">{error}</p> })}
            {rows}
        </fieldset>
    }
    .into_any()
}

fn kernel(at: usize, draft: &KernelDraft) -> AnyView {
    let id = |part: &str| format!("kernel-{at}-{part}");
    let name = |part: &str| format!("kernel.{at}.{part}");
    let number = at + 1;
    let options: Vec<_> = [(Flavor::Linux, "Linux"), (Flavor::Xen, "Xen")]
        .into_iter()
        .map(|(flavor, words)| {
            let chosen = draft.flavor == flavor;
            view! { <option value=flavor.word() selected=chosen>{words}</option> }
        })
        .collect();
    let kept: Vec<_> =
        draft.packages.iter().map(|package| chosen(&name("packages"), Some(package))).collect();
    // The first is needed; the others are there for who has more.
    let open = at == 0 || !draft.is_empty();
    // Whoever sees the fields sees whose they are.
    let label = |part: &str, words: &'static str| {
        view! { <label for=id(part)>{words}<span class="hidden">{format!(" of kernel {number}")}</span></label> }
    };
    view! {
        <details class="group" open=open>
            <summary>{format!("Kernel {number}")}</summary>
            <div class="field">
                {label("alias", "Name in the menu")}
                <input id=id("alias") name=name("alias") value=draft.alias.clone() autocomplete="off" spellcheck="false"/>
            </div>
            <div class="field">
                {label("flavor", "Flavor")}
                <select id=id("flavor") name=name("flavor")>{options}</select>
            </div>
            <div class="field">
                {label("image", "File")}
                {chosen(&name("image"), draft.image.as_ref())}
                {file(&id("image"), &name("image"), false)}
            </div>
            <div class="field">
                {label("packages", "Packages")}
                {kept}
                {file(&id("packages"), &name("packages"), true)}
            </div>
        </details>
    }
    .into_any()
}

fn file(id: &str, name: &str, several: bool) -> AnyView {
    let (id, name) = (id.to_owned(), name.to_owned());
    view! { <input type="file" id=id name=name multiple=several/> }.into_any()
}

/// A file that was uploaded before: it need not be sent again.
fn chosen(name: &str, file: Option<&UploadedFile>) -> AnyView {
    let Some(file) = file else { return ().into_any() };
    let value = format!("{} {}", file.sha256, file.name);
    view! {
        <p>
            <code>{file.name.clone()}</code>" is uploaded; choose another to replace it."
            <input type="hidden" name=format!("kept.{name}") value=value/>
        </p>
    }
    .into_any()
}
