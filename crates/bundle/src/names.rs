//! Names that every device can store.
//!
//! A bundle is unpacked on Android, iOS and, in tests, on Windows. Two names that are one name there,
//! or a name that cannot be written there, would make a release that differs from what was signed.

use std::collections::HashMap;

use headgate_core::{Code, Problem, Result};
use unicode_normalization::UnicodeNormalization;

/// Device names of Windows; reserved with any extension.
const RESERVED: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8",
    "com9", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

fn refused(path: &str, why: &str) -> Problem {
    Problem::new(Code::BuildPath, format!("The name {} {why}.", show(path)))
}

/// A hostile name as a person may see it: escaped, and not longer than a line.
pub(crate) fn show(name: &str) -> String {
    format!("“{}”", escaped(name))
}

/// As [`show`], without quotes.
pub(crate) fn escaped(name: &str) -> String {
    let mut text: String = name
        .chars()
        .take(120)
        .flat_map(|c| {
            let safe = !c.is_control() && !is_invisible(c);
            let plain = safe.then_some(c);
            plain
                .into_iter()
                .chain(c.escape_unicode().take(if safe { 0 } else { 12 }))
        })
        .collect();
    if name.chars().nth(120).is_some() {
        text.push('…');
    }
    text
}

/// Characters that change how a name is shown without being seen.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The name in NFC, as the bundle spells it.
pub(crate) fn normalise(path: &str) -> String {
    path.nfc().collect()
}

/// Checks one path (already in NFC, with `/`) against the rules of every system.
///
/// # Errors
/// `build.path`.
pub(crate) fn check(path: &str, max_bytes: usize) -> Result<()> {
    if path.is_empty() || path.starts_with('/') {
        return Err(refused(path, "is not a relative path"));
    }
    if path.len() > max_bytes {
        let why = format!("is longer than {max_bytes} bytes");
        return Err(refused(path, &why));
    }
    path.split('/')
        .try_for_each(|part| check_part(part).map_err(|why| refused(path, why)))
}

fn check_part(part: &str) -> Result<(), &'static str> {
    if part.is_empty() || part == "." || part == ".." {
        return Err("has an empty, . or .. part");
    }
    if part.chars().any(|c| c.is_control()) {
        return Err("holds a control character");
    }
    if part.chars().any(is_invisible) {
        return Err("holds an invisible character");
    }
    if part.contains('\\') {
        return Err("holds a backslash");
    }
    if let Some(c) = part.chars().find(|c| "<>:\"|?*".contains(*c)) {
        return Err(match c {
            ':' => "holds a colon, which Windows cannot store",
            _ => "holds one of < > \" | ? *, which Windows cannot store",
        });
    }
    if part.ends_with('.') || part.ends_with(' ') {
        return Err("has a part that ends in a dot or a space, which Windows cannot store");
    }
    let stem = part.split('.').next().unwrap_or(part).trim_end();
    if RESERVED.iter().any(|r| stem.eq_ignore_ascii_case(r)) {
        return Err("is reserved on Windows");
    }
    Ok(())
}

/// Finds names that are one name on systems that ignore case or Unicode form.
#[derive(Debug, Default)]
pub(crate) struct Collisions {
    /// Folded path → the path as its source spells it, and whether it is a file.
    seen: HashMap<String, (String, bool)>,
}

impl Collisions {
    /// Adds a file or folder with all folders above it, as the source spells them.
    ///
    /// # Errors
    /// `build.path` when it collides with another one.
    pub(crate) fn add(&mut self, raw: &str, is_file: bool) -> Result<()> {
        let ends = raw.match_indices('/').map(|(at, _)| (at, false));
        for (end, file) in ends.chain([(raw.len(), is_file)]) {
            let spelling = &raw[..end];
            let folded: String = spelling.nfc().collect::<String>().to_lowercase();
            let folded = normalise(&folded);
            match self.seen.get(&folded) {
                None => {
                    self.seen.insert(folded, (spelling.to_owned(), file));
                }
                Some((other, _)) if other != spelling => {
                    return Err(Problem::new(
                        Code::BuildPath,
                        format!(
                            "{} and {} are one name on many devices{}.",
                            show(other),
                            show(spelling),
                            if other.to_lowercase() == spelling.to_lowercase() {
                                ": they differ in case only"
                            } else {
                                ": they differ in case or Unicode form only"
                            }
                        ),
                    ));
                }
                Some((_, other_file)) if *other_file || file => {
                    return Err(refused(spelling, "stands twice, or is a file and a folder"));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(path: &str) -> Option<Code> {
        check(path, 240).err().map(|p| p.code)
    }

    #[test]
    fn names_that_break_elsewhere_are_refused() {
        for bad in [
            "",
            "/a",
            "a//b",
            "a/./b",
            "../a",
            "a/..",
            "a\\b",
            "a:b",
            "c:",
            "a\0b",
            "a\nb",
            "a\u{7f}",
            "a\u{85}b",
            "nul",
            "NUL.txt",
            "x/Com1.js",
            "aux .js",
            "a.",
            "a /b",
            "q?.js",
            "a*b",
            "a|b",
            "a<b",
            "a\"b",
            "ev\u{202e}il.js",
            "z\u{200b}.js",
        ] {
            assert_eq!(code(bad), Some(Code::BuildPath), "{bad:?}");
        }
        assert_eq!(code(&"x".repeat(241)), Some(Code::BuildPath));
    }

    #[test]
    fn ordinary_names_are_accepted() {
        for good in [
            "index.html",
            "assets/main.4f2a.js",
            ".well-known/a",
            "a b+c.js",
            "ä/日本.js",
            "console.js",
            "com.js",
            "[id]/page.js",
            "@scope/x~1.js",
        ] {
            assert_eq!(code(good), None, "{good:?}");
        }
        assert_eq!(code(&"x".repeat(240)), None);
    }

    #[test]
    fn collisions_are_found_in_case_form_and_kind() {
        let pairs = [
            ("a/App.js", "a/app.js"),
            ("A/x.js", "a/y.js"),
            ("caf\u{e9}.js", "cafe\u{301}.js"),
            ("a", "a/b"),
            ("\u{c9}.js", "e\u{301}.js"),
        ];
        for (one, two) in pairs {
            for (first, second) in [(one, two), (two, one)] {
                let mut names = Collisions::default();
                names.add(first, true).unwrap();
                let problem = names.add(second, true).unwrap_err();
                assert_eq!(problem.code, Code::BuildPath, "{first} {second}");
            }
        }
        let mut names = Collisions::default();
        names.add("a/b.js", true).unwrap();
        names.add("a", false).unwrap();
        names.add("a/c.js", true).unwrap();
    }

    #[test]
    fn hostile_names_are_shown_escaped_and_short() {
        assert_eq!(show("a\u{202e}b"), "“a\\u{202e}b”");
        assert!(show(&"x".repeat(5000)).chars().count() < 130);
    }
}
