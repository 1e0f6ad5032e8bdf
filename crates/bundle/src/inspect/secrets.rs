//! Keys and tokens in text, found while it streams by.

use super::findings::{BROWSER_KEY, PRIVATE_KEY, Rule, TOKEN};

/// A match is judged with this much text behind it; no token is longer.
pub(super) const LOOKAHEAD: usize = 512;

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

const SHAPES: [Shape; 17] = [
    Shape("AKIA", "AWS access key id", 16, 16, upper),
    Shape("ASIA", "AWS temporary access key id", 16, 16, upper),
    Shape("AIza", GOOGLE, 35, 35, url),
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
    Shape(AGE, "age private key", 58, 58, upper),
];
const GOOGLE: &str = "Google API key";
const AGE: &str = "AGE-SECRET-KEY-1";

/// Secrets without a prefix of their own, known by what they are assigned to: name, what it is, and
/// least and most characters.
const ASSIGNED: [(&str, &str, usize, usize); 6] = [
    ("secretAccessKey", "AWS secret access key", 40, 40),
    ("secret_access_key", "AWS secret access key", 40, 40),
    ("SECRET_ACCESS_KEY", "AWS secret access key", 40, 40),
    ("JWT_SECRET", "JWT signing secret", 16, 255),
    ("jwt_secret", "JWT signing secret", 16, 255),
    ("jwtSecret", "JWT signing secret", 16, 255),
];
const PEM: &str = "-----BEGIN ";
/// A header alone stands in every library that reads keys; a key has a body.
const PEM_BODY: usize = 40;

/// What secrets begin with, or stand behind.
pub(super) fn prefixes() -> impl Iterator<Item = &'static str> {
    let names = ASSIGNED.iter().map(|a| a.0);
    SHAPES.iter().map(|s| s.0).chain(names).chain([PEM])
}

/// Whether what begins with prefix number `n` is a secret, and how it may be named: never whole.
pub(super) fn judge(
    n: usize,
    previous: Option<u8>,
    text: &[u8],
) -> Option<(&'static Rule, String)> {
    let Some(shape) = SHAPES.get(n) else {
        return match ASSIGNED.get(n - SHAPES.len()) {
            Some(assigned) => Some((&TOKEN, assignment(assigned, text)?)),
            None => Some((&PRIVATE_KEY, pem(&text[PEM.len()..])?)),
        };
    };
    let Shape(prefix, what, least, most, belongs) = shape;
    if previous.is_some_and(word) {
        return None;
    }
    let rest = &text[prefix.len()..];
    let len = rest.iter().take_while(|b| belongs(**b)).count();
    let whole = &rest[..len];
    if len < *least || len > *most || !random(whole) {
        return None;
    }
    Some(match *prefix {
        AGE => (&PRIVATE_KEY, (*what).to_owned()),
        prefix => {
            let rule = if *what == GOOGLE {
                &BROWSER_KEY
            } else {
                &TOKEN
            };
            (rule, format!("{what} {prefix}{}", in_part(whole)))
        }
    })
}

/// Words in code look like tokens; tokens hold digits, and not one character again and again.
fn random(token: &[u8]) -> bool {
    token.iter().any(u8::is_ascii_digit) && token.iter().any(|b| *b != token[0])
}

fn in_part(token: &[u8]) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}…{}", text(&token[..3]), text(&token[token.len() - 2..]))
}

/// `name = "value"` in any notation. What a library computes with stands without quotes and digits.
fn assignment(assigned: &(&str, &str, usize, usize), text: &[u8]) -> Option<String> {
    let (name, what, least, most) = assigned;
    let rest = &text[name.len()..];
    let glue = |b: &&u8| {
        matches!(
            **b,
            b'"' | b'\'' | b'`' | b' ' | b'\t' | b'=' | b':' | b'\\'
        )
    };
    let start = rest.iter().take_while(glue).count();
    let assigns = rest[..start].iter().any(|b| matches!(b, b'=' | b':'));
    let value = &rest[start..];
    let len = value
        .iter()
        .take_while(|b| base64(**b) || matches!(**b, b'_' | b'-'))
        .count();
    let value = &value[..len];
    let fits = assigns && start <= 8 && (*least..=*most).contains(&len) && random(value);
    // An upper and a lower case letter and a digit: what is made by chance has all three.
    let mixed =
        value.iter().any(u8::is_ascii_uppercase) && value.iter().any(u8::is_ascii_lowercase);
    let hex = len >= 32 && value.iter().all(u8::is_ascii_hexdigit);
    (fits && (mixed || hex)).then(|| format!("{what} {}", in_part(value)))
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
    use super::super::scanner::What;
    use super::super::scanner::tests::in_blocks;
    use super::*;

    /// Titles and lines.
    fn all(text: &[u8], block: usize) -> Vec<(String, u32)> {
        let hits = in_blocks(text, block).into_iter();
        hits.map(|hit| match hit.what {
            What::Secret(_, title) => (title, hit.line),
            other => panic!("{other:?}"),
        })
        .collect()
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
            assert_eq!(found, [(title.to_owned(), 3)]);
            assert!(!found[0].0.contains(&token));
        }
    }

    #[test]
    fn a_token_is_found_once_wherever_the_blocks_are_cut() {
        let (token, _) = &samples()[0];
        let text = format!("{}\n\"{token}\"\n{}", "x".repeat(700), "y".repeat(900));
        for block in [1, 7, 511, 512, 513, 700, 710, 1000, 4096] {
            let found = all(text.as_bytes(), block);
            assert_eq!(found.len(), 1, "block {block}");
            assert_eq!(found[0].1, 2, "block {block}");
        }
    }

    #[test]
    fn private_keys_need_a_body() {
        let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7".to_owned();
        let key =
            |label: &str, line_end: &str| format!("{PEM}{label}-----{line_end}{body}{line_end}");
        assert_eq!(
            all(key("PRIVATE KEY", "\n").as_bytes(), 999)[0].0,
            "private key"
        );
        let rsa = all(key("RSA PRIVATE KEY", "\\n").as_bytes(), 999);
        assert_eq!(rsa[0].0, "RSA private key");
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

    #[test]
    fn secrets_are_known_by_what_they_are_assigned_to() {
        let aws = format!("wJalrXUtnFEMI{}", "/K7MDENG/bPxRfiCYzz1234567q");
        let hex = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
        for text in [
            format!("AWS_SECRET_ACCESS_KEY={aws}\n"),
            format!("secretAccessKey:\"{aws}\""),
            format!("\\\"secret_access_key\\\": \\\"{aws}\\\""),
            format!("JWT_SECRET = '{hex}'"),
            format!("jwtSecret:`{aws}`"),
        ] {
            let found = all(text.as_bytes(), 999);
            assert_eq!(found.len(), 1, "{text}");
            assert!(!found[0].0.contains(&aws) && !found[0].0.contains(hex));
        }
        for text in [
            "secretAccessKey:e.secretAccessKey,sessionToken:t.sessionTokenOfThisOne1",
            "config.secretAccessKey=getSecretAccessKeyFromEnvironmentVariable1A",
            "JWT_SECRET:\"your-very-own-secret-goes-here\"",
            "process.env.JWT_SECRET||fallbackSecretNumber1Of3",
            "secretAccessKey:\"wJalrXUtnFEMI0\"",
            "JWT_SECRET",
        ] {
            assert!(all(text.as_bytes(), 999).is_empty(), "{text}");
        }
    }
}
