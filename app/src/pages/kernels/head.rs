//! What stands above every part of a kernel.

use domain::kernel::BuildMode;
use leptos::prelude::*;

use super::flavor_name;
use crate::{
    api::{
        Choice,
        kernels::{KernelHead, StartKernelBuild},
    },
    routes::href,
    ui::{
        badge::{Status, badge},
        form, page,
    },
};

/// Heading, state and tabs; `here` names the part that is shown.
pub(super) fn head(head: &KernelHead, here: &'static str) -> AnyView {
    let name = &head.summary.kernel.name;
    let tab = |label, part: &'static str| {
        let href = if part.is_empty() { href::kernel(name) } else { href::kernel_part(name, part) };
        (label, href, here == part)
    };
    let beside = view! {
        {badge(Status::Kernel(head.summary.state))}
        <span class="quiet">{flavor_name(head.summary.kernel.definition.flavor)}</span>
    };
    view! {
        {page::heading(name.clone(), vec![("Kernels", "/kernels".to_owned())], beside.into_any())}
        {page::tabs(
            "Parts of this kernel",
            vec![
                tab("Overview", ""),
                tab("Configuration", "configuration"),
                tab("Files", "files"),
                tab("Builds", "builds"),
                tab("Edit", "edit"),
            ],
        )}
    }
    .into_any()
}

/// The buttons that make something of it, and why they are disabled where they are.
pub(super) fn making(head: &KernelHead) -> AnyView {
    let summary = &head.summary;
    let hidden = vec![("name", summary.kernel.name.clone())];
    let button = |label, mode: BuildMode, choice: &Choice| {
        // What comes next: first a look at what the tree makes of it.
        let first = head.configure.is_some() && summary.newest.is_none();
        let next = if first { BuildMode::Configure } else { BuildMode::Release };
        let kind = if mode == next { "main" } else { "" };
        view! {
            <button type="submit" class=kind name="mode" value=mode.word() disabled=choice.is_err()>{label}</button>
        }
    };
    let buttons = match &head.configure {
        Some(configure) => view! {
            {button("Work out the configuration", BuildMode::Configure, configure)}
            {button("Build for an experiment", BuildMode::Development, &head.build)}
            {button("Build for releases", BuildMode::Release, &head.build)}
        }
        .into_any(),
        // What was compiled elsewhere is taken over, which no cache of ours has a part in.
        None => button("Take over for releases", BuildMode::Release, &head.build).into_any(),
    };
    let reason = head.build.as_ref().err().map(|reason| {
        let job = summary.newest.as_ref().filter(|build| !build.state.ended());
        let job = job.map(|build| view! { " "<a href=href::job(&build.job)>"To the job"</a> });
        view! { <p class="reason">{crate::error::sentence(reason)}{job}</p> }
    });
    form::acting::<StartKernelBuild>(
        "",
        hidden,
        view! { <div class="acts">{buttons}</div>{reason} }.into_any(),
    )
}

/// What a part shows that needs a build which is not there.
pub(super) fn nothing_yet(head: &KernelHead, title: &'static str, text: &'static str) -> AnyView {
    view! {
        <div class="empty">
            <p class="empty-title">{title}</p>
            <p>{text}</p>
            {making(head)}
        </div>
    }
    .into_any()
}
