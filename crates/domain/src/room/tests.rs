//! Room: what is shared, what is needed, what goes when.

use proptest::prelude::*;

use super::*;

fn kept(name: &str) -> Place {
    Place::Kept(Digest::of(name))
}

#[test]
fn what_is_shared_counts_once_and_frees_nothing() {
    let cached = Place::Cached(Digest::of("kernel"));
    let files = [
        KeptFile { bytes: 100, places: vec![kept("kernel"), cached] },
        KeptFile { bytes: 20, places: vec![kept("rootfs 1")] },
        KeptFile { bytes: 3, places: vec![kept("rootfs 2")] },
        KeptFile { bytes: 7, places: vec![kept("left over")] },
    ];
    let first = vec![kept("kernel"), kept("rootfs 1"), kept("rootfs 1")];
    let second = vec![kept("kernel"), kept("rootfs 2"), kept("lost")];
    let step = vec![cached];
    let shares = share(&files, [&first, &second, &step]);
    let of = |bytes, frees| Share { bytes, frees };
    assert_eq!(shares.things, [of(120, 20), of(103, 3), of(100, 0)]);
    assert_eq!((shares.total, shares.unneeded), (130, 7));
    // The kernel goes with the last thing that reaches it.
    assert_eq!(share(&files, [&step]).things, [of(100, 100)]);
}

const DAY: i64 = 24 * 3600 * 1_000_000;

fn standing(stage: Stage, needs: Vec<Need>) -> Standing {
    let (built_at, withdrawn_at) = (Timestamp(0), Timestamp(3 * DAY));
    Standing { stage, built_at, withdrawn_at, needs }
}

#[test]
fn candidates_are_withdrawn_first_and_removed_later() {
    let rules = RoomRules { candidates: Some(5), withdrawn: Some(2), ..RoomRules::default() };
    let at = |stage, day: i64| fate(&standing(stage, vec![]), &rules, Timestamp(day * DAY));
    assert_eq!(at(Stage::Candidate, 4), Fate::Until(Some(Timestamp(5 * DAY))));
    assert_eq!(at(Stage::Candidate, 5), Fate::Withdrawn);
    assert_eq!(at(Stage::Withdrawn, 4), Fate::Until(Some(Timestamp(5 * DAY))));
    assert_eq!(at(Stage::Withdrawn, 5), Fate::Removed);
    assert_eq!(at(Stage::Released, 10_000), Fate::Needed(vec![Need::Released]));
    let for_ever = RoomRules { candidates: None, withdrawn: None, ..rules };
    for stage in [Stage::Candidate, Stage::Withdrawn] {
        let fate = fate(&standing(stage, vec![]), &for_ever, Timestamp(i64::MAX));
        assert_eq!(fate, Fate::Until(None));
    }
}

#[test]
fn what_is_needed_stays_whatever_the_rules_say() {
    let rules = RoomRules { candidates: Some(0), withdrawn: Some(0), ..RoomRules::default() };
    for stage in [Stage::Candidate, Stage::Withdrawn] {
        for need in [Need::Booting, Need::Served { environment: "production".to_owned() }] {
            let standing = standing(stage, vec![need.clone()]);
            assert_eq!(fate(&standing, &rules, Timestamp(9 * DAY)), Fate::Needed(vec![need]));
        }
    }
}

#[test]
fn rules_out_of_range_are_refused() {
    RoomRules::default().check().unwrap();
    let days = RoomRules { logs: Some(36_501), ..RoomRules::default() };
    assert_eq!(days.check(), Err(InvalidRule::Days("logs")));
    let floor = RoomRules { floor: u64::MAX, ..RoomRules::default() };
    assert_eq!(floor.check().unwrap_err().field(), "floor");
    assert_eq!(over_before(Some(1), Timestamp(DAY)), Timestamp(0));
    assert_eq!(over_before(None, Timestamp(DAY)), Timestamp(i64::MIN));
}

#[test]
fn only_the_last_name_of_a_file_frees_its_room() {
    let cached = Place::Cached(Digest::of("kernel"));
    let files = [
        KeptFile { bytes: 100, places: vec![kept("kernel"), cached] },
        KeptFile { bytes: 20, places: vec![kept("rootfs")] },
    ];
    let (places, bytes) = left_over(&files, [&cached]);
    assert_eq!((places, bytes), (vec![&kept("kernel"), &kept("rootfs")], 20));
    assert_eq!(left_over(&files, []).1, 120);
    assert_eq!(left_over(&files, [&cached, &kept("kernel"), &kept("rootfs")]), (vec![], 0));
}

proptest! {
    /// What all things free one by one, and what nothing needs, is never more than there is; and
    /// if all but one go, that one has all that is left.
    #[test]
    fn shares_add_up(
        sizes in prop::collection::vec(1_u64..1000, 1..20),
        reaches in prop::collection::vec(prop::collection::vec(0_usize..20, 0..10), 0..10),
    ) {
        let name = |number: usize| kept(&number.to_string());
        let files: Vec<KeptFile> = sizes
            .iter()
            .enumerate()
            .map(|(number, bytes)| KeptFile { bytes: *bytes, places: vec![name(number)] })
            .collect();
        let things: Vec<Vec<Place>> =
            reaches.iter().map(|all| all.iter().map(|it| name(*it)).collect()).collect();
        let shares = share(&files, &things);
        let freed: u64 = shares.things.iter().map(|it| it.frees).sum();
        prop_assert!(freed + shares.unneeded <= shares.total);
        prop_assert_eq!(shares.total, sizes.iter().sum::<u64>());
        for (number, places) in things.iter().enumerate() {
            prop_assert!(shares.things[number].frees <= shares.things[number].bytes);
            let alone = share(&files, [places]);
            prop_assert_eq!(alone.things[0].frees, shares.things[number].bytes);
        }
    }
}

#[test]
fn an_upload_stays_a_week_after_the_last_time() {
    assert_eq!(upload_stays_until(Timestamp(5)), Timestamp(7 * DAY + 5));
    assert_eq!(upload_stays_until(Timestamp(i64::MAX)), Timestamp(i64::MAX));
}
