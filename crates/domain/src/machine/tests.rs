use super::*;
use crate::digest::Digest;

fn target(text: &str) -> BootTarget {
    text.parse().unwrap()
}

fn labels(text: &str) -> Labels {
    text.parse().unwrap()
}

#[test]
fn macs_have_one_form() {
    for text in ["52:54:00:12:34:56", "52-54-00-12-34-56"] {
        assert_eq!(text.parse::<Mac>().unwrap().to_string(), "52:54:00:12:34:56");
    }
    assert_eq!("AB:CD:EF:00:00:01".parse::<Mac>().unwrap().to_string(), "ab:cd:ef:00:00:01");
    for text in [
        "",
        "525400123456",
        "52:54:00:12:34",
        "52:54:00:12:34:5g",
        "52:54-00:12:34:56",
        "+2:54:00:12:34:56",
    ] {
        assert!(text.parse::<Mac>().is_err(), "{text}");
    }
    assert!(!Mac([1, 0, 0, 0, 0, 0]).is_of_a_card() && !Mac([0; 6]).is_of_a_card());
}

#[test]
fn what_firmware_leaves_empty_is_no_identity() {
    let uuid = "4C4C4544-0042-3510-8052-B4C04F4E3732".parse::<MachineUuid>().unwrap();
    assert_eq!(uuid.to_string(), "4c4c4544-0042-3510-8052-b4c04f4e3732");
    for text in [
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-FFFF-ffff-ffff-ffffffffffff",
        "03000200-0400-0500-0006-000700080009",
        "4c4c4544004235108052b4c04f4e3732",
        "",
        "4c4c4544-0042-3510-8052-b4c04f4e373ü",
    ] {
        assert!(text.parse::<MachineUuid>().is_err(), "{text}");
    }
    assert_eq!(serial("  PC0-17 "), Some("PC0-17".to_owned()));
    for text in ["", " ", "To be filled by O.E.M.", "0000000", "Default string", "a\nb", "x.x.x"] {
        assert_eq!(serial(text), None, "{text}");
    }
}

#[test]
fn a_draft_names_all_its_faults_at_once() {
    let draft = MachineDraft {
        name: "Nuc 7".to_owned(),
        macs: "01:00:5e:00:00:01, nonsense".to_owned(),
        uuid: "x".to_owned(),
        serial: "None".to_owned(),
        architecture: "vax".to_owned(),
        labels: "rack".to_owned(),
        location: "a\nb".to_owned(),
        note: "\u{7}".to_owned(),
    };
    let faults = draft.check().unwrap_err();
    let fields: Vec<_> = faults.iter().map(|it| it.field).collect();
    assert_eq!(
        fields,
        [
            "name",
            "macs",
            "macs",
            "macs",
            "uuid",
            "serial",
            "architecture",
            "labels",
            "location",
            "note"
        ]
    );
    let draft = MachineDraft {
        name: "nuc-7".to_owned(),
        macs: "52:54:00:00:00:01 52-54-00-00-00-02".to_owned(),
        architecture: "x86_64".to_owned(),
        labels: "role=build rack=3".to_owned(),
        ..MachineDraft::default()
    };
    let (name, profile) = draft.check().unwrap();
    assert_eq!(MachineDraft::of(&name, &profile).check().unwrap(), (name, profile.clone()));
    assert_eq!(profile.labels.to_string(), "rack=3 role=build");
    for name in ["new", "qemu", "", "-a", "a/b"] {
        assert!(check_name(name).is_err(), "{name}");
    }
}

#[test]
fn its_own_target_beats_rules_and_the_first_rule_that_fits_decides() {
    let rules =
        parse_rules("# the lab\n\nrack=3 role=build => variant probe\nrack=3 => release v1.2.0\n")
            .unwrap();
    let of = |own: Option<&BootTarget>, has: &str| {
        let it = assigned(own, &labels(has), &rules, "production");
        (it.target.to_string(), it.because)
    };
    let rule = |number, has: &str| Because::Rule { number, labels: labels(has) };
    assert_eq!(of(None, ""), ("environment production".to_owned(), Because::Default));
    assert_eq!(of(None, "rack=3 role=test"), ("release v1.2.0".to_owned(), rule(2, "rack=3")));
    assert_eq!(
        of(None, "rack=3 role=build x=y"),
        ("variant probe".to_owned(), rule(1, "rack=3 role=build"))
    );
    let own = target("environment development");
    assert_eq!(of(Some(&own), "rack=3"), ("environment development".to_owned(), Because::Own));
    assert_eq!(parse_rules(&write_rules(&rules)), Ok(rules));
}

