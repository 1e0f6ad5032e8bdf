//! Keys and tokens in text, found while it streams by.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::findings::{PRIVATE_KEY, Rule, TOKEN};

/// A match is judged with this much text behind it; no token is longer.
pub(super) const LOOKAHEAD: usize = 512;

/// A secret, shown in part only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Secret {
    pub(super) title: String,
    pub(super) line: u32,
    pub(super) is_key: bool,
}

impl Secret {
    pub(super) fn rule(&self) -> &'static Rule {
        if self.is_key { &PRIVATE_KEY } else { &TOKEN }
    }
}

/// Prefix, what it is, least and most characters after it, and which ones.
struct Shape(&'static str, &'static str, usize, usize, fn(u8) -> bool);

fn upper(b: u8) -> bool {
    b.is_ascii_uppercase() || b.is_ascii_digit()
}

fn alnum(b: u8) -> bool {
    b.is_ascii_alphanumeric()
}

fn word(b: u8) -> bool {
    alnum(b) || b == b'_'
}

fn dashed(b: u8) -> bool {
    alnum(b) || b == b'-'
}

fn url(b: u8) -> bool {
    word(b) || b == b'-'
}

fn base64(b: u8) -> bool {
    alnum(b) || matches!(b, b'+' | b'/' | b'=')
}

const SHAPES: [Shape; 18] = [
    Shape("AKIA", "AWS access key id", 16, 16, upper),
    Shape("ASIA", "AWS temporary access key id", 16, 16, upper),
    Shape("AIza", "Google API key", 35, 35, url),
    Shape("ghp_", "GitHub token", 36, 255, alnum),
    Shape("gho_", "GitHub token", 36, 255, alnum),
    Shape("ghu_", "GitHub token", 36, 255, alnum),
    Shape("ghs_", "GitHub token", 36, 255, alnum),
    Shape("ghr_", "GitHub token", 36, 255, alnum),
    Shape("github_pat_", "GitHub token", 40, 255, word),
    Shape("xoxb-", "Slack token", 20, 255, dashed),
    Shape("xoxp-", "Slack token", 20, 255, dashed),
    Shape("xoxa-", "Slack token", 20, 255, dashed),
    Shape("xoxr-", "Slack token", 20, 255, dashed),
    Shape("xoxs-", "Slack token", 20, 255, dashed),
    Shape("sk_live_", "Stripe live key", 16, 255, alnum),
    Shape("rk_live_", "Stripe live key", 16, 255, alnum),
    Shape("AGE-SECRET-KEY-1", "age private key", 58, 58, upper),
    Shape(PEM, "", 0, 0, base64),
];
const PEM: &str = "-----BEGIN ";
/// A header alone stands in every library that reads keys; a key has a body.
const PEM_BODY: usize = 40;

static PREFIXES: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostFirst)
        .build(SHAPES.iter().map(|s| s.0))
        .ok()
});

/// Searches one file, block after block.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    /// Lines before the current block.
    lines: u32,
    /// The byte before the current block.
    before: Option<u8>,
}

impl Scanner {
    /// Searches `text`. Unless it is the `last` block, what begins in its last [`LOOKAHEAD`] bytes is
    /// left for the next one. Gives how much is done with.
    pub(super) fn scan(&mut self, text: &[u8], last: bool, found: &mut Vec<Secret>) -> usize {
        let done = if last {
            text.len()
        } else {
            text.len().saturating_sub(LOOKAHEAD)
        };
        let (mut counted, mut line) = (0, self.lines);
        let matches = PREFIXES.iter().flat_map(|p| p.find_iter(text));
        for m in matches.take_while(|m| m.start() < done) {
            let previous = match m.start() {
                0 => self.before,
                at => Some(text[at - 1]),
            };
            let shape = &SHAPES[m.pattern().as_usize()];
            let Some(title) = judge(shape, previous, &text[m.start()..]) else {
                continue;
            };
            line += newlines(&text[counted..m.start()]);
            counted = m.start();
            found.push(Secret {
                is_key: title.ends_with("private key"),
                title,
                line: line + 1,
            });
        }
        self.lines = line + newlines(&text[counted..done]);
        self.before = done.checked_sub(1).map(|at| text[at]).or(self.before);
        done
    }
}

