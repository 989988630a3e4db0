//! The whole URL space of the pages, on one screen, and the addresses that link them.

use leptos::prelude::*;
use leptos_router::{
    SsrMode,
    components::{Route, Routes},
    path,
};

use crate::pages::{
    account, approvals, audit, boots, compare, deployments, environments, guests, history, jobs,
    kernels, machines, overview, people, plans, recipes, reference, releases, results, room, runs,
    session, variants,
};

/// All pages. Each is rendered whole on the server before anything is sent, so that every page
/// reads and every form works without script, and a missing thing is a 404.
#[component]
pub(crate) fn Pages() -> impl IntoView {
    let m = SsrMode::Async;
    view! {
        <Routes fallback=crate::ui::error::unknown_address>
            <Route path=path!("/") view=overview::overview ssr=m.clone()/>
            <Route path=path!("/recipes") view=recipes::list ssr=m.clone()/>
            <Route path=path!("/recipes/new") view=recipes::new ssr=m.clone()/>
            <Route path=path!("/recipes/:name") view=recipes::edit ssr=m.clone()/>
            <Route path=path!("/recipes/:name/revisions") view=recipes::revisions ssr=m.clone()/>
            <Route path=path!("/recipes/:name/diff") view=recipes::diff ssr=m.clone()/>
            <Route path=path!("/recipes/:name/build") view=recipes::build ssr=m.clone()/>
            <Route path=path!("/kernels") view=kernels::list ssr=m.clone()/>
            <Route path=path!("/kernels/new") view=kernels::new ssr=m.clone()/>
            <Route path=path!("/kernels/diff") view=kernels::diff ssr=m.clone()/>
            <Route path=path!("/kernels/:name") view=kernels::kernel ssr=m.clone()/>
            <Route path=path!("/kernels/:name/configuration") view=kernels::configuration ssr=m.clone()/>
            <Route path=path!("/kernels/:name/files") view=kernels::files ssr=m.clone()/>
            <Route path=path!("/kernels/:name/builds") view=kernels::builds ssr=m.clone()/>
            <Route path=path!("/kernels/:name/edit") view=kernels::edit ssr=m.clone()/>
            <Route path=path!("/releases") view=releases::list ssr=m.clone()/>
            <Route path=path!("/releases/import") view=releases::import ssr=m.clone()/>
            <Route path=path!("/releases/:version") view=releases::overview ssr=m.clone()/>
            <Route path=path!("/releases/:version/contents") view=releases::contents ssr=m.clone()/>
            <Route path=path!("/releases/:version/tests") view=releases::tests ssr=m.clone()/>
            <Route path=path!("/releases/:version/report") view=releases::report ssr=m.clone()/>
            <Route path=path!("/releases/:version/deployments") view=releases::deployments ssr=m.clone()/>
            <Route path=path!("/releases/:version/notes") view=releases::notes ssr=m.clone()/>
            <Route path=path!("/releases/:version/files") view=releases::files ssr=m.clone()/>
            <Route path=path!("/variants") view=variants::list ssr=m.clone()/>
            <Route path=path!("/variants/new") view=variants::new ssr=m.clone()/>
            <Route path=path!("/variants/:name") view=variants::variant ssr=m.clone()/>
            <Route path=path!("/variants/:name/edit") view=variants::edit ssr=m.clone()/>
            <Route path=path!("/variants/:name/comparison") view=variants::comparison ssr=m.clone()/>
            <Route path=path!("/variants/:name/recipe-change") view=variants::recipe_change ssr=m.clone()/>
            <Route path=path!("/guests") view=guests::list ssr=m.clone()/>
            <Route path=path!("/guests/:id") view=guests::guest ssr=m.clone()/>
            <Route path=path!("/boots") view=boots::list ssr=m.clone()/>
            <Route path=path!("/boots/:number") view=boots::boot ssr=m.clone()/>
            <Route path=path!("/jobs") view=jobs::list ssr=m.clone()/>
            <Route path=path!("/jobs/:id") view=jobs::job ssr=m.clone()/>
            <Route path=path!("/plans") view=plans::list ssr=m.clone()/>
            <Route path=path!("/plans/new") view=plans::new_plan ssr=m.clone()/>
            <Route path=path!("/plans/:name") view=plans::one_plan ssr=m.clone()/>
            <Route path=path!("/suites/new") view=plans::new_suite ssr=m.clone()/>
            <Route path=path!("/suites/:name") view=plans::one_suite ssr=m.clone()/>
            <Route path=path!("/tests") view=history::grid ssr=m.clone()/>
            <Route path=path!("/tests/case") view=history::case ssr=m.clone()/>
            <Route path=path!("/tests/release") view=history::standing ssr=m.clone()/>
            <Route path=path!("/tests/inbox") view=results::inbox ssr=m.clone()/>
            <Route path=path!("/tests/import") view=results::import ssr=m.clone()/>
            <Route path=path!("/tests/record") view=results::record ssr=m.clone()/>
            <Route path=path!("/compare") view=compare::compare ssr=m.clone()/>
            <Route path=path!("/runs/:id") view=runs::run ssr=m.clone()/>
            <Route path=path!("/runs/:id/result") view=history::result ssr=m.clone()/>
            <Route path=path!("/environments") view=environments::list ssr=m.clone()/>
            <Route path=path!("/environments/:name") view=environments::environment ssr=m.clone()/>
            <Route path=path!("/machines") view=machines::list ssr=m.clone()/>
            <Route path=path!("/machines/new") view=machines::new ssr=m.clone()/>
            <Route path=path!("/machines/import") view=machines::import ssr=m.clone()/>
            <Route path=path!("/machines/rules") view=machines::rules ssr=m.clone()/>
            <Route path=path!("/machines/drift") view=machines::drift ssr=m.clone()/>
            <Route path=path!("/machines/booting") view=machines::booting ssr=m.clone()/>
            <Route path=path!("/machines/:name") view=machines::machine ssr=m.clone()/>
            <Route path=path!("/deployments/:id") view=deployments::deployment ssr=m.clone()/>
            <Route path=path!("/approvals") view=approvals::inbox ssr=m.clone()/>
            <Route path=path!("/audit") view=audit::audit ssr=m.clone()/>
            <Route path=path!("/room") view=room::room ssr=m.clone()/>
            <Route path=path!("/people") view=people::people ssr=m.clone()/>
            <Route path=path!("/account") view=account::account ssr=m.clone()/>
            <Route path=path!("/api") view=reference::reference ssr=m.clone()/>
            <Route path=path!("/login") view=session::login ssr=m.clone()/>
            <Route path=path!("/welcome/:token") view=session::welcome ssr=m.clone()/>
            <Route path=path!("/password/:token") view=session::password ssr=m/>
        </Routes>
    }
}

