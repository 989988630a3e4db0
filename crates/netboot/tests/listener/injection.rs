//! Nothing that a recipe or a request says becomes an iPXE command of its own.

use domain::{
    digest::Digest,
    manifest::BootEntry,
    menu::{check_arguments, check_label, check_menu, check_text},
};
use netboot::{Base, Served, menu_script, refusal_script};
use proptest::prelude::*;

use crate::{
    interpreter::{commands, settings},
    support::release_on_paper,
};

/// The attempts of the corpus.
fn corpus() -> Vec<String> {
    include_str!("hostile.txt")
        .lines()
        .filter(|line| !line.starts_with("# "))
        .map(|line| {
            let mut text = line.to_owned();
            for (written, meant) in [
                ("\\n", "\n"),
                ("\\r", "\r"),
                ("\\t", "\t"),
                ("\\v", "\u{b}"),
                ("\\f", "\u{c}"),
                ("\\0", "\0"),
                ("\\e", "\u{1b}"),
                ("\\\"", "\""),
                ("\\u{2028}", "\u{2028}"),
                ("\\u{85}", "\u{85}"),
                ("\\u{a0}", "\u{a0}"),
                ("\\u{feff}", "\u{feff}"),
                ("\\u{202e}", "\u{202e}"),
                ("\\\\", "\\"),
            ] {
                text = text.replace(written, meant);
            }
            text
        })
        .collect()
}

fn base() -> Base {
    Base::from_host("192.0.2.1:8000").unwrap()
}

/// Which of an entry's three texts is replaced.
#[derive(Debug, Clone, Copy)]
enum Field {
    Label,
    Text,
    Arguments,
}

const FIELDS: [Field; 3] = [Field::Label, Field::Text, Field::Arguments];

/// The release whose second entry says something else.
fn saying(field: Field, words: &str) -> Served {
    let mut served = release_on_paper();
    let BootEntry::Linux { label, text, arguments, .. } = &mut served.manifest.entries[1] else {
        panic!("entries of this release are of kind linux");
    };
    match field {
        Field::Label => words.clone_into(label),
        Field::Text => words.clone_into(text),
        Field::Arguments => words.clone_into(arguments),
    }
    served
}

/// The script has exactly the commands that it has without the words, which stand as plain words
/// where they belong.
fn stays_plain(field: Field, words: &str) -> Result<(), TestCaseError> {
    let before = menu_script(&release_on_paper(), &base()).unwrap();
    let Ok(script) = menu_script(&saying(field, words), &base()) else { return Ok(()) };
    prop_assert_eq!(script.lines().count(), before.lines().count(), "{}", &script);
    prop_assert_eq!(settings(&script), settings(&before), "{}", &script);
    let (before, after) = (commands(&before), commands(&script));
    prop_assert_eq!(before.len(), after.len(), "{}", &script);
    for (old, new) in before.iter().zip(&after) {
        if old == new {
            continue;
        }
        let plain = || words.split(' ').filter(|word| !word.is_empty()).map(str::to_owned);
        let expected: Vec<String> = match (field, old[0].as_str()) {
            (Field::Label, ":xen-dev") => vec![format!(":{words}")],
            (Field::Label, "set") => [&old[..2], &[words.to_owned()]].concat(),
            (Field::Label, "item") => {
                ["item".to_owned(), words.to_owned()].into_iter().chain(old[2..].to_vec()).collect()
            }
            (Field::Text, "item") => old[..2].iter().cloned().chain(plain()).collect(),
            (Field::Arguments, "kernel") => {
                old[..old.len() - 1].iter().cloned().chain(plain()).collect()
            }
            _ => return Err(TestCaseError::fail(format!("{old:?} became {new:?}"))),
        };
        prop_assert_eq!(new, &expected);
    }
    Ok(())
}

#[test]
fn the_corpus_stays_plain_words() {
    let corpus = corpus();
    assert!(corpus.len() > 80, "{}", corpus.len());
    for words in &corpus {
        for field in FIELDS {
            stays_plain(field, words).unwrap();
        }
    }
}