fn newlines(text: &[u8]) -> u32 {
    let count = text.iter().filter(|b| **b == b'\n').count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Whether it is a secret, and how it may be named.
fn judge(shape: &Shape, previous: Option<u8>, text: &[u8]) -> Option<String> {
    let Shape(prefix, what, least, most, belongs) = shape;
    let rest = &text[prefix.len()..];
    if *prefix == PEM {
        return pem(rest);
    }
    if previous.is_some_and(word) {
        return None;
    }
    let len = rest.iter().take_while(|b| belongs(**b)).count();
    let whole = &rest[..len];
    let many = |test: fn(&u8) -> bool| whole.iter().any(test);
    // Words in code look like tokens; tokens hold digits, and not one character again and again.
    let random = many(u8::is_ascii_digit) && whole.iter().any(|b| *b != whole[0]);
    if len < *least || len > *most || !random {
        return None;
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (start, end) = (text(&whole[..3]), text(&whole[len - 2..]));
    Some(match *what {
        "age private key" => "age private key".to_owned(),
        what => format!("{what} {prefix}{start}…{end}"),
    })
}

fn pem(rest: &[u8]) -> Option<String> {
    let rest = &rest[..rest.len().min(LOOKAHEAD - PEM.len())];
    let end = rest.windows(5).position(|w| w == b"-----")?;
    let label = std::str::from_utf8(&rest[..end]).ok()?;
    let known = ["PRIVATE KEY", "PGP PRIVATE KEY BLOCK"];
    if label.len() > 40 || !known.iter().any(|k| label.ends_with(k)) {
        return None;
    }
    // Line ends may be real ones, or escaped in a string.
    let mut body = 0;
    let mut bytes = rest[end + 5..].iter().peekable();
    while let Some(b) = bytes.next() {
        match b {
            b'\\' => {
                bytes.next_if(|next| matches!(next, b'n' | b'r'));
            }
            b if b.is_ascii_whitespace() => {}
            b if base64(*b) => body += 1,
            _ => break,
        }
    }
    (body >= PEM_BODY).then(|| {
        let kind = label.split(' ').next().filter(|k| *k != "PRIVATE");
        kind.map_or("private key".to_owned(), |k| format!("{k} private key"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &[u8], block: usize) -> Vec<Secret> {
        let mut scanner = Scanner::default();
        let mut found = Vec::new();
        let mut held: Vec<u8> = Vec::new();
        let mut chunks = text.chunks(block).peekable();
        while let Some(chunk) = chunks.next() {
            held.extend_from_slice(chunk);
            let done = scanner.scan(&held, chunks.peek().is_none(), &mut found);
            held.drain(..done);
        }
        found
    }

    /// Put together here, so that no scanner takes this file for a leak.
    fn samples() -> Vec<(String, &'static str)> {
        let hex = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567";
        vec![
            (
                format!("AKIA{}", "IOSFODNN7EXAMPLE"),
                "AWS access key id AKIAIOS…LE",
            ),
            (
                format!("AIza{}", "SyC0a1b2c3d4e5f60718293a4b5c6d7e8q4"),
                "Google API key AIzaSyC…q4",
            ),
            (format!("ghp_{}", &hex[..36]), "GitHub token ghp_0a1…23"),
            (
                format!("github_pat_{hex}x_yz"),
                "GitHub token github_pat_0a1…yz",
            ),
            (format!("xoxb-{}", &hex[..24]), "Slack token xoxb-0a1…b5"),
            (
                format!("sk_live_{}", &hex[..24]),
                "Stripe live key sk_live_0a1…b5",
            ),
        ]
    }

    #[test]
    fn tokens_are_found_with_their_line_and_never_shown_whole() {
        for (token, title) in samples() {
            let text = format!("let a = 1;\nlet b = 2;\nconst key='{token}';\n");
            let found = all(text.as_bytes(), 1 << 20);
            assert_eq!(found.len(), 1, "{title}");
            assert_eq!((found[0].title.as_str(), found[0].line), (title, 3));
            assert!(!found[0].title.contains(&token));
        }
    }

    #[test]
    fn a_token_is_found_once_wherever_the_blocks_are_cut() {
        let (token, _) = &samples()[0];
        let text = format!("{}\n\"{token}\"\n{}", "x".repeat(700), "y".repeat(900));
        for block in [1, 7, 511, 512, 513, 700, 710, 1000, 4096] {
            let found = all(text.as_bytes(), block);
            assert_eq!(found.len(), 1, "block {block}");
            assert_eq!(found[0].line, 2, "block {block}");
        }
    }

    #[test]
    fn private_keys_need_a_body() {
        let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7".to_owned();
        let key =
            |label: &str, line_end: &str| format!("{PEM}{label}-----{line_end}{body}{line_end}");
        assert_eq!(
            all(key("PRIVATE KEY", "\n").as_bytes(), 999)[0].title,
            "private key"
        );
        let rsa = all(key("RSA PRIVATE KEY", "\\n").as_bytes(), 999);
        assert_eq!(rsa[0].title, "RSA private key");
        assert!(rsa[0].is_key);
        assert!(all(key("CERTIFICATE", "\n").as_bytes(), 999).is_empty());
        assert!(all(key("PUBLIC KEY", "\n").as_bytes(), 999).is_empty());
        let library = format!("if(x.startsWith(\"{PEM}PRIVATE KEY-----\"))return y");
        assert!(all(library.as_bytes(), 999).is_empty());
    }

    #[test]
    fn words_that_only_begin_like_tokens_are_not_tokens() {
        let zeros = format!("AKIA{}", "0".repeat(16));
        for text in [
            "AKIA",
            "xAKIAIOSFODNN7EXAMPLE",
            "AIzaShort",
            "sk_live_placeholderplaceholder",
            "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "xoxb-your-token-goes-right-here",
            &zeros,
        ] {
            assert!(all(text.as_bytes(), 999).is_empty(), "{text}");
        }
    }
}
