//! `/variants/:name`: what it changes, how machines boot it, what was built and tested of it.

use domain::{
    job::JobState,
    manifest::Manifest,
    run::Validation,
    time::human_size,
    variant::{LIFETIME_DAYS, LONGEST_LIFETIME_DAYS},
};
use leptos::prelude::*;

use super::{base, builds, changes, ends};
use crate::{
    api::variants::{
        Bases, DeleteVariant, ExtendVariant, StartVariantBuild, StartVariantGuest,
        StartVariantValidation, VariantPage,
    },
    pages::{plans, releases::trying, runs},
    routes::href,
    ui::{
        badge::{Status, badge},
        copy, empty, form, page,
        sizes::{self, Part},
        steps::steps,
        table,
        time::time,
    },
};

/// The page.
#[must_use]
pub fn show(data: &VariantPage) -> AnyView {
    let variant = &data.row.summary.variant;
    let name = variant.name.clone();
    let beside = view! {
        {badge(Status::Variant(data.row.summary.state))}
        <div class="page-acts">
            {form::go("Edit", href::variant_part(&name, "edit"), "", &data.edit)}
            {form::go("Clone", href::variant_clone(&name), "", &data.make)}
        </div>
    };
    let about = (!variant.description.is_empty())
        .then(|| view! { <p class="lead">{variant.description.clone()}</p> });
    let boot = if data.row.summary.built.is_some() {
        boot(data)
    } else {
        empty::nothing("Once it is built, the address that machines boot stands here.")
    };
    let validations = validations(&name, &data.validations);
    view! {
        {page::heading(name.clone(), vec![("Variants", "/variants".to_owned())], beside.into_any())}
        {about}
        {making(data)}
        {warning(data)}
        <div class="columns">
            <div>
                {page::section("What it changes", view! {
                    {changes::changes(&variant.definition)}
                    <p class="after"><a class="button" href=href::variant_part(&name, "recipe-change")>"See it as a recipe change"</a></p>
                }.into_any())}
                {page::section("Builds", view! {
                    {builds::builds(&data.builds, &variant.definition)}
                    {page::turning(&href::variant(&name), &data.around, "Newest", "Older")}
                }.into_any())}
                {newest(data)}
            </div>
            <div>
                {page::section("Boot it", boot)}
                {page::section("About", properties(data))}
                {page::section("On another base release", rebase(&name, &data.bases))}
            </div>
        </div>
        {page::section("Tests", validations)}
        {extending(data)}
        {deleting(data)}
    }
    .into_any()
}

/// The buttons that make something of it, and why they are disabled where they are.
fn making(data: &VariantPage) -> AnyView {
    let name = || vec![("name", data.row.summary.variant.name.clone())];
    let built = data.row.summary.built.is_some();
    let (first, second) = if built { ("", "main") } else { ("main", "") };
    // One reason beside both where it is the same: a job that has not ended.
    let job = data.job.as_ref().map(|job| {
        view! { <p><a class="button" href=href::job(job)>"To the job at work"</a></p> }
    });
    view! {
        <div class="making">
            {form::acting::<StartVariantBuild>("", name(), form::submit("Build", first, &data.build))}
            {form::acting::<StartVariantValidation>("", name(), view! {
                {plans::choice(&data.plans)}
                {form::submit("Test on a QEMU machine", second, &data.validate)}
            }.into_any())}
            {job}
        </div>
    }
    .into_any()
}

/// A variant that ends soon or is over must not surprise anybody.
fn warning(data: &VariantPage) -> AnyView {
    if !data.row.ending {
        return ().into_any();
    }
    let over = data.row.summary.state == domain::variant::VariantState::Expired;
    let words = if over {
        "Its days are over: machines get it no more, and its files go with the next collection. "
    } else {
        "Its days are almost over. "
    };
    view! { <p class="ending-soon" role="status">{words}<a href="#extend">"Give it more days"</a></p> }
        .into_any()
}

fn boot(data: &VariantPage) -> AnyView {
    let lines: Vec<_> = data
        .chain_lines
        .iter()
        .map(|line| view! { <li>{copy::command(line, "this line")}</li> })
        .collect();
    let manifest = data.row.summary.built.as_ref().and_then(|it| it.manifest.as_ref());
    let name = &data.row.summary.variant.name;
    let in_a_vm =
        manifest.map(|it| trying::<StartVariantGuest>(("name", name.clone()), it, &data.try_it));
    view! {
        {in_a_vm}
        <div class="boot">
            <p>"At the machine's iPXE prompt (Ctrl-B while it starts), take an address that it reaches:"</p>
            <ul class="commands">{lines}</ul>
        </div>
    }
    .into_any()
}

