//! `headgate-sign`: the offline workstation for terminals. It has no network client.

mod args;
mod ask;
mod keys;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use headgate_core::{Code, Problem, Result};
use headgate_offline::cli::{self, Said};
use headgate_offline::{Entry, SignOptions, Workstation, inbox, qr};
use serde_json::json;

use args::{Cli, Command, Sign};
use ask::{open, terminal, write_private};

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(said) => {
            let mut out = std::io::stdout().lock();
            // A reader that has gone away is not an error of ours.
            let _ = match cli.json {
                true => writeln!(out, "{:#}", said.json),
                false => writeln!(out, "{}", harmless(said.text.trim_end())),
            };
            ExitCode::SUCCESS
        }
        Err(problem) => {
            fail(&problem, cli.json);
            ExitCode::from(problem.code.kind().exit_code())
        }
    }
}

fn fail(p: &Problem, json: bool) {
    let text = match json {
        true => json!({
            "code": p.code.text(), "message": p.message, "holds": p.holds, "remedy": p.remedy,
            "detail": p.detail, "field": p.field, "retryable": p.retryable(),
        })
        .to_string(),
        false => {
            let field = p
                .field
                .as_ref()
                .map(|f| format!(" ({f})"))
                .unwrap_or_default();
            format!(
                "error: {}\nholds: {}\nway out: {}\ncode: {}{field}",
                p.message, p.holds, p.remedy, p.code
            )
        }
    };
    let _ = writeln!(std::io::stderr().lock(), "{}", harmless(&text));
}

/// Names and reasons come from others: no control character of theirs reaches a terminal.
fn harmless(text: &str) -> String {
    let shown = |c: char| {
        if c.is_control() && c != '\n' {
            '\u{fffd}'
        } else {
            c
        }
    };
    text.chars().map(shown).collect()
}

fn run(cli: &Cli) -> Result<Said> {
    let workstation = Workstation::open(&home(cli)?)?;
    match &cli.command {
        Command::Setup { root, fingerprint } => setup(&workstation, root, fingerprint.as_deref()),
        Command::Roots => {
            let roots = workstation.roots()?;
            let text: String = roots.iter().map(cli::root_text).collect();
            Ok(Said {
                json: json!({ "roots": roots.iter().map(cli::root_json).collect::<Vec<_>>() }),
                text: if roots.is_empty() {
                    "No root is pinned here.".into()
                } else {
                    text
                },
            })
        }
        Command::Keys(command) => keys::run(&workstation, command),
        Command::List { folder } => list(&workstation, folder),
        Command::Show { request } => cli::show(&workstation, request),
        Command::Sign(args) => sign(&workstation, args),
        Command::Refuse {
            request,
            reason,
            by,
            output,
        } => cli::refuse(&workstation, request, reason, by, output.as_deref()),
        Command::Qr { file, output } => draw(file, output.as_deref()),
        Command::History { export } => history(&workstation, export.as_deref()),
    }
}

