//! The admin listener of an update server, asked over HTTP. What it answers is counted, not signed: it is checked for
//! size and shape, and nothing but figures is ever made of it.

use std::time::Duration;

use headgate_core::status::{Answer, Cell, InstallReport, StatusPage};
use headgate_core::{Code, Problem, Result};
use reqwest::header::{self, HeaderValue};
use reqwest::{Client, Method, Response, StatusCode, Url, redirect};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

/// Largest answer that is read, bytes.
const MAX_ANSWER: usize = 16 << 20;
/// For the connection.
const CONNECT: Duration = Duration::from_secs(5);
/// For a whole answer.
const WHOLE: Duration = Duration::from_secs(20);
/// Longest token.
const MAX_TOKEN: usize = 512;
/// Longest install id.
const MAX_INSTALL: usize = 64;
/// Longest text in an answer: a native version, an attempt, a reason, a plugin version.
const MAX_TEXT: usize = 200;
/// Most reasons of one cell, and most events of one install.
const MAX_LIST: usize = 1_000;
/// Most installs that can be meant by a count.
const MAX_COUNT: u64 = 1 << 40;
/// Most channels of a workspace.
const MAX_CHANNELS: usize = 10_000;

/// An update server's admin listener with its token. `Debug` does not show the token.
pub(crate) struct Admin {
    base: Url,
    token: Zeroizing<String>,
    client: Client,
}

impl std::fmt::Debug for Admin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Admin({})", self.base)
    }
}

