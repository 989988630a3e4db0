//! The form that adds a kernel and changes one: what it is, its source, its configuration.
//!
//! It is an ordinary form that carries files, with an ordinary answer: the form again where it has
//! faults or another fragment was asked for, with everything that was typed. What was uploaded stays
//! uploaded: it comes back as a box to keep it or not.

use domain::kernel::{Flavor, Fragment};
use leptos::prelude::*;

use super::{
    flavor_name, head,
    source::{kept, line, source, upload},
};
use crate::{
    api::kernels::{BaseKind, KernelDraft, KernelFormPage, Slot},
    routes::href,
    ui::{form, page, raw},
};

/// The page: of a new kernel where there is none yet.
#[must_use]
pub fn show(data: KernelFormPage) -> AnyView {
    let KernelFormPage { draft, head: above, others, save } = data;
    let (heading, target, label) = match &above {
        None => (
            page::heading(
                "Add a kernel".to_owned(),
                vec![("Kernels", "/kernels".to_owned())],
                ().into_any(),
            ),
            "/kernels/new".to_owned(),
            "Add kernel",
        ),
        Some(above) => {
            (head::head(above, "edit"), href::kernel_part(&draft.name, "edit"), "Save changes")
        }
    };
    let faults = faults(&draft);
    let disabled = save.is_err();
    view! {
        {heading}
        <form method="post" action=target enctype="multipart/form-data" class="kernel-form" autocomplete="off">
            // Return presses the first button of a form, which must not be one that takes a row out.
            <button type="submit" class="hidden" tabindex="-1" aria-hidden="true" disabled=disabled>{label}</button>
            {form::fault(draft.error.clone())}
            {faults}
            <input type="hidden" name="revision" value=draft.revision.map(|it| it.to_string())/>
            {identity(&draft, above.is_none())}
            {source(&draft)}
            <fieldset class="compiled">
                <legend>"Configuration"</legend>
                {base(&draft, &others)}
                {fragments(&draft.fragments, disabled)}
                {draft.fault("configuration.fragments").map(|fault| view! { <p class="wrong" role="alert">{fault}</p> })}
                {draft.fault("configuration").map(|fault| view! { <p class="wrong" role="alert">{fault}</p> })}
            </fieldset>
            <fieldset class="compiled">
                <legend>"Patches"</legend>
                {kept(&draft, Slot::Patches)}
                {upload(&draft, Slot::Patches, "Patches to add", "In patch -p1 form. They are applied in the order shown; new ones come last.")}
            </fieldset>
            <fieldset class="compiled">
                <legend>"Packages"</legend>
                <label class="choice">
                    <input type="checkbox" name="debug" value="true" checked=draft.debug/>
                    <span>"Keep the package of debug symbols too"</span>
                </label>
            </fieldset>
            {form::submit(label, "main", &save)}
        </form>
    }
    .into_any()
}

fn faults(draft: &KernelDraft) -> AnyView {
    let count = draft.faults.len();
    if count == 0 {
        return ().into_any();
    }
    let words = if count == 1 {
        "1 fault; nothing was saved".to_owned()
    } else {
        format!("{count} faults; nothing was saved")
    };
    let rows: Vec<_> = draft
        .faults
        .iter()
        .map(|(_, message)| view! { <li>{crate::error::sentence(message)}</li> })
        .collect();
    view! { <div class="alert" role="alert"><strong>{words}</strong><ul>{rows}</ul></div> }
        .into_any()
}

fn identity(draft: &KernelDraft, new: bool) -> AnyView {
    let name = new.then(|| {
        let hint = "a-z, 0-9, '.' and '-'; recipes and other kernels name it by this".to_owned();
        form::field(
            "name",
            "Name",
            Some(hint),
            draft.fault("name"),
            form::line("name", "name", draft.name.clone()),
        )
    });
    let flavors: Vec<_> = Flavor::ALL
        .into_iter()
        .map(|flavor| {
            let about = match flavor {
                Flavor::Linux => "A kernel that boots alone, or as dom0.",
                Flavor::Xen => "A hypervisor, which starts a Linux kernel as its dom0.",
            };
            view! {
                <label class="choice">
                    <input type="radio" name="flavor" value=flavor.word() checked=draft.flavor == flavor/>
                    <span><strong>{flavor_name(flavor)}</strong><span class="about">{about}</span></span>
                </label>
            }
        })
        .collect();
    view! {
        {name}
        <fieldset class="pair">
            <legend>"Flavor"</legend>
            {flavors}
        </fieldset>
    }
    .into_any()
}