fn home(cli: &Cli) -> Result<PathBuf> {
    if let Some(home) = &cli.home {
        return Ok(home.clone());
    }
    let user = std::env::var_os("XDG_DATA_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|h| PathBuf::from(h).join(".local/share")))
        .or_else(|| std::env::var_os("APPDATA").map(PathBuf::from));
    user.map(|d| d.join("headgate")).ok_or_else(|| {
        Problem::new(Code::UsageArgument, "There is no home folder.")
            .remedy("Name one with --home or HEADGATE_HOME.")
            .field("home")
    })
}

fn setup(workstation: &Workstation, file: &Path, fingerprint: Option<&str>) -> Result<Said> {
    let bytes = inbox::read_chosen(file, 1 << 20)?;
    let preview = workstation.preview_root(&bytes)?;
    let typed = match fingerprint {
        Some(wanted) if wanted.to_ascii_lowercase().replace(' ', "") == preview.fingerprint => {
            preview.app.clone()
        }
        Some(_) => {
            let what = format!("The root has another fingerprint: {}.", preview.groups);
            return Err(Problem::new(Code::TrustRoot, what)
                .holds("Nothing was pinned.")
                .field("fingerprint"));
        }
        None if terminal() => {
            let _ = writeln!(std::io::stderr(), "{}", harmless(&cli::root_text(&preview)));
            let _ = writeln!(
                std::io::stderr(),
                "Compare the 12 words by voice with someone who has this root."
            );
            let _ = write!(
                std::io::stderr(),
                "When all match, type the app identifier: "
            );
            let mut line = String::new();
            std::io::stdin()
                .read_line(&mut line)
                .map_err(|e| Problem::new(Code::UsageConfirm, e.to_string()))?;
            line
        }
        None => {
            return Err(
                Problem::new(Code::UsageConfirm, "The root was not compared.")
                    .remedy("Give --fingerprint, or run in a terminal.")
                    .field("fingerprint"),
            );
        }
    };
    let pinned = workstation.pin_root(&bytes, &typed)?;
    Ok(Said {
        text: format!("{}The root is pinned.", cli::root_text(&pinned)),
        json: cli::root_json(&pinned),
    })
}

fn list(workstation: &Workstation, folder: &Path) -> Result<Said> {
    let found = workstation.requests(folder)?;
    let text: String = found
        .iter()
        .map(|f| {
            let why = f
                .problem
                .as_ref()
                .map(|p| format!(": {}", p.message))
                .unwrap_or_default();
            format!(
                "{:<10}  {}  {}  {}{why}\n",
                f.standing.text(),
                f.file,
                f.title,
                f.by
            )
        })
        .collect();
    let one = |f: &headgate_offline::Found| {
        json!({
            "file": f.file, "sha256": f.sha256, "standing": f.standing.text(), "title": f.title,
            "app": f.app, "by": f.by, "created": f.created, "problem": f.problem.as_ref().map(|p| &p.message),
        })
    };
    Ok(Said {
        json: json!({ "requests": found.iter().map(one).collect::<Vec<_>>() }),
        text: if found.is_empty() {
            "No request is there.".into()
        } else {
            text
        },
    })
}

fn sign(workstation: &Workstation, args: &Sign) -> Result<Said> {
    let place = match (&args.vault, &args.key) {
        (Some(place), _) => place.clone(),
        (None, Some(key)) => workstation.key(key)?.vault,
        (None, None) => {
            let (bytes, folder) = cli::request_file(&args.request)?;
            let look = workstation.look(&bytes, Some(&folder))?;
            match (look.keys.is_empty(), look.rsa.first()) {
                (true, Some(rsa)) => rsa.vault.clone(),
                _ => workstation.signing_key(&look, None)?.vault,
            }
        }
    };
    let vault = open(&place, false)?;
    let options = SignOptions {
        shown: None,
        accept: args.accept.iter().cloned().collect(),
        key: args.key.clone(),
        by: args.by.clone(),
    };
    cli::sign(
        workstation,
        &args.request,
        &options,
        &place,
        vault.as_ref(),
        args.output.as_deref(),
    )
}

fn draw(file: &Path, output: Option<&Path>) -> Result<Said> {
    let bytes = inbox::read_request(file)?;
    match output {
        Some(output) => {
            let picture = qr::write_png(&bytes)?;
            std::fs::write(output, &picture).map_err(|e| {
                Problem::new(
                    Code::LocalDisk,
                    format!("{} cannot be written: {e}.", output.display()),
                )
            })?;
            Ok(Said {
                json: json!({ "path": output, "size": picture.len() }),
                text: format!("{} is written.", output.display()),
            })
        }
        None => {
            let squares = qr::squares(&bytes)?;
            Ok(Said {
                json: json!({ "side": squares.side }),
                text: squares.text(),
            })
        }
    }
}

fn history(workstation: &Workstation, export: Option<&Path>) -> Result<Said> {
    if let Some(path) = export {
        let bytes = workstation.history_file()?;
        write_private(path, &bytes)?;
        return Ok(Said {
            json: json!({ "path": path, "size": bytes.len() }),
            text: format!("{} is written.", path.display()),
        });
    }
    let entries = workstation.history()?;
    let line = |e: &Entry| {
        let roles: Vec<String> = e
            .roles
            .iter()
            .map(|r| format!("{} {}", r.role, r.version))
            .collect();
        let mut line = format!("{}  {:<12}  {}  {}", e.at, e.did, e.title, roles.join(", "));
        for more in e
            .accepted
            .iter()
            .chain(Some(&e.reason).filter(|r| !r.is_empty()))
        {
            line.push_str(&format!("\n{:22}{more}", ""));
        }
        line + "\n"
    };
    Ok(Said {
        json: json!({ "history": entries }),
        text: if entries.is_empty() {
            "Nothing was signed here yet.".into()
        } else {
            entries.iter().map(line).collect()
        },
    })
}
