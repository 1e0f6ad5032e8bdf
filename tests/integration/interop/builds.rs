//! Web builds that are hard on zip readers.

use std::fs;
use std::path::{Path, PathBuf};

fn write(root: &Path, name: &str, content: &[u8]) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// The sample web build, as it is in the fixtures.
pub(crate) fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/builds/sample")
}

/// The sample web build after one day of work.
pub(crate) fn changed_sample(to: &Path) -> PathBuf {
    headgate_tests::copy_tree(&sample(), to);
    write(
        to,
        "news.3f7a.js",
        b"export const news = 'second release';\n",
    );
    to.to_owned()
}

/// Names beyond ASCII in both normal forms, spaces, an empty file, a deep path. Which names a bundle has to hold.
pub(crate) fn names(to: &Path) -> (PathBuf, Vec<&'static str>) {
    write(
        to,
        "index.html",
        b"<!doctype html><title>Names</title><p>Names",
    );
    write(to, "Übersicht größe.txt", "precomposed: ü ö ß".as_bytes());
    // As macOS writes it: u and a combining diaeresis. The bundle spells it in NFC.
    write(
        to,
        "assets/Mu\u{308}nchen.js",
        b"export default 'decomposed';\n",
    );
    write(to, "assets/a file with spaces.css", b"p { color: teal }\n");
    write(
        to,
        "assets/日本語 🚰.json",
        br#"{"beyond":"the basic plane"}"#,
    );
    write(to, "leer.txt", b"");
    write(to, "a/b/c/d/e/f/g/h/deep.txt", b"deep\n");
    let expected = vec![
        "a/b/c/d/e/f/g/h/deep.txt",
        "assets/M\u{fc}nchen.js",
        "assets/a file with spaces.css",
        "assets/日本語 🚰.json",
        "index.html",
        "leer.txt",
        "\u{dc}bersicht gr\u{f6}\u{df}e.txt",
    ];
    (to.to_owned(), expected)
}

/// Bytes that no compressor makes smaller: a reader meets stored entries, and sizes around its buffer's.
pub(crate) fn incompressible(to: &Path) -> PathBuf {
    write(
        to,
        "index.html",
        b"<!doctype html><title>Noise</title><p>Noise",
    );
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut noise = |length: usize| -> Vec<u8> {
        let word = std::iter::repeat_with(|| {
            // xorshift64
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        });
        word.flatten().take(length).collect()
    };
    for (index, length) in [1, 65_535, 65_536, 65_537, 3_000_000]
        .into_iter()
        .enumerate()
    {
        write(to, &format!("images/{index}.png"), &noise(length));
    }
    for index in 0..40 {
        write(
            to,
            &format!("images/tile-{index}.png"),
            &noise(20_000 + index * 1_999),
        );
    }
    to.to_owned()
}