#[test]
fn every_rule_that_cannot_be_read_is_named() {
    let text =
        "rack=3\n=> release v1\nrack=3 => floppy a\nr=1 => release a b\nrack==> release v1\n";
    let faults = parse_rules(text).unwrap_err();
    assert_eq!(faults.iter().map(|it| it.line).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    let many = "a=b => release v1\n".repeat(MOST_RULES + 1);
    assert!(parse_rules(&many).is_err());
}

#[test]
fn labels_have_one_form_and_a_bound() {
    assert_eq!(labels("b=2, a=1;c=3").to_string(), "a=1 b=2 c=3");
    for text in ["A=1", "a=", "=1", "a", "a=1 a=2", "a=b=c", &format!("a={}", "x".repeat(64))] {
        assert!(text.parse::<Labels>().is_err(), "{text}");
    }
    let many: String = (0..=MOST_LABELS).map(|it| format!("k{it}=v ")).collect();
    assert_eq!(many.parse::<Labels>(), Err(InvalidLabel::TooMany));
    assert!(labels("").all_among(&labels("a=1")) && !labels("a=1").all_among(&labels("a=2")));
    assert!(serde_json::from_str::<Labels>(r#"{"a b":"c"}"#).is_err());
}

#[test]
fn a_table_is_read_as_it_was_written() {
    let text = "name,macs,labels,location,variant,release\n\
                nuc-7,52:54:00:00:00:01 52:54:00:00:00:02,rack=3,\"Room 1, left\",probe,\n\
                nuc-8,52:54:00:00:00:03,,,,\n";
    let rows = read_table(text).unwrap();
    assert_eq!((rows[0].line, rows[1].line), (2, 3));
    assert_eq!(rows[0].target, Some(Some(target("variant probe"))));
    assert_eq!(rows[1].target, Some(None));
    let machines: Vec<Machine> = rows.iter().map(machine).collect();
    assert_eq!(machines[0].profile.location, "Room 1, left");
    let again = read_table(&write_table(&machines)).unwrap();
    assert_eq!(again.iter().map(machine).collect::<Vec<_>>(), machines);
    // What a table does not say stays.
    let known = MachineDraft { note: "spare fan".to_owned(), ..MachineDraft::default() };
    assert_eq!(rows[0].over(known).note, "spare fan");
    assert_eq!(read_table("name\nnuc-7\n").unwrap()[0].target, None);
}

#[test]
fn every_line_of_a_table_that_cannot_be_read_is_named() {
    let text = "name,release,variant\na,v1.0.0,probe\nb,,\nc\nd,\"v 1\",\n";
    let faults = read_table(text).unwrap_err();
    assert_eq!(faults.iter().map(|it| it.line).collect::<Vec<_>>(), [2, 4, 5], "{faults:?}");
    let faults = read_table("nom,macs,macs\n").unwrap_err();
    assert_eq!(faults.len(), 3, "{faults:?}");
    assert!(read_table("").is_err());
}

fn machine(row: &MachineRow) -> Machine {
    let (name, profile) = row.over(MachineDraft::default()).check().unwrap();
    Machine {
        id: MachineId::from(name.as_str()),
        name,
        state: MachineState::Accepted,
        profile,
        revision: 1,
        target: row.target.clone().flatten(),
        once: None,
        lock: None,
        running: None,
        first_seen_at: None,
        last_seen: None,
        created_at: Timestamp(0),
        created_by: "ann".to_owned(),
    }
}

#[test]
fn a_lock_ends_in_days_and_by_itself() {
    let now = Timestamp(10);
    let day = std::time::Duration::from_secs(24 * 3600);
    assert_eq!(check_lock("bisect", now.plus(day), now), Ok(()));
    assert_eq!(check_lock("", now, now).unwrap_err().len(), 2);
    assert!(check_lock("x", now.plus(day * (LONGEST_LOCK_DAYS + 1)), now).is_err());
    let mut it = machine(&read_table("name,macs\nnuc,52:54:00:00:00:01\n").unwrap()[0]);
    it.lock = Some(MachineLock {
        owner_id: "p".into(),
        owner: "ann".to_owned(),
        purpose: "bisect".to_owned(),
        since: now,
        until: Timestamp(20),
    });
    assert!(it.locked(Timestamp(19)).is_some() && it.locked(Timestamp(20)).is_none());
}

#[test]
fn what_runs_is_compared_with_all_that_may() {
    let [a, b, c] = ["a", "b", "c"].map(Digest::of);
    assert_eq!(drift(Some(a), &[b, a]), Drift::None);
    assert_eq!(drift(Some(c), &[b, a]), Drift::Other);
    assert_eq!(drift(None, &[a]), Drift::Unknown);
    assert_eq!(drift(Some(a), &[]), Drift::NothingToBoot);
}