/// What the configuration starts from.
fn base(draft: &KernelDraft, others: &[String]) -> AnyView {
    let fault = |kind: BaseKind| draft.fault("configuration.base").filter(|_| draft.base == kind);
    let chosen = draft.text("base.kernel");
    // A kernel that is not offered is still what the form holds.
    let unknown = (!chosen.is_empty() && !others.iter().any(|other| other == chosen))
        .then(|| chosen.to_owned());
    let options: Vec<_> = others
        .iter()
        .cloned()
        .chain(unknown)
        .map(|other| view! { <option value=other.clone() selected=other == chosen>{other.clone()}</option> })
        .collect();
    let select = view! {
        <div class="field">
            <label for="base-kernel">"Kernel"</label>
            <select id="base-kernel" name="base.kernel" aria-describedby="base-kernel-about">
                <option value="">"choose one"</option>
                {options}
            </select>
            <p class="about" id="base-kernel-about">
                {fault(BaseKind::Kernel).map(|fault| view! { <span class="wrong" role="alert">{fault}" "</span> })}
                "Its newest one, when this kernel is worked out or built."
            </p>
        </div>
    };
    let file = view! {
        {kept(draft, Slot::Config)}
        {upload(draft, Slot::Config, "A .config", "As Kconfig writes it, for x86.")}
    };
    let starts = |kind: BaseKind, title, about, fields| {
        form::option("base", kind.word(), title, about, draft.base == kind, fields)
    };
    view! {
        <div class="choices" role="radiogroup" aria-label="What the configuration starts from">
            {starts(
                BaseKind::Defconfig,
                "A target of the tree",
                "What make itself configures.",
                line(draft, "base.target", "Target", "defconfig", "Such as defconfig, tinyconfig or x86_64_defconfig.", fault(BaseKind::Defconfig)),
            )}
            {starts(BaseKind::File, "A file", "A .config that you upload.", file.into_any())}
            {starts(BaseKind::Kernel, "Another kernel's", "The configuration of a kernel that is here.", select.into_any())}
        </div>
    }
    .into_any()
}

/// Lines that are set over the base, in order.
fn fragments(fragments: &[Fragment], disabled: bool) -> AnyView {
    let rows: Vec<_> = fragments
        .iter()
        .enumerate()
        .map(|(at, fragment)| {
            let (name, content) = (format!("fragment.{at}.name"), format!("fragment.{at}.content"));
            let (name_id, content_id) = (format!("fragment-{at}-name"), format!("fragment-{at}-content"));
            let title = format!("Fragment {}", at + 1);
            let remove = format!("Remove fragment {}", at + 1);
            view! {
                <fieldset class="row">
                    <legend>{title}</legend>
                    <div class="field">
                        <label for=name_id.clone()>"Name"</label>
                        <input id=name_id name=name value=fragment.name.clone() autocomplete="off" spellcheck="false"/>
                    </div>
                    <div class="field">
                        <label for=content_id.clone()>"Lines"</label>
                        <textarea id=content_id name=content rows="6" spellcheck="false" autocomplete="off" wrap="off"
                            placeholder="CONFIG_VIRTIO_NET=y\n# CONFIG_DRM is not set">
                            {raw(&fragment.content)}
                        </textarea>
                    </div>
                    <button type="submit" class="plain" name="do" value=format!("remove.{at}") formnovalidate disabled=disabled>{remove}</button>
                </fieldset>
            }
        })
        .collect();
    view! {
        <p class="over">"Fragments, set over it in order"</p>
        {rows}
        <div class="act">
            <button type="submit" name="do" value="add" formnovalidate disabled=disabled>"Add a fragment"</button>
            <p class="about">"One without lines is left out."</p>
        </div>
    }
    .into_any()
}