/// The paths above as tests visit them, with whether anybody may see the page.
pub const PAGES: [(&str, bool); 69] = [
    ("/", false),
    ("/recipes", false),
    ("/recipes/new", false),
    ("/recipes/:name", false),
    ("/recipes/:name/revisions", false),
    ("/recipes/:name/diff", false),
    ("/recipes/:name/build", false),
    ("/kernels", false),
    ("/kernels/new", false),
    ("/kernels/diff", false),
    ("/kernels/:name", false),
    ("/kernels/:name/configuration", false),
    ("/kernels/:name/files", false),
    ("/kernels/:name/builds", false),
    ("/kernels/:name/edit", false),
    ("/releases", false),
    ("/releases/import", false),
    ("/releases/:version", false),
    ("/releases/:version/contents", false),
    ("/releases/:version/tests", false),
    ("/releases/:version/report", false),
    ("/releases/:version/deployments", false),
    ("/releases/:version/notes", false),
    ("/releases/:version/files", false),
    ("/variants", false),
    ("/variants/new", false),
    ("/variants/:name", false),
    ("/variants/:name/edit", false),
    ("/variants/:name/comparison", false),
    ("/variants/:name/recipe-change", false),
    ("/guests", false),
    ("/guests/:id", false),
    ("/boots", false),
    ("/boots/:number", false),
    ("/jobs", false),
    ("/jobs/:id", false),
    ("/plans", false),
    ("/plans/new", false),
    ("/plans/:name", false),
    ("/suites/new", false),
    ("/suites/:name", false),
    ("/tests", false),
    ("/tests/case", false),
    ("/tests/release", false),
    ("/tests/inbox", false),
    ("/tests/import", false),
    ("/tests/record", false),
    ("/compare", false),
    ("/runs/:id", false),
    ("/runs/:id/result", false),
    ("/environments", false),
    ("/environments/:name", false),
    ("/machines", false),
    ("/machines/new", false),
    ("/machines/import", false),
    ("/machines/rules", false),
    ("/machines/drift", false),
    ("/machines/booting", false),
    ("/machines/:name", false),
    ("/deployments/:id", false),
    ("/approvals", false),
    ("/audit", false),
    ("/room", false),
    ("/people", false),
    ("/account", false),
    ("/api", false),
    ("/login", true),
    ("/welcome/:token", true),
    ("/password/:token", true),
];

