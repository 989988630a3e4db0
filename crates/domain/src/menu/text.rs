//! How the words of a menu are written, so that iPXE takes each as plain text.
//!
//! iPXE cuts a line at white space, ends a command at the words `||`, `&&` and `;`, takes a word
//! that begins with `#` for a comment, and expands `${…}` wherever it stands. There is no quoting,
//! so what could be read as any of these is refused.

use super::{
    LONGEST_ARGUMENTS, LONGEST_LABEL, LONGEST_MENU_TEXT, LONGEST_URL, MenuRule, SHELL_LABEL,
    SHELL_TEXT,
};

/// Labels that scripts of ours, or habits of robots, use for something else.
const RESERVED_LABELS: [&str; 4] = [SHELL_LABEL, "menu", "boot", "exit"];

/// By these robots find the frame.
const FRAME_TEXTS: [&str; 2] = ["iPXE boot menu", SHELL_TEXT];

/// Arguments that our scripts write.
const OWN_ARGUMENTS: [&str; 3] = ["bootwright.", "initrd=", "BOOTIF="];

/// Whether `label` can name an entry.
///
/// # Errors
/// The broken rule.
pub fn check_label(label: &str) -> Result<(), MenuRule> {
    if RESERVED_LABELS.contains(&label.to_ascii_lowercase().as_str()) {
        return Err(MenuRule::ReservedLabel(label.to_owned()));
    }
    let start = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = label.as_bytes();
    let fits = bytes.len() <= LONGEST_LABEL
        && bytes.first().is_some_and(start)
        && bytes.iter().all(|b| start(b) || b"._-".contains(b));
    if fits { Ok(()) } else { Err(MenuRule::NoLabel(shown(label))) }
}

/// Whether `text` can stand in a menu.
///
/// # Errors
/// The broken rule.
pub fn check_text(text: &str) -> Result<(), MenuRule> {
    plain(text)?;
    let length = text.len();
    if length > LONGEST_MENU_TEXT {
        return Err(MenuRule::TextTooLong(length));
    }
    if !text.contains(|c: char| c.is_ascii_alphabetic()) {
        return Err(MenuRule::NoWords(text.to_owned()));
    }
    if text.trim() != text {
        return Err(MenuRule::OuterSpace);
    }
    FRAME_TEXTS
        .into_iter()
        .find(|frame| text.contains(frame))
        .map_or(Ok(()), |frame| Err(MenuRule::FrameText(frame)))
}

/// Whether `arguments` can be given to a kernel; they may be empty.
///
/// # Errors
/// The broken rule.
pub fn check_arguments(arguments: &str) -> Result<(), MenuRule> {
    plain(arguments)?;
    if arguments.len() > LONGEST_ARGUMENTS {
        return Err(MenuRule::ArgumentsTooLong(arguments.len()));
    }
    let own = |word: &&str| OWN_ARGUMENTS.into_iter().any(|own| word.starts_with(own));
    arguments.split(' ').find(own).map_or(Ok(()), |word| Err(MenuRule::OwnArgument(shown(word))))
}

/// Whether `name` can stand in a script and in a URL as it is: names of components and aliases.
///
/// # Errors
/// The broken rule.
pub fn check_file_name(name: &str) -> Result<(), MenuRule> {
    let bytes = name.as_bytes();
    let fits = bytes.len() <= 128
        && bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"._+~-".contains(b));
    if fits { Ok(()) } else { Err(MenuRule::NoFileName(shown(name))) }
}

/// Whether iPXE can load from `url` (RFC 3986), and takes it as one word.
///
/// # Errors
/// The broken rule.
pub fn check_url(url: &str) -> Result<(), MenuRule> {
    plain(url)?;
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    let (host, path) = rest.unwrap_or_default().split_once('/').unwrap_or_default();
    let fits = url.len() <= LONGEST_URL
        && host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
        && host.chars().all(|c| c.is_ascii_alphanumeric() || ".-:[]".contains(c))
        && path.chars().all(|c| c.is_ascii_alphanumeric() || "-._~:/@!()*,;=+%?&".contains(c));
    if fits { Ok(()) } else { Err(MenuRule::NoUrl(shown(url))) }
}

/// Whether iPXE takes `text` as plain words.
fn plain(text: &str) -> Result<(), MenuRule> {
    if let Some(bad) = text.chars().find(|c| !matches!(c, ' '..='~')) {
        return Err(MenuRule::BadCharacter(bad));
    }
    for (syntax, name) in [
        ("$", "\"$\""),
        ("\\", "a backslash"),
        ("\"", "a quotation mark"),
        ("'", "an apostrophe"),
        ("`", "a back quote"),
        ("||", "\"||\""),
        ("&&", "\"&&\""),
    ] {
        if text.contains(syntax) {
            return Err(MenuRule::IpxeSyntax(name));
        }
    }
    for word in text.split(' ') {
        if word.starts_with('#') {
            return Err(MenuRule::IpxeSyntax("a word that begins with \"#\""));
        }
        if word == ";" {
            return Err(MenuRule::IpxeSyntax("\";\" as a word of its own"));
        }
    }
    Ok(())
}

/// `text` short enough for a message.
fn shown(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_debug).collect()
}
