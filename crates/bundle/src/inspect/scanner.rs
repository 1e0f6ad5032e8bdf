//! One pass over a text, block after block: keys, tokens, and where its source map is.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::findings::Rule;
use super::secrets::{self, LOOKAHEAD};

/// What was found, and in which line, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) line: u32,
    pub(super) what: What,
}

#[derive(Debug, Clone)]
pub(super) enum What {
    /// A secret, shown in part only.
    Secret(&'static Rule, String),
    /// A source map in the file itself.
    InlineMap,
    /// The address of a source map, as it is written.
    MapAt(String),
}

impl PartialEq for What {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Secret(a, x), Self::Secret(b, y)) => a.code == b.code && x == y,
            (Self::InlineMap, Self::InlineMap) => true,
            (Self::MapAt(x), Self::MapAt(y)) => x == y,
            _ => false,
        }
    }
}

impl Eq for What {}

/// ECMA-426: the comment that names a source map, in scripts and in style sheets.
const MAP_COMMENTS: [&str; 4] = [
    "//# sourceMappingURL=",
    "//@ sourceMappingURL=",
    "/*# sourceMappingURL=",
    "/*@ sourceMappingURL=",
];
/// Base64 of a map that is worth the name.
const INLINE_MAP: usize = 40;

static PREFIXES: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostFirst)
        .build(MAP_COMMENTS.into_iter().chain(secrets::prefixes()))
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
    pub(super) fn scan(&mut self, text: &[u8], last: bool, found: &mut Vec<Hit>) -> usize {
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
            let pattern = m.pattern().as_usize();
            let what = match pattern.checked_sub(MAP_COMMENTS.len()) {
                Some(n) => secrets::judge(n, previous, &text[m.start()..])
                    .map(|(rule, title)| What::Secret(rule, title)),
                None => source_map(previous, &text[m.end()..]),
            };
            let Some(what) = what else {
                continue;
            };
            line += newlines(&text[counted..m.start()]);
            counted = m.start();
            found.push(Hit {
                line: line + 1,
                what,
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

/// Compilers and style loaders carry the comment in a string: there it stands behind a quote, or what
/// follows is put together at run time.
fn source_map(previous: Option<u8>, rest: &[u8]) -> Option<What> {
    if previous.is_some_and(|b| matches!(b, b'"' | b'\'' | b'`' | b'\\')) {
        return None;
    }
    let rest = &rest[..rest.len().min(LOOKAHEAD - MAP_COMMENTS[0].len())];
    if let Some(data) = rest.strip_prefix(b"data:") {
        let comma = data.iter().take(100).position(|b| *b == b',')?;
        let body = &data[comma + 1..];
        let base64 = |b: &&u8| b.is_ascii_alphanumeric() || matches!(**b, b'+' | b'/');
        let long = body.iter().take_while(base64).count() >= INLINE_MAP;
        let encoded = data[..comma].ends_with(b";base64") && long;
        let plain = body.starts_with(b"%7B") || body.starts_with(b"{");
        return (encoded || plain).then_some(What::InlineMap);
    }
    let ends = |b: &u8| b.is_ascii_whitespace() || *b == b'*';
    let len = rest.iter().position(ends).unwrap_or(rest.len());
    let address = std::str::from_utf8(&rest[..len]).ok()?;
    let plain = |c: char| c.is_alphanumeric() || "-._~/%@+?=&:#[]!,".contains(c);
    (!address.is_empty() && address.chars().all(plain)).then(|| What::MapAt(address.to_owned()))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn in_blocks(text: &[u8], block: usize) -> Vec<Hit> {
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

    fn maps(text: &str) -> Vec<What> {
        let mut blocks: Vec<Vec<Hit>> = [1, 13, 600, 1 << 20]
            .iter()
            .map(|block| in_blocks(text.as_bytes(), *block))
            .collect();
        blocks.dedup();
        assert_eq!(blocks.len(), 1, "blocks decide: {text}");
        blocks.remove(0).into_iter().map(|hit| hit.what).collect()
    }

    #[test]
    fn the_address_of_a_source_map_is_found() {
        for (text, address) in [
            ("x()\n//# sourceMappingURL=a.js.map", "a.js.map"),
            (
                "x()\n//@ sourceMappingURL=../a.js.map?v=1\n",
                "../a.js.map?v=1",
            ),
            ("a{}/*# sourceMappingURL=a.css.map */", "a.css.map"),
            (
                "//# sourceMappingURL=https://maps.example/a.map\r\n",
                "https://maps.example/a.map",
            ),
        ] {
            assert_eq!(maps(text), [What::MapAt(address.into())], "{text}");
        }
    }

    #[test]
    fn a_source_map_in_the_file_is_found() {
        let body = "eyJ2ZXJzaW9uIjozLCJzb3VyY2VzIjpbXSwibmFtZXMiOltdfQ";
        for start in ["//# ", "/*# "] {
            let kind = "application/json;charset=utf-8";
            let text = format!("x\n{start}sourceMappingURL=data:{kind};base64,{body}");
            assert_eq!(maps(&text), [What::InlineMap]);
        }
        let text = "//# sourceMappingURL=data:application/json,%7B%22version%22:3%7D";
        assert_eq!(maps(text), [What::InlineMap]);
    }

    #[test]
    fn code_that_writes_such_comments_is_not_taken_for_one() {
        for text in [
            "w.writeComment(`//# sourceMappingURL=${r}`)",
            "s='\\n//# sourceMappingURL='+u",
            "a=\"/*# sourceMappingURL=data:application/json;base64,\"+btoa(m)",
            "e.replace(/^\\/\\*\\s*# sourceMappingURL=/,``)",
            "x //# sourceMappingURL=${url}",
            "x //# sourceMappingURL=",
            "x //# sourceMappingURL=data:application/json;base64,${m}",
        ] {
            assert!(maps(text).is_empty(), "{text}");
        }
    }
}