/// Addresses, so that none is spelled twice.
pub mod href {
    use domain::ids::{DeploymentId, GuestId, JobId, RunId};

    /// Percent-encodes what has a meaning in a path or a query.
    #[must_use]
    pub fn encode(text: &str) -> String {
        const HEX: &[u8; 16] = b"0123456789ABCDEF";
        let mut encoded = String::with_capacity(text.len());
        for byte in text.bytes() {
            if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
                encoded.push(char::from(byte));
            } else {
                encoded.push('%');
                encoded.push(char::from(HEX[usize::from(byte >> 4)]));
                encoded.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
        encoded
    }

    fn join(parts: &[&str]) -> String {
        let mut path = String::new();
        for part in parts {
            path.push('/');
            path.push_str(&encode(part));
        }
        path
    }

    /// A recipe's newest revision.
    #[must_use]
    pub fn recipe(name: &str) -> String {
        join(&["recipes", name])
    }

    /// A part of a recipe: `revisions` or `build`.
    #[must_use]
    pub fn recipe_part(name: &str, part: &str) -> String {
        join(&["recipes", name, part])
    }

    /// What changed between two revisions of a recipe.
    #[must_use]
    pub fn recipe_diff(name: &str, from: u32, to: u32) -> String {
        format!("{}?from={from}&to={to}", join(&["recipes", name, "diff"]))
    }

    /// A kernel.
    #[must_use]
    pub fn kernel(name: &str) -> String {
        join(&["kernels", name])
    }

    /// A part of a kernel: `configuration`, `files`, `builds` or `edit`.
    #[must_use]
    pub fn kernel_part(name: &str, part: &str) -> String {
        join(&["kernels", name, part])
    }

    /// A part of a kernel, about one of its builds.
    #[must_use]
    pub fn kernel_part_of(name: &str, part: &str, build: u32) -> String {
        format!("{}?build={build}", kernel_part(name, part))
    }

    /// A file of a kernel's build, for the browser to save.
    #[must_use]
    pub fn kernel_file(name: &str, build: u32, file: &str) -> String {
        join(&["kernels", name, "builds", &build.to_string(), "files", file])
    }

    /// What differs between the configurations of two kernels or builds (`name/number`).
    #[must_use]
    pub fn kernel_diff(from: &str, to: &str) -> String {
        format!("/kernels/diff?from={}&to={}", encode(from), encode(to))
    }

    /// Boots of a machine.
    #[must_use]
    pub fn boots_of(machine: &str) -> String {
        format!("/boots?machine={}", encode(machine))
    }

    /// A boot of a machine.
    #[must_use]
    pub fn boot(number: i64) -> String {
        join(&["boots", &number.to_string()])
    }

    /// A release.
    #[must_use]
    pub fn release(name: &str) -> String {
        join(&["releases", name])
    }

    /// A tab of a release: `contents`, `tests`, `deployments` or `files`.
    #[must_use]
    pub fn release_tab(name: &str, tab: &str) -> String {
        join(&["releases", name, tab])
    }

    /// The report of a release, measured against `baseline`.
    #[must_use]
    pub fn report(key: &str, baseline: Option<&str>) -> String {
        measured(join(&["releases", key, "report"]), baseline)
    }

    /// The same as Markdown.
    #[must_use]
    pub fn report_text(key: &str, baseline: Option<&str>) -> String {
        measured(join(&["releases", key, "report.md"]), baseline)
    }

    /// The badge of the tests of a release.
    #[must_use]
    pub fn tests_badge(key: &str) -> String {
        join(&["badges", "releases", key, "tests.svg"])
    }

    fn measured(path: String, baseline: Option<&str>) -> String {
        match baseline {
            Some(baseline) => format!("{path}?baseline={}", encode(baseline)),
            None => path,
        }
    }

    /// A file of a release, for the browser to save.
    #[must_use]
    pub fn release_file(name: &str, file: &str) -> String {
        join(&["releases", name, "files", file])
    }

    /// A variant.
    #[must_use]
    pub fn variant(name: &str) -> String {
        join(&["variants", name])
    }

    /// A part of a variant: `edit`, `comparison` or `recipe-change`.
    #[must_use]
    pub fn variant_part(name: &str, part: &str) -> String {
        join(&["variants", name, part])
    }

    /// The form of a new variant that starts as another one is.
    #[must_use]
    pub fn variant_clone(name: &str) -> String {
        format!("/variants/new?clone={}", encode(name))
    }

    /// The form of a new variant of a release.
    #[must_use]
    pub fn variant_of(release: &str) -> String {
        format!("/variants/new?base={}", encode(release))
    }

    /// Plans and suites.
    pub const PLANS: &str = "/plans";

    /// A plan.
    #[must_use]
    pub fn plan(name: &str) -> String {
        join(&["plans", name])
    }

    /// A suite.
    #[must_use]
    pub fn suite(name: &str) -> String {
        join(&["suites", name])
    }

    /// A job.
    #[must_use]
    pub fn job(id: &JobId) -> String {
        join(&["jobs", id.as_str()])
    }

    /// A job's whole log as text.
    #[must_use]
    pub fn job_log(id: &JobId) -> String {
        join(&["jobs", id.as_str(), "log"])
    }

    /// A job's log as it grows.
    #[must_use]
    pub fn job_log_stream(id: &JobId) -> String {
        join(&["jobs", id.as_str(), "log", "stream"])
    }

    /// A run.
    #[must_use]
    pub fn run(id: &RunId) -> String {
        join(&["runs", id.as_str()])
    }

    /// What a run says of a case.
    #[must_use]
    pub fn result(run: &RunId, case: &str) -> String {
        format!("{}?case={}", join(&["runs", run.as_str(), "result"]), encode(case))
    }

    /// A run as a file: `json` or `csv`.
    #[must_use]
    pub fn run_export(id: &RunId, format: &str) -> String {
        format!("{}?format={format}", join(&["runs", id.as_str(), "export"]))
    }

    /// Something that a run left behind.
    #[must_use]
    pub fn artefact(run: &RunId, name: &str) -> String {
        join(&["runs", run.as_str(), "artefacts", name])
    }

    /// The past of a case; of one release or one machine where these are not empty.
    #[must_use]
    pub fn case(id: &str, about: &str, machine: &str) -> String {
        let mut href = format!("/tests/case?id={}", encode(id));
        for (name, value) in [("about", about), ("machine", machine)] {
            if !value.is_empty() {
                href.push_str(&format!("&{name}={}", encode(value)));
            }
        }
        href
    }

    /// What differs between the results of two releases or runs.
    #[must_use]
    pub fn compare(here: &str, base: &str) -> String {
        format!("/compare?here={}&base={}", encode(here), encode(base))
    }

    /// A run's console log as text.
    #[must_use]
    pub fn run_console(id: &RunId) -> String {
        join(&["runs", id.as_str(), "console"])
    }

    /// A guest.
    #[must_use]
    pub fn guest(id: &GuestId) -> String {
        join(&["guests", id.as_str()])
    }

    /// What is kept of a guest's console, as text.
    #[must_use]
    pub fn guest_console(id: &GuestId) -> String {
        join(&["guests", id.as_str(), "console"])
    }

    /// A guest's console as it is written, and the way to type to it.
    #[must_use]
    pub fn guest_socket(id: &GuestId) -> String {
        join(&["guests", id.as_str(), "socket"])
    }

    /// An environment.
    #[must_use]
    pub fn environment(name: &str) -> String {
        join(&["environments", name])
    }

    /// Machines.
    pub const MACHINES: &str = "/machines";

    /// Machines that wait to be accepted.
    pub const PENDING_MACHINES: &str = "/machines?state=pending";

    /// A machine.
    #[must_use]
    pub fn machine(name: &str) -> String {
        join(&["machines", name])
    }

    /// A deployment.
    #[must_use]
    pub fn deployment(id: &DeploymentId) -> String {
        join(&["deployments", id.as_str()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_paths_of_the_table() {
        let paths = [
            href::recipe("bookworm"),
            href::recipe_part("bookworm", "revisions"),
            href::recipe_part("bookworm", "build"),
            href::recipe_diff("bookworm", 1, 2),
            href::kernel("linux-6.1.y"),
            href::kernel_part("linux-6.1.y", "builds"),
            href::kernel_part_of("linux-6.1.y", "files", 3),
            href::kernel_diff("linux-6.1.y", "xen/2"),
            href::release("v1.0.0-rc.1"),
            href::release_tab("v1.0.0", "tests"),
            href::report("v1.0.0", Some("recorded/v0.9")),
            href::variant("probe-7"),
            href::variant_part("probe-7", "edit"),
            href::variant_clone("probe-7"),
            href::variant_of("v1.0.0"),
            href::job(&"j1".into()),
            href::run(&"r1".into()),
            href::guest(&"g1".into()),
            href::environment("production"),
            href::MACHINES.to_owned(),
            href::PENDING_MACHINES.to_owned(),
            href::machine("nuc-7"),
            href::deployment(&"d1".into()),
        ];
        for path in paths {
            let bare = path.split('?').next().unwrap();
            let matches = |pattern: &str| {
                let (pattern, path): (Vec<&str>, Vec<&str>) =
                    (pattern.split('/').collect(), bare.split('/').collect());
                pattern.len() == path.len()
                    && pattern.iter().zip(&path).all(|(a, b)| a.starts_with(':') || a == b)
            };
            assert!(
                PAGES.iter().map(|(pattern, _)| pattern).any(|pattern| matches(pattern)),
                "{path}"
            );
        }
    }

    #[test]
    fn names_cannot_leave_their_segment() {
        assert_eq!(href::recipe("a/../b?c#d"), "/recipes/a%2F..%2Fb%3Fc%23d");
        assert_eq!(href::release_file("v1.0.0-rc.1", "ä"), "/releases/v1.0.0-rc.1/files/%C3%A4");
    }

    /// What the router knows and what tests visit are the same.
    #[test]
    fn the_table_is_that_of_the_router() {
        let listed: std::collections::BTreeSet<String> =
            leptos_axum::generate_route_list(crate::App)
                .iter()
                .map(|route| route.path().replace('{', ":").replace('}', ""))
                .collect();
        let table = PAGES.iter().map(|(path, _)| (*path).to_owned()).collect();
        assert_eq!(listed, table);
    }
}