#[test]
fn what_is_refused_is_refused_twice() {
    // A manifest that no recipe gave must not get past the script either.
    for words in ["a\nshell", "${x}", "a || shell", "a && shell", "a ; shell", "a #b", "é"] {
        for field in FIELDS {
            assert!(menu_script(&saying(field, words), &base()).is_err(), "{field:?} {words:?}");
        }
    }
}

#[test]
fn a_refusal_says_its_reason_and_runs_nothing_else() {
    for reason in corpus() {
        let script = refusal_script(&reason);
        let names: Vec<String> = commands(&script).into_iter().map(|it| it[0].clone()).collect();
        assert_eq!(names, ["echo", "prompt", "exit"], "{script}");
        assert_eq!(settings(&script), [""; 0]);
    }
}

/// Words made of what is dangerous.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just(" ".to_owned()),
        Just("||".to_owned()),
        Just("&&".to_owned()),
        Just(";".to_owned()),
        Just("#".to_owned()),
        Just("${".to_owned()),
        Just("}".to_owned()),
        Just("\n".to_owned()),
        Just("\\".to_owned()),
        Just("--".to_owned()),
        Just("|".to_owned()),
        Just("&".to_owned()),
        Just("$".to_owned()),
        Just("shell".to_owned()),
        Just(":".to_owned()),
        "[ -~]{1,6}",
        ".{1,3}",
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// Whatever passes the rules of menus is nothing but words to iPXE.
    #[test]
    fn what_passes_the_rules_is_plain_words(words in hostile(), field in 0..3_usize) {
        let field = FIELDS[field];
        let passes = match field {
            Field::Label => check_label(&words).is_ok(),
            Field::Text => check_text(&words).is_ok(),
            Field::Arguments => check_arguments(&words).is_ok(),
        };
        let rendered = menu_script(&saying(field, &words), &base());
        prop_assert!(rendered.is_err() || passes, "{:?} {:?} was rendered", field, words);
        stays_plain(field, &words)?;
    }

    /// A menu that is clean can always be rendered.
    #[test]
    fn a_clean_menu_has_a_script(
        label in "[a-z0-9][a-z0-9._-]{0,20}",
        text in "[ -~]{1,70}",
        arguments in "[ -~]{0,100}",
    ) {
        let mut served = saying(Field::Label, &label);
        let BootEntry::Linux { text: t, arguments: a, .. } = &mut served.manifest.entries[1] else {
            panic!("entries of this release are of kind linux");
        };
        (*t, *a) = (text, arguments);
        let entries = &served.manifest.entries;
        if check_menu(entries, &served.manifest.default_entry).is_empty() {
            prop_assert!(menu_script(&served, &base()).is_ok());
        }
    }

    /// A host that is taken is one word of URL characters.
    #[test]
    fn a_host_is_one_plain_word(host in prop_oneof![hostile(), "[a-z0-9.:\\[\\]_ -]{0,20}"]) {
        if let Some(base) = Base::from_host(&host) {
            prop_assert!(
                host.chars().all(|c| c.is_ascii_alphanumeric() || "._-:[]".contains(c)),
                "{:?}", host
            );
            let script = menu_script(&release_on_paper(), &base).unwrap();
            let plain = menu_script(&release_on_paper(), &self::base()).unwrap();
            prop_assert_eq!(commands(&script).len(), commands(&plain).len());
        }
    }

    /// A refusal is always the same three commands.
    #[test]
    fn any_reason_is_one_echo(reason in hostile()) {
        prop_assert_eq!(commands(&refusal_script(&reason)).len(), 3);
        prop_assert_eq!(settings(&refusal_script(&reason)).len(), 0);
    }
}

#[test]
fn every_file_is_named_by_the_digest_of_the_release() {
    let served = release_on_paper();
    let script = menu_script(&served, &base()).unwrap();
    let here = format!("http://192.0.2.1:8000/artifacts/{}/", Digest::of("manifest"));
    for url in script.split([' ', '=', ',', '\n']).filter(|word| word.starts_with("http")) {
        assert!(url.starts_with(&here), "{url}");
    }
}
