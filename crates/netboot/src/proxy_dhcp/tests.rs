use proptest::prelude::*;

use super::*;

/// A request as firmware writes it.
fn request(kind: u8, class: &str, user_class: &str, architecture: u16) -> Vec<u8> {
    let mut packet = vec![0; 236];
    packet[..4].copy_from_slice(&[1, 1, 6, 0]);
    packet[4..8].copy_from_slice(&[1, 2, 3, 4]);
    packet[10] = 0x80;
    packet[28..34].copy_from_slice(&[0x52, 0x54, 0, 0x12, 0x34, 0x56]);
    packet.extend([99, 130, 83, 99, 53, 1, kind, 0, 60]);
    packet.push(u8::try_from(class.len()).unwrap());
    packet.extend(class.as_bytes());
    packet.extend([93, 2]);
    packet.extend(architecture.to_be_bytes());
    packet.extend([97, 3, 0, 7, 7]);
    if !user_class.is_empty() {
        packet.extend([77, u8::try_from(user_class.len()).unwrap()]);
        packet.extend(user_class.as_bytes());
    }
    packet.push(255);
    packet
}

fn told(packet: &[u8]) -> Option<String> {
    let asked = Asked::parse(packet)?;
    answer(&asked, Ipv4Addr::new(10, 9, 0, 1), 8000).map(|it| it.file)
}

#[test]
fn each_firmware_is_told_its_own_file() {
    let script = Some("http://10.9.0.1:8000/boot.ipxe".to_owned());
    let http = Some("http://10.9.0.1:8000/first-stage/snponly.efi".to_owned());
    for (class, user_class, architecture, file) in [
        ("PXEClient:Arch:00000:UNDI:002001", "", 0, Some("undionly.kpxe".to_owned())),
        ("PXEClient:Arch:00007:UNDI:003000", "", 7, Some("snponly.efi".to_owned())),
        ("PXEClient:Arch:00009:UNDI:003000", "", 9, Some("snponly.efi".to_owned())),
        ("PXEClient:Arch:00000:UNDI:002001", "iPXE", 0, script.clone()),
        ("PXEClient:Arch:00007:UNDI:003010", "iPXE", 7, script),
        ("HTTPClient:Arch:00016:UNDI:003001", "", 16, http),
        // A board of another kind, an ordinary client, and classes that do not fit their architecture.
        ("PXEClient:Arch:00011:UNDI:003000", "", 11, None),
        ("MSFT 5.0", "", 0, None),
        ("HTTPClient:Arch:00007", "", 7, None),
        ("PXEClient:Arch:00016", "", 16, None),
    ] {
        assert_eq!(told(&request(1, class, user_class, architecture)), file, "{class}");
    }
}

#[test]
fn an_offer_gives_no_address_and_names_the_file_twice() {
    let packet = request(1, "PXEClient:Arch:00000:UNDI:002001", "", 0);
    let asked = Asked::parse(&packet).unwrap();
    assert_eq!(asked.hardware(), "52:54:00:12:34:56");
    let bytes = answer(&asked, Ipv4Addr::new(10, 9, 0, 1), 8000).unwrap().bytes();
    assert_eq!(bytes[..8], [2, 1, 6, 0, 1, 2, 3, 4]);
    assert_eq!(bytes[10], 0x80, "who asked to hear by broadcast does");
    assert_eq!(bytes[12..20], [0; 8], "no address is given");
    assert_eq!(bytes[20..24], [10, 9, 0, 1]);
    assert_eq!(bytes[28..34], packet[28..34]);
    assert!(bytes[108..].starts_with(b"undionly.kpxe\0"));
    assert!(bytes.len() >= 300);
    let options = &bytes[240..];
    assert!(options.starts_with(&[53, 1, 2, 54, 4, 10, 9, 0, 1, 60, 9]));
    for expected in
        [&b"\x61\x03\x00\x07\x07"[..], b"\x2b\x04\x06\x01\x08\xff", b"C\x0dundionly.kpxe\xff"]
    {
        assert!(options.windows(expected.len()).any(|it| it == expected), "{expected:?}");
    }
}

#[test]
fn what_is_not_ours_hears_nothing() {
    let good = request(1, "PXEClient:Arch:00000:UNDI:002001", "", 0);
    assert!(told(&good).is_some());
    for (at, value) in [(0, 2), (2, 17), (24, 10), (236, 0)] {
        let mut packet = good.clone();
        packet[at] = value;
        assert_eq!(told(&packet), None, "byte {at}");
    }
    assert_eq!(told(&request(7, "PXEClient:Arch:00000:UNDI:002001", "", 0)), None);
    for length in 0..good.len() - 1 {
        // Cut before its end mark, an option may be lost and the rest still be good.
        let _ = told(&good[..length]);
    }
    assert_eq!(told(&good[..239]), None);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..600), options in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = told(&bytes);
        let mut packet = request(1, "PXEClient:Arch:00000", "", 0);
        packet.truncate(240);
        packet.extend(options);
        if let Some(asked) = Asked::parse(&packet)
            && let Some(answer) = answer(&asked, Ipv4Addr::LOCALHOST, 1)
        {
            prop_assert!(Asked::parse(&answer.bytes()).is_none(), "an answer is never answered");
        }
    }
}
