//! Who looks at the page, and in which colours.

use domain::person::Role;
use leptos::prelude::*;

/// Whoever has signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    /// The sign-in name.
    pub name: String,
    /// The present role.
    pub role: Role,
}

/// The colours that the viewer chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// As the system says.
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// The word of the cookie and of the attribute; empty for the system's.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::System => "",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    fn from_word(word: &str) -> Self {
        match word {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::System,
        }
    }
}

/// The origin at which the browser reached this server: for what is copied to be used elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(pub String);

/// Who looks, and in which colours; given to all pages by [`provide`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looking {
    /// `None` where nobody has signed in.
    pub viewer: Option<Viewer>,
    /// The colours.
    pub theme: Theme,
}

/// Whoever looks at the page that is being rendered; nobody with the least role where nobody has
/// signed in, which only happens on pages that ask for nothing.
#[must_use]
pub fn viewer() -> Viewer {
    use_context::<Looking>()
        .and_then(|looking| looking.viewer)
        .unwrap_or_else(|| Viewer { name: String::new(), role: Role::Viewer })
}

/// Makes [`viewer`] known to everything below.
pub(crate) fn provide() -> Looking {
    let looking = look();
    provide_context(looking.clone());
    looking
}

/// The viewer whom an actor is.
pub(crate) fn viewer_of(actor: &domain::actor::Actor) -> Viewer {
    match &actor.who {
        domain::actor::Who::Person { name, role, .. } => Viewer { name: name.clone(), role: *role },
        domain::actor::Who::Anonymous
        | domain::actor::Who::Runner
        | domain::actor::Who::Reporter { .. }
        | domain::actor::Who::CommandLine => Viewer { name: String::new(), role: Role::Viewer },
    }
}

/// As the request tells.
pub(crate) fn look() -> Looking {
    use domain::actor::{Actor, Who};
    let viewer = match use_context::<Actor>().map(|actor| actor.who) {
        Some(Who::Person { name, role, .. }) => Some(Viewer { name, role }),
        Some(Who::Anonymous | Who::Runner | Who::Reporter { .. } | Who::CommandLine) | None => None,
    };
    let theme = use_context::<http::request::Parts>()
        .and_then(|parts| {
            let cookies = parts.headers.get(http::header::COOKIE)?.to_str().ok()?.to_owned();
            cookies
                .split(';')
                .find_map(|cookie| cookie.trim().strip_prefix("theme=").map(Theme::from_word))
        })
        .unwrap_or(Theme::System);
    Looking { viewer, theme }
}
