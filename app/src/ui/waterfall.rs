//! A boot as a waterfall: what was observed of each stage, drawn, and as a table.

use domain::{
    boot::trace::TracedStep,
    run::ObservedStage,
    time::{Timestamp, human_duration, human_size},
};
use leptos::prelude::*;

use super::table;

const ROW: i64 = 26;
const LABELS: i64 = 84;
const WIDTH: i64 = 640;

/// A stage as it is drawn.
#[derive(Debug, Clone, Copy)]
pub struct Bar {
    name: &'static str,
    started_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    bytes: Option<u64>,
}

impl Bar {
    /// A stage that a run observed.
    #[must_use]
    pub const fn of_stage(it: &ObservedStage) -> Self {
        let ObservedStage { stage, started_at, ended_at, bytes } = *it;
        Self { name: stage.word(), started_at, ended_at, bytes }
    }

    /// A stage of a machine's boot.
    #[must_use]
    pub const fn of_step(it: &TracedStep) -> Self {
        let TracedStep { step, started_at, ended_at, bytes } = *it;
        Self { name: step.word(), started_at, ended_at, bytes }
    }

    /// Bytes in a second, where both were seen.
    fn rate(&self) -> Option<String> {
        let took = self.ended_at?.since(self.started_at?).as_micros();
        let rate = u128::from(self.bytes?).saturating_mul(1_000_000).checked_div(took)?;
        Some(format!("{}/s", human_size(u64::try_from(rate).unwrap_or(u64::MAX))))
    }
}

/// The stages of a boot. The drawing has the same numbers as the table below it, and a stage that
/// nobody observed says so in both.
#[must_use]
pub fn waterfall(stages: &[Bar]) -> AnyView {
    let times = || stages.iter().flat_map(|stage| [stage.started_at, stage.ended_at]).flatten();
    let (Some(begin), Some(end)) = (times().min(), times().max()) else {
        return view! { <p class="nothing">"No stage of this boot was observed."</p> }.into_any();
    };
    let span = (end.0 - begin.0).max(1);
    let height = ROW * i64::try_from(stages.len()).unwrap_or(0) + 18;
    let marks: Vec<_> =
        stages.iter().zip(0..).map(|(stage, row)| mark(stage, row * ROW, begin, span)).collect();
    let rows: Vec<_> = stages.iter().map(|stage| table_row(stage, begin)).collect();
    let total = human_duration(end.since(begin));
    let axis = height - 6;
    view! {
        <figure class="waterfall">
            <svg viewBox=format!("0 0 {} {height}", LABELS + WIDTH + 90) role="img" aria-label=format!("Boot stages over {total}")>
                {marks}
                <text class="axis" x=LABELS y=axis>"0 s"</text>
                <text class="axis" x=LABELS + WIDTH y=axis text-anchor="end">{total.clone()}</text>
            </svg>
            <figcaption>
                {table::table("Boot stages", &["Stage", ">Began at", ">Took", ">Bytes sent", ">Rate"], rows)}
            </figcaption>
        </figure>
    }
    .into_any()
}

fn mark(stage: &Bar, top: i64, begin: Timestamp, span: i64) -> AnyView {
    let x = |at: Timestamp| LABELS + (at.0 - begin.0) * WIDTH / span;
    let name = stage.name;
    let drawn = match (stage.started_at, stage.ended_at) {
        (Some(from), to) => {
            let width = to.map_or(3, |to| (x(to) - x(from)).max(2));
            let words = words(stage);
            let label =
                to.map_or_else(|| "end not seen".to_owned(), |to| human_duration(to.since(from)));
            view! {
                <rect class=if to.is_some() { "stage" } else { "stage open" } x=x(from) y=top + 5 width=width height="14" rx="2">
                    <title>{words}</title>
                </rect>
                <text x=x(from) + width + 6 y=top + 16>{label}</text>
            }
            .into_any()
        }
        (None, Some(at)) => {
            let words = words(stage);
            view! {
                <rect class="stage open" x=x(at) y=top + 5 width="3" height="14"><title>{words}</title></rect>
                <text x=x(at) + 9 y=top + 16>"beginning not seen"</text>
            }
            .into_any()
        }
        (None, None) => {
            view! { <text class="unseen" x=LABELS y=top + 16>"not observed"</text> }.into_any()
        }
    };
    view! { <g><text class="name" x="0" y=top + 16>{name}</text>{drawn}</g> }.into_any()
}

fn words(stage: &Bar) -> String {
    let took = match (stage.started_at, stage.ended_at) {
        (Some(from), Some(to)) => human_duration(to.since(from)),
        _ => "not wholly observed".to_owned(),
    };
    let bytes = stage.bytes.map(|bytes| format!(", {}", human_size(bytes))).unwrap_or_default();
    format!("{}: {took}{bytes}", stage.name)
}

fn table_row(stage: &Bar, begin: Timestamp) -> AnyView {
    let dash = || "–".to_owned();
    let began = stage.started_at.map_or_else(dash, |at| human_duration(at.since(begin)));
    let took = match (stage.started_at, stage.ended_at) {
        (Some(from), Some(to)) => human_duration(to.since(from)),
        (None, None) => "not observed".to_owned(),
        (Some(_), None) => "end not seen".to_owned(),
        (None, Some(_)) => "beginning not seen".to_owned(),
    };
    table::row(vec![
        stage.name.into_any(),
        table::number(began),
        table::number(took),
        table::number(stage.bytes.map_or_else(dash, human_size)),
        table::number(stage.rate().unwrap_or_else(dash)),
    ])
}