fn properties(data: &VariantPage) -> AnyView {
    let summary = &data.row.summary;
    let variant = &summary.variant;
    let changed = view! { {format!("r{}, ", variant.revision)}{time(variant.changed_at)} };
    let mut rows = vec![
        ("Base", base(&variant.definition.base)),
        ("Owner", variant.owner.clone().into_any()),
        ("Made", time(variant.created_at)),
        ("Changed", changed.into_any()),
        ("Ends", ends(&data.row)),
    ];
    if let Some(built) = &summary.built {
        rows.extend(built.manifest.as_ref().map(|it| ("Kernels", kernels(it))));
        let digest = built.manifest.as_ref().and_then(|it| it.digest().ok());
        if let Some(digest) = digest {
            rows.push(("Digest", copy::digest(&digest, "the manifest's digest")));
        }
    }
    let layer = summary.built.as_ref().and_then(domain::variant::VariantBuild::layer_size);
    let sizes = layer.zip(data.image_size).map(|(layer, image)| {
        let share = (layer as f64 / image.max(1) as f64 * 100.0).max(0.1);
        let parts = [("layer", layer), ("image of the base", image)];
        let parts = parts.map(|(name, bytes)| Part { name: name.to_owned(), bytes });
        view! {
            <p>{format!("The layer is {}: {share:.1} % of the image below it.", human_size(layer))}</p>
            {sizes::parts(&parts)}
        }
    });
    view! { {table::properties(rows)}<div class="layer">{sizes}</div> }.into_any()
}

/// What each alias stands for, as `uname -r` says it.
fn kernels(manifest: &Manifest) -> AnyView {
    let kernels: Vec<_> = manifest
        .kernels
        .iter()
        .map(|it| view! { <li><code>{it.alias.clone()}</code>" is "<code>{it.release.clone()}</code></li> })
        .collect();
    view! { <ul class="plain">{kernels}</ul> }.into_any()
}

fn newest(data: &VariantPage) -> AnyView {
    let Some(build) = &data.newest else {
        return ().into_any();
    };
    // Of one that went well the bar says everything.
    let each = (build.state != JobState::Succeeded).then(|| steps(&data.steps, false));
    page::section(
        "Where the seconds went",
        view! {
            {builds::seconds(&data.steps)}
            {each}
            <p class="after"><a href=href::job(&build.job)>{format!("The job of build {} with its log", build.number)}</a></p>
        }
        .into_any(),
    )
}

fn rebase(name: &str, bases: &Bases) -> AnyView {
    if bases.names.is_empty() {
        return empty::nothing("There is no release that can be booted.");
    }
    let options: Vec<_> = bases
        .names
        .iter()
        .map(|it| view! { <option value=it.clone()>{it.clone()}</option> })
        .collect();
    view! {
        <form method="get" action=href::variant_part(name, "edit") class="search">
            <label for="rebase">"Release"</label>
            <select id="rebase" name="base">{options}</select>
            <button type="submit">"Look at it there"</button>
        </form>
        <p class="quiet">"Says what no longer applies on that release, and saves nothing."</p>
    }
    .into_any()
}

fn validations(name: &str, validations: &[Validation]) -> AnyView {
    if validations.is_empty() {
        return empty::nothing(
            "It was not tested yet. A test boots every entry of its menu through iPXE and checks what runs; it says nothing about the release.",
        );
    }
    let each: Vec<_> = validations
        .iter()
        .map(|it| {
            view! {
                <div class="plan">
                    <h3><a href=href::job(&it.job)>{format!("Plan {}", it.plan)}</a>" "{badge(Status::Job(it.state))}</h3>
                    <p class="quiet">"Asked for "{time(it.created_at)}" by "{it.created_by.clone()}", of "{copy::digest(&it.manifest, "the manifest's digest")}</p>
                    {if it.runs.is_empty() { empty::nothing("No run has begun yet.") } else { runs::runs(runs::caption(it), &it.runs) }}
                </div>
            }
        })
        .collect();
    view! {
        <p class="to-comparison"><a class="button" href=href::variant_part(name, "comparison")>"See them beside those of its base"</a></p>
        {each}
    }
    .into_any()
}

fn extending(data: &VariantPage) -> AnyView {
    let name = data.row.summary.variant.name.clone();
    // Where it was refused, or somebody is warned, it must be seen.
    let open = form::failed::<ExtendVariant>().is_some() || data.row.ending;
    let hint = format!("1 to {LONGEST_LIFETIME_DAYS}, counted from now");
    let days = view! {
        <input id="days" name="days" type="number" min="1" max=LONGEST_LIFETIME_DAYS.to_string() value=LIFETIME_DAYS.to_string() required aria-describedby="days-about"/>
    };
    view! {
        <details class="danger" id="extend" open=open>
            <summary>"Give it more days"</summary>
            {form::acting::<ExtendVariant>("", vec![("name", name)], view! {
                {form::field("days", "Days", Some(hint), None, days.into_any())}
                {form::submit("Extend", "", &data.edit)}
            }.into_any())}
        </details>
    }
    .into_any()
}

fn deleting(data: &VariantPage) -> AnyView {
    let name = &data.row.summary.variant.name;
    // Where it was refused, the reason must be seen.
    let open = form::failed::<DeleteVariant>().is_some();
    let confirm = data.delete.is_ok().then(|| form::confirm("confirm".to_owned(), name));
    view! {
        <details class="danger" id="delete" open=open>
            <summary>"Delete this variant"</summary>
            <p>"Machines get it no more, and its files go with the next collection."</p>
            {form::acting::<DeleteVariant>("", vec![("name", name.clone())], view! {
                {confirm}
                {form::submit("Delete", "bad", &data.delete)}
            }.into_any())}
        </details>
    }
    .into_any()
}
