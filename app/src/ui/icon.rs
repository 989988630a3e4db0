//! Icons, drawn with the colour of the text around them. They never stand without a word.

use leptos::prelude::*;

/// An icon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    /// Done well.
    Check,
    /// Went wrong.
    Cross,
    /// Is at work; turns where motion is welcome.
    Turning,
    /// Waits.
    Clock,
    /// Was ended or does not apply.
    Dash,
    /// Nobody knows.
    Question,
    /// Taken from before.
    Again,
    /// Broken off.
    Broken,
    /// Live now.
    Dot,
    /// Mind this.
    Warning,
}

impl Icon {
    /// Its outline in a square of 16.
    const fn path(self) -> &'static str {
        match self {
            Self::Check => "M3.5 8.5l3 3 6-7",
            Self::Cross => "M4.2 4.2l7.6 7.6M11.8 4.2l-7.6 7.6",
            Self::Turning => "M8 2.6A5.4 5.4 0 1 1 2.6 8",
            Self::Clock => "M8 2.6a5.4 5.4 0 1 0 0 10.8A5.4 5.4 0 0 0 8 2.6zM8 5v3l2 1.4",
            Self::Dash => "M4 8h8",
            Self::Question => "M5.9 6.1a2.1 2.1 0 1 1 3.2 1.8c-.8.5-1.1.9-1.1 1.7M8 12v.1",
            Self::Again => "M12.8 6A5 5 0 0 0 3.4 6.4M3.2 10a5 5 0 0 0 9.4-.4M13 3v3h-3M3 13v-3h3",
            Self::Broken => "M3 8h3l1.2-3L9 11l1.2-3H13",
            Self::Dot => "M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6z",
            Self::Warning => "M8 2.8L14 13H2zM8 6.6v3M8 11.2v.1",
        }
    }

    /// Draws it; the word beside it is what assistive technology reads.
    #[must_use]
    pub fn draw(self) -> AnyView {
        let class = match self {
            Self::Turning => "icon turning",
            Self::Dot => "icon filled",
            _ => "icon",
        };
        view! {
            <svg class=class viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
                <path d=self.path()></path>
            </svg>
        }
        .into_any()
    }
}
