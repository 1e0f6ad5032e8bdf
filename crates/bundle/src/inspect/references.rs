//! What `index.html` refers to. A small reader for `src` and `href`, not an HTML parser: it decides
//! nothing, it only warns.

/// A reference and its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) target: Target,
    pub(super) line: u32,
}

/// Where a reference leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// A path in the bundle.
    Local(String),
    /// The host of another server.
    External(String),
}

/// All references of elements that load something (links to pages, `<a href>`, are left alone).
pub(super) fn find(html: &str) -> Vec<Reference> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(open) = html[at..].find('<').map(|i| at + i) {
        let rest = &html[open..];
        if rest.starts_with("<!--") {
            at = rest.find("-->").map_or(html.len(), |i| open + i + 3);
            continue;
        }
        let end = tag_end(rest).map_or(html.len(), |i| open + i);
        let tag = &html[open + 1..end];
        let name_len = tag
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(tag.len());
        let name = tag[..name_len].to_ascii_lowercase();
        let line = 1 + html[..open].matches('\n').count();
        if !matches!(name.as_str(), "a" | "area" | "base" | "") {
            let values = attributes(&tag[name_len..])
                .filter(|(key, _)| matches!(key.as_str(), "src" | "href"));
            found.extend(values.filter_map(|(_, value)| {
                Some(Reference {
                    target: target(value)?,
                    line: u32::try_from(line).unwrap_or(u32::MAX),
                })
            }));
        }
        at = match name.as_str() {
            // Their content is no markup.
            "script" | "style" => closing(html, end, &name),
            _ => (end + 1).min(html.len()),
        };
    }
    found
}

/// The `>` that ends a tag, quotes aside.
fn tag_end(tag: &str) -> Option<usize> {
    let mut quote = None;
    tag.bytes().position(|b| match (quote, b) {
        (None, b'>') => true,
        (None, b'"' | b'\'') => {
            quote = Some(b);
            false
        }
        (Some(q), b) if q == b => {
            quote = None;
            false
        }
        _ => false,
    })
}

fn closing(html: &str, from: usize, name: &str) -> usize {
    let end = format!("</{name}");
    let rest = html.as_bytes().get(from..).unwrap_or_default();
    rest.windows(end.len())
        .position(|w| w.eq_ignore_ascii_case(end.as_bytes()))
        .map_or(html.len(), |i| from + i)
}

fn attributes(mut text: &str) -> impl Iterator<Item = (String, &str)> {
    std::iter::from_fn(move || {
        loop {
            text = text.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
            if text.is_empty() {
                return None;
            }
            let end = text.find(|c: char| c == '=' || c.is_ascii_whitespace());
            let (key, rest) = text.split_at(end.unwrap_or(text.len()));
            let rest = rest.trim_start();
            let Some(value) = rest.strip_prefix('=').map(str::trim_start) else {
                text = rest;
                continue;
            };
            let quoted = value.chars().next().filter(|c| matches!(c, '"' | '\''));
            let (value, rest) = match quoted {
                Some(quote) => value[1..].split_once(quote).unwrap_or((&value[1..], "")),
                None => {
                    let end = value.find(|c: char| c.is_ascii_whitespace());
                    value.split_at(end.unwrap_or(value.len()))
                }
            };
            text = rest;
            return Some((key.to_ascii_lowercase(), value));
        }
    })
}

fn target(value: &str) -> Option<Target> {
    let value = value.trim();
    if let Some((scheme, rest)) = value.split_once(':')
        && !scheme.contains(['/', '?', '#', '.'])
    {
        let web = matches!(
            scheme.to_ascii_lowercase().as_str(),
            "http" | "https" | "ws" | "wss"
        );
        return web.then(|| external(rest));
    }
    if value.starts_with("//") {
        return Some(external(value));
    }
    let path = value.split(['?', '#']).next().unwrap_or_default();
    let mut parts: Vec<String> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(decode(part)),
        }
    }
    let path = parts.join("/");
    (!path.is_empty()).then_some(Target::Local(path))
}

/// Where an address leads that stands in another file than the page.
pub(super) fn beside(file: &str, address: &str) -> Option<Target> {
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    if address.starts_with('/') || folder.is_empty() {
        return target(address);
    }
    match target(address)? {
        // As a path first, so that `..` finds the folder that it leaves.
        Target::Local(_) => target(&format!("{folder}/{address}")),
        external => Some(external),
    }
}

fn external(rest: &str) -> Target {
    let host = rest.trim_start_matches('/');
    let host = host.split(['/', '?', '#']).next().unwrap_or_default();
    Target::External(host.rsplit('@').next().unwrap_or(host).to_owned())
}

/// Percent-decoding; what is not valid stays as it is.
fn decode(part: &str) -> String {
    let bytes = part.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = (bytes[at] == b'%')
            .then(|| part.get(at + 1..at + 3))
            .flatten()
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(code.unwrap_or(bytes[at]));
        at += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8(out).unwrap_or_else(|_| part.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_of_loading_elements_are_found_with_their_line() {
        let html = "<!doctype html>\n<base href=\"/\">\n<link rel=stylesheet href=./a%20b.css?v=1>\n\
            <!-- <img src=\"no.png\"> -->\n<script src='/main.js' defer></script>\n\
            <script>x = '<img src=\"no.png\">'</script><a href=\"page\">p</a>\n\
            <IMG SRC=\"data:image/png;base64,AA\"><img src=\"//cdn.example/x.png\" alt=\"a > b\">\
            <img src=\"../up/./y.svg#id\"><link href=\"https://u@fonts.example/css\">";
        let found: Vec<(Target, u32)> =
            find(html).into_iter().map(|r| (r.target, r.line)).collect();
        let local = |path: &str| Target::Local(path.into());
        let external = |host: &str| Target::External(host.into());
        assert_eq!(
            found,
            [
                (local("a b.css"), 3),
                (local("main.js"), 5),
                (external("cdn.example"), 7),
                (local("up/y.svg"), 7),
                (external("fonts.example"), 7),
            ]
        );
    }

    #[test]
    fn broken_markup_ends() {
        for html in [
            "<",
            "<img src=",
            "<img src=\"x",
            "<script>",
            "<!--",
            "<a/><é src=ü>",
            "<img =x>",
            "< =",
        ] {
            find(html);
        }
    }
}