/// Reads the address of an admin listener; gives it without a slash at the end.
///
/// # Errors
/// `server.address`.
pub(crate) fn address(text: &str) -> Result<Url> {
    let bad = |why: &str| {
        let what = format!("The address of the update server {why}.");
        Problem::new(Code::ServerAddress, what).field("url")
    };
    let mut url = Url::parse(text.trim()).map_err(|_| bad("cannot be read"))?;
    let https = match url.scheme() {
        "https" => true,
        "http" => false,
        _ => return Err(bad("begins with neither http:// nor https://")),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("holds a user or password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(bad("holds a query or fragment"));
    }
    let host = url.host_str().unwrap_or_default();
    let here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    if !https && !here {
        return Err(bad("would send the token unencrypted over the network")
            .remedy("Use https, or a tunnel to 127.0.0.1."));
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

impl Admin {
    /// A server at an address that [`address`] read. Nothing is asked yet.
    ///
    /// # Errors
    /// `server.refused` for what cannot be a token; `server.unreachable` when TLS cannot be set up.
    pub(crate) fn new(base: Url, token: Zeroizing<String>) -> Result<Self> {
        let plain = |b: u8| b.is_ascii_graphic();
        if !(1..=MAX_TOKEN).contains(&token.len()) || !token.bytes().all(plain) {
            let what = "The admin token has characters that a token cannot have, or none.";
            return Err(Problem::new(Code::ServerRefused, what).field("token"));
        }
        let mut builder = Client::builder()
            .user_agent(concat!("headgate/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .timeout(WHOLE)
            // A redirect would take the token along.
            .redirect(redirect::Policy::none());
        if base.scheme() == "http" {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| {
            let what = "The network client could not start.";
            Problem::new(Code::ServerUnreachable, what).detail(error)
        })?;
        Ok(Self {
            base,
            token,
            client,
        })
    }

    /// A page of what changed after a cursor.
    ///
    /// # Errors
    /// `server.*`.
    pub(crate) async fn status(&self, app: &str, after: u64, limit: usize) -> Result<StatusPage> {
        let query = [("after", after.to_string()), ("limit", limit.to_string())];
        let response = self.send(Method::GET, &["status", app], &query).await?;
        if response.status() == StatusCode::NOT_FOUND {
            let what = format!("The server at {} does not know {app}.", self.base);
            return Err(Problem::new(Code::ServerUnknown, what));
        }
        let page: StatusPage = self.read(response).await?;
        check_page(&page, after, limit).map_err(|why| self.malformed(why))?;
        Ok(page)
    }

    /// All that it knows of an install of an app.
    ///
    /// # Errors
    /// `server.*`; `usage.argument` for what is no install id.
    pub(crate) async fn install(&self, app: &str, id: &str) -> Result<Vec<InstallReport>> {
        let id = id.trim();
        if id.is_empty() || id.len() > MAX_INSTALL || id.chars().any(char::is_control) {
            let what = format!("An install id has 1 to {MAX_INSTALL} characters.");
            return Err(Problem::new(Code::UsageArgument, what).field("install"));
        }
        let query = [("app", app.to_owned())];
        let response = self.send(Method::GET, &["installs", id], &query).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(Vec::new());
        }
        let reports: Vec<InstallReport> = self.read(response).await?;
        if reports.len() > MAX_LIST {
            return Err(self.malformed("it lists too many installs"));
        }
        for report in &reports {
            check_report(report).map_err(|why| self.malformed(why))?;
        }
        Ok(reports)
    }

    /// Asks it to read the registry now.
    ///
    /// # Errors
    /// `server.*`.
    pub(crate) async fn nudge(&self, app: &str) -> Result<()> {
        let response = self.send(Method::POST, &["nudge", app], &[]).await?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        Err(self.unexpected(status))
    }

    async fn send(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<Response> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| Problem::new(Code::ServerAddress, "The address has no path."))?
            .pop_if_empty()
            .extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", self.token.as_str()))
            .map_err(|_| Problem::new(Code::ServerRefused, "The admin token cannot be sent."))?;
        bearer.set_sensitive(true);
        let sent = self
            .client
            .request(method, url)
            .header(header::AUTHORIZATION, bearer)
            .header(header::ACCEPT, "application/json")
            .send()
            .await;
        sent.map_err(|error| self.unreachable(&error))
    }

    async fn read<T: DeserializeOwned>(&self, mut response: Response) -> Result<T> {
        if response.status() != StatusCode::OK {
            return Err(self.unexpected(response.status()));
        }
        let mut bytes = Vec::new();
        loop {
            let piece = response.chunk().await.map_err(|e| self.unreachable(&e))?;
            let Some(piece) = piece else { break };
            if bytes.len() + piece.len() > MAX_ANSWER {
                return Err(self.malformed("it is too large"));
            }
            bytes.extend_from_slice(&piece);
        }
        serde_json::from_slice(&bytes).map_err(|error| {
            self.malformed("it has another shape").detail(format!(
                "line {}, column {}",
                error.line(),
                error.column()
            ))
        })
    }

    fn unreachable(&self, error: &reqwest::Error) -> Problem {
        let why = if error.is_timeout() {
            "did not answer in time"
        } else {
            "cannot be reached"
        };
        let what = format!("The update server at {} {why}.", self.base);
        Problem::new(Code::ServerUnreachable, what).detail(error)
    }

    fn unexpected(&self, status: StatusCode) -> Problem {
        let code = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Code::ServerRefused,
            StatusCode::NOT_FOUND => Code::ServerUnknown,
            s if s.is_server_error() || s == StatusCode::TOO_MANY_REQUESTS => {
                Code::ServerUnreachable
            }
            _ => Code::ServerMalformed,
        };
        let base = &self.base;
        let what = match code {
            Code::ServerRefused => format!("The update server at {base} refuses the admin token."),
            _ => format!("The update server at {base} answered {status}."),
        };
        Problem::new(code, what)
    }

    fn malformed(&self, why: &str) -> Problem {
        let what = format!(
            "The answer of the update server at {} cannot be used: {why}.",
            self.base
        );
        Problem::new(Code::ServerMalformed, what)
    }
}

type Why = &'static str;

fn short(text: &str) -> Result<(), Why> {
    let fits = text.len() <= MAX_TEXT && !text.chars().any(char::is_control);
    fits.then_some(()).ok_or("a text in it is too long")
}

fn sane(count: u64) -> Result<(), Why> {
    (count <= MAX_COUNT)
        .then_some(())
        .ok_or("a count in it is out of range")
}

fn check_page(page: &StatusPage, after: u64, limit: usize) -> Result<(), Why> {
    short(&page.epoch)?;
    if page.epoch.is_empty() {
        return Err("it does not say which database it comes from");
    }
    if page.cells.len() > limit || page.channels.len() > MAX_CHANNELS {
        return Err("it holds more than was asked for");
    }
    if i64::try_from(page.next).is_err() || (page.more && page.next == after) {
        return Err("its cursor does not move");
    }
    if let Some(url) = &page.public_url {
        short(url)?;
    }
    for cell in &page.cells {
        check_cell(cell)?;
    }
    for status in &page.channels {
        for text in [&status.attempt, &status.withheld].into_iter().flatten() {
            short(text)?;
        }
        if status.risky.len() > MAX_LIST {
            return Err("it holds more than was asked for");
        }
        for (client, installs) in &status.risky {
            short(client)?;
            sane(*installs)?;
        }
        if let Some(gate) = &status.gate {
            short(&gate.attempt)?;
            sane(gate.sample)?;
            sane(gate.failures)?;
        }
    }
    Ok(())
}

fn check_cell(cell: &Cell) -> Result<(), Why> {
    match cell {
        Cell::Active(c) => short(&c.place.native).and_then(|()| sane(c.installs)),
        Cell::Daily(c) => sane(c.installs),
        Cell::Outcome(c) => {
            short(&c.place.native)?;
            short(&c.attempt)?;
            if c.reasons.len() > MAX_LIST {
                return Err("a cell holds too many reasons");
            }
            c.reasons.keys().try_for_each(|r| short(r))?;
            c.states
                .values()
                .chain(c.reasons.values())
                .try_for_each(|n| sane(*n))
        }
        Cell::Minute(c) => {
            short(&c.attempt)?;
            sane(c.confirmed)?;
            sane(c.rolled_back)
        }
    }
}

fn check_report(report: &InstallReport) -> Result<(), Why> {
    short(&report.install)?;
    short(&report.place.native)?;
    report.plugin.as_deref().map_or(Ok(()), short)?;
    if report.events.len() > MAX_LIST {
        return Err("it lists too many events");
    }
    for event in &report.events {
        short(&event.attempt)?;
        event.reason.as_deref().map_or(Ok(()), short)?;
    }
    let Answer {
        offer, why, trace, ..
    } = &report.offer;
    short(offer)?;
    why.as_deref().map_or(Ok(()), short)?;
    if trace.len() > MAX_LIST {
        return Err("an offer in it has too long a trace");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_no_secret_and_a_token_is_not_sent_in_clear() {
        for (text, kept) in [
            ("http://127.0.0.1:8081/", "http://127.0.0.1:8081/"),
            (
                " https://admin.acme.example/ota/ ",
                "https://admin.acme.example/ota",
            ),
            ("http://localhost:1", "http://localhost:1/"),
            ("http://[::1]:1", "http://[::1]:1/"),
        ] {
            assert_eq!(address(text).unwrap().as_str(), kept);
        }
        for bad in [
            "",
            "127.0.0.1:8081",
            "ftp://a/",
            "https://user@a/",
            "https://user:secret@a/",
            "https://a/?token=secret",
            "https://a/#secret",
            "http://10.0.0.1/",
            "http://127.0.0.1.evil.example/",
        ] {
            let problem = address(bad).unwrap_err();
            assert_eq!(problem.code, Code::ServerAddress, "{bad}");
            assert!(!format!("{problem:?}").contains("secret"), "{bad}");
        }
    }

    #[test]
    fn what_cannot_be_a_token_is_refused_and_never_shown() {
        let base = || address("http://127.0.0.1:1").unwrap();
        for bad in ["", "two words", "line\nbreak", "ümlaut", &"x".repeat(513)] {
            let token = Zeroizing::new(bad.to_owned());
            let problem = Admin::new(base(), token).unwrap_err();
            assert_eq!(problem.code, Code::ServerRefused);
        }
        let admin = Admin::new(base(), Zeroizing::new("hunter2".into())).unwrap();
        assert!(!format!("{admin:?}").contains("hunter2"));
    }
}
