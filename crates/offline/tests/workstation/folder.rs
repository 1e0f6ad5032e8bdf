//! Folders and pictures from anywhere.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;

use headgate_offline::{Standing, cli, inbox, qr};
use headgate_tuf::sha256_hex;

use crate::place::Place;
use crate::world::*;

#[test]
fn a_folder_of_strange_files_is_listed_without_harm() {
    let place = Place::new();
    let drive = place.drive.path();
    place.put("good.hgrequest", &place.world.request());
    let mut late = place.world.request();
    late.id = "11".repeat(16);
    late.expires = now();
    place.put("late.HGREQUEST", &late);
    fs::write(drive.join("broken.hgrequest"), b"{").unwrap();
    fs::write(drive.join("empty.hgrequest"), b"").unwrap();
    fs::write(drive.join("notes.txt"), b"x").unwrap();
    fs::create_dir(drive.join("folder.hgrequest")).unwrap();
    fs::File::create(drive.join("huge.hgrequest"))
        .unwrap()
        .set_len(60 << 20)
        .unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("/etc/passwd", drive.join("link.hgrequest")).unwrap();
        assert!(inbox::read_request(&drive.join("link.hgrequest")).is_err());
        let pipe = std::ffi::CString::new(drive.join("pipe.hgrequest").to_str().unwrap()).unwrap();
        let made = std::process::Command::new("mkfifo")
            .arg(pipe.to_str().unwrap())
            .status();
        if made.is_ok_and(|s| s.success()) {
            assert!(inbox::read_request(&drive.join("pipe.hgrequest")).is_err());
        }
    }
    let found = place.station.requests(drive).unwrap();
    let list: BTreeSet<(&str, &str)> = found
        .iter()
        .map(|f| (f.file.as_str(), f.standing.text()))
        .collect();
    assert_eq!(
        list,
        BTreeSet::from([
            ("good.hgrequest", "to_sign"),
            ("late.HGREQUEST", "expired"),
            ("broken.hgrequest", "unreadable"),
            ("empty.hgrequest", "unreadable"),
            ("huge.hgrequest", "unreadable"),
        ])
    );
    assert_eq!(found[0].file, "good.hgrequest");
    place.sign(&place.world.request(), &[]).unwrap();
    let found = place.station.requests(drive).unwrap();
    assert!(
        found
            .iter()
            .any(|f| f.file == "good.hgrequest" && f.standing == Standing::Signed)
    );
}

#[test]
fn small_files_travel_as_pictures_of_a_qr_code() {
    let place = Place::new();
    let request = place.world.request().light();
    let bytes = request.to_bytes().unwrap();
    let picture = qr::write_png(&bytes).unwrap();
    assert_eq!(qr::read_png(&picture).unwrap(), bytes);

    let mut light = place.world.request();
    light.documents.clear();
    let path = place.drive.path().join("r.png");
    if let Ok(picture) = qr::write_png(&light.to_bytes().unwrap()) {
        fs::write(&path, picture).unwrap();
        let said = cli::show(&place.station, &path).unwrap();
        assert!(said.text.contains("not in the request"), "{}", said.text);
    }
    let handed = place.sign(&place.world.request(), &[]).unwrap();
    let squares = qr::squares(&handed.bytes).unwrap();
    assert_eq!(squares.dark.len(), squares.side * squares.side);
    assert!(squares.path().starts_with("M0 0h7"));
    assert_eq!(
        qr::read_png(&qr::write_png(&handed.bytes).unwrap()).unwrap(),
        handed.bytes
    );

    let noise: Vec<u8> = (0..6_000_u32)
        .flat_map(|n| sha256_hex(&n.to_le_bytes()).into_bytes())
        .collect();
    assert!(qr::payload(&noise).is_err(), "too much for a code");
    for bad in [
        &b""[..],
        b"HGQ1",
        b"HGQ1xxxx",
        b"https://example.com",
        &picture[..100],
    ] {
        assert!(qr::file(bad).is_err());
        assert!(qr::read_png(bad).is_err());
    }
    let bomb = {
        let mut deflate =
            flate2::write::ZlibEncoder::new(b"HGQ1".to_vec(), flate2::Compression::best());
        deflate.write_all(&vec![0; 10 << 20]).unwrap();
        deflate.finish().unwrap()
    };
    assert!(qr::file(&bomb).is_err());
}

#[test]
fn names_of_files_are_plain() {
    use headgate_offline::answer::slug;
    for (name, expected) in [
        ("Acme vault 2026", "acme-vault-2026"),
        ("../../etc/passwd", "etc-passwd"),
        ("Inés\u{202e}", "in-s"),
        ("…", "key"),
        ("CON", "con"),
    ] {
        assert_eq!(slug(name), expected);
    }
}
