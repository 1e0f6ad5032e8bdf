//! Checks that several documents share: texts, hashes, canonical form.

use headgate_tuf::{canonical, strict};
use serde::de::DeserializeOwned;
use unicode_normalization::UnicodeNormalization;

use crate::{Code, Problem, Result};

/// Characters that change what a reader sees without being seen: controls, line separators and the
/// marks that reorder text (UAX #9).
fn hides(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Makes one line of a text that others wrote, so that a document can hold it: NFC, white space and
/// control characters to single spaces, at most `max` characters with an ellipsis when cut.
pub fn one_line(text: &str, max: usize) -> String {
    let plain: String = text.nfc().map(|c| if hides(c) { ' ' } else { c }).collect();
    let line = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= max {
        return line;
    }
    let mut cut: String = line.chars().take(max.saturating_sub(1)).collect();
    cut.truncate(cut.trim_end().len());
    cut.push('…');
    cut
}

/// A count with its thousands set apart: 74,608.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Checks a text: not empty, at most `max` characters, nothing that hides what it says.
///
/// # Errors
/// `usage.argument` for the field.
pub fn check_text(field: &str, text: &str, max: usize) -> Result<()> {
    let why = if text.trim().is_empty() {
        "is empty".to_owned()
    } else if text.chars().count() > max {
        format!("is longer than {max} characters")
    } else if let Some(c) = text.chars().find(|c| hides(*c)) {
        format!("holds the control character U+{:04X}", u32::from(c))
    } else {
        return Ok(());
    };
    Err(Problem::new(Code::UsageArgument, format!("{field} {why}.")).field(field))
}

/// Checks that a text is a SHA-256 in lower-case hex.
///
/// # Errors
/// `usage.argument` for the field.
pub fn check_hex(field: &str, text: &str) -> Result<()> {
    let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if text.len() == 64 && text.bytes().all(digit) {
        return Ok(());
    }
    let what = format!("{field}: {text:?} is not a SHA-256 in lower-case hex.");
    Err(Problem::new(Code::UsageArgument, what).field(field))
}

/// Checks that a path stays below the folder that it is joined to, on every system.
///
/// # Errors
/// `build.path`.
pub(crate) fn check_path(path: &str) -> Result<()> {
    let outside = |part: &str| matches!(part, "" | "." | "..") || part.contains(['\\', ':', '\0']);
    if path.split('/').any(outside) {
        return Err(Problem::new(
            Code::BuildPath,
            format!("{path:?} is not a path inside the bundle."),
        ));
    }
    Ok(())
}

/// Reads a document that must be exactly what `write` makes of it: then its hash says what it is.
pub(crate) fn read_canonical<T: DeserializeOwned>(
    what: &str,
    bytes: &[u8],
    max: usize,
    write: impl Fn(&T) -> Result<Vec<u8>>,
) -> Result<T> {
    let bad = |why: String| Problem::new(Code::TrustFormat, format!("{what}: {why}"));
    let value = strict::parse(bytes, max).map_err(|e| bad(e.to_string()))?;
    let form = canonical::to_vec(&value).map_err(|e| bad(e.to_string()))?;
    let read: T = serde_json::from_value(value).map_err(|e| bad(e.to_string()))?;
    let written = write(&read).map_err(|p| bad(p.message))?;
    if written != bytes || form != bytes {
        return Err(bad("not in canonical form".into()));
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_commit_message_becomes_one_line() {
        assert_eq!(
            one_line("Fix  sync\n\n- a\t\u{202e}b", 100),
            "Fix sync - a b"
        );
        assert_eq!(one_line("cafe\u{301}", 10), "café");
        assert_eq!(one_line("one two three", 5), "one…");
    }

    proptest! {
        #[test]
        fn whatever_one_line_makes_can_be_signed(text in "\\PC{0,40}|[\\s\\S]{0,40}", max in 1_usize..30) {
            let line = one_line(&text, max);
            prop_assert!(line.chars().count() <= max);
            prop_assert!(line.is_empty() || check_text("x", &line, max).is_ok());
            prop_assert!(canonical::serialize(&line).is_ok());
        }
    }
}
