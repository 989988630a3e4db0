//! Thousands of differences, as many of them as somebody can look at.

use domain::kernel::ConfigDifference;

use crate::api::kernels::{Differs, Narrowed, Narrowing, SHOWN};

/// Counts all differences, and takes those that fit what was asked for, menu by menu.
pub(super) fn narrow(differences: &[ConfigDifference], narrowing: Narrowing) -> Narrowed {
    let wanted = narrowing.search.trim().to_ascii_lowercase();
    // People paste names as they stand in a configuration.
    let wanted = wanted.strip_prefix("config_").unwrap_or(&wanted);
    let mut narrowed = Narrowed::default();
    for difference in differences {
        let searched = difference.name.to_ascii_lowercase().contains(wanted)
            || difference.menu.to_ascii_lowercase().contains(wanted);
        if !searched {
            continue;
        }
        let differs = Differs::of(difference);
        narrowed.counts[differs as usize] += 1;
        if narrowing.differs.is_some_and(|only| only != differs) {
            continue;
        }
        narrowed.fitting += 1;
        if narrowed.fitting > SHOWN {
            continue;
        }
        let menus = &mut narrowed.menus;
        match menus.iter_mut().find(|(menu, _)| *menu == difference.menu) {
            Some((_, shown)) => shown.push(difference.clone()),
            None => menus.push((difference.menu.clone(), vec![difference.clone()])),
        }
    }
    narrowed.narrowing = narrowing;
    narrowed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(name: &str, menu: &str, before: bool, after: bool) -> ConfigDifference {
        let value = |set: bool| set.then(|| "y".to_owned());
        ConfigDifference {
            name: name.to_owned(),
            menu: menu.to_owned(),
            before: value(before),
            after: value(after),
        }
    }

    fn names(narrowed: &Narrowed) -> Vec<(&str, Vec<&str>)> {
        narrowed
            .menus
            .iter()
            .map(|(menu, shown)| (menu.as_str(), shown.iter().map(|it| it.name.as_str()).collect()))
            .collect()
    }

    #[test]
    fn a_menu_that_comes_again_is_one_group() {
        let all = [
            difference("NET", "Networking", false, true),
            difference("SWAP", "General", true, false),
            difference("INET", "Networking", true, true),
        ];
        let narrowed = narrow(&all, Narrowing::default());
        assert_eq!(
            names(&narrowed),
            [("Networking", vec!["NET", "INET"]), ("General", vec!["SWAP"])]
        );
        assert_eq!((narrowed.counts, narrowed.fitting), ([1, 1, 1], 3));
    }

    #[test]
    fn a_search_knows_names_as_they_stand_in_files_and_menus() {
        let all = [
            difference("VIRTIO_NET", "Drivers", false, true),
            difference("SWAP", "General", true, false),
        ];
        let search =
            |text: &str| narrow(&all, Narrowing { search: text.to_owned(), differs: None }).fitting;
        assert_eq!(search(" config_virtio "), 1);
        assert_eq!(search("general"), 1);
        assert_eq!(search("none"), 0);
        let unset = Narrowing { search: String::new(), differs: Some(Differs::Unset) };
        let narrowed = narrow(&all, unset);
        assert_eq!(names(&narrowed), [("General", vec!["SWAP"])]);
        assert_eq!(narrowed.counts, [1, 1, 0], "each count leads to what it counts");
    }

    #[test]
    fn thousands_are_counted_and_hundreds_shown() {
        let all: Vec<_> = (0..5000)
            .map(|at| difference(&format!("O{at}"), &format!("M{}", at % 90), false, true))
            .collect();
        let narrowed = narrow(&all, Narrowing::default());
        assert_eq!((narrowed.fitting, narrowed.counts[0]), (5000, 5000));
        let shown: usize = narrowed.menus.iter().map(|(_, shown)| shown.len()).sum();
        assert_eq!(shown, SHOWN);
    }
}
