//! Development tasks of the workspace. `cargo xtask help` lists them.
#![expect(
    clippy::print_stdout,
    reason = "a command line program talks on stdout"
)]

mod apt;
mod bindings;
mod conformance;
mod pictures;
mod process;
mod run;
mod session;
mod sizes;
mod test;
mod tools;
mod ui;
mod workspace;

use anyhow::{Result, bail};
use std::process::ExitCode;
use workspace::Workspace;

const HELP: &str = "\
cargo xtask run                 start the console on the embedded sandbox
cargo xtask test [STEP…]        every check of every layer, or only the named steps
cargo xtask test --list         the steps, in their order
cargo xtask bindings            write ui/src/lib/bindings from the Rust types
cargo xtask pictures            replace docs/images by the screenshots of the desktop journeys
cargo xtask check-sizes         no source file over 500 lines
cargo xtask conformance         the public suite of TUF clients against ours; fetches it from GitHub
cargo xtask bench pack [ARG…]   packing speed and memory beside sha256sum
cargo xtask bench upload        uploads to a local S3 server beside rclone
cargo xtask bench server        checks of every dialect beside nginx, and telemetry";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&args) {
        Ok(code) => code,
        Err(error) => {
            println!("\nxtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[String]) -> Result<ExitCode> {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    // These two run inside a session that another xtask has opened: they look at nothing of the workspace.
    match words.as_slice() {
        ["with-keyring", "--", program, rest @ ..] => return session::with_keyring(program, rest),
        ["screenshot", picture, "--", program, rest @ ..] => {
            return session::screenshot(picture, program, rest);
        }
        _ => {}
    }
    let workspace = Workspace::find()?;
    match words.as_slice() {
        [] | ["help" | "--help" | "-h"] => println!("{HELP}"),
        ["run"] => return run::run(&workspace),
        ["test", names @ ..] => return test::test(workspace, names),
        ["bindings"] => bindings::write(&workspace)?,
        ["pictures"] => pictures::take(&workspace)?,
        ["check-sizes"] => sizes::check(&workspace)?,
        ["conformance"] => conformance::run(&workspace)?,
        ["bench", "pack", rest @ ..] => {
            bench(&workspace, "headgate-bundle", "pack_bench", rest)?;
        }
        ["bench", "upload", rest @ ..] => {
            apt::install(apt::Purpose::Bench)?;
            bench(&workspace, "headgate-tests", "upload_bench", rest)?;
        }
        ["bench", "server"] => {
            apt::install(apt::Purpose::Bench)?;
            bench(&workspace, "headgate-tests", "server_bench", &[])?;
            bench(&workspace, "headgate-tests", "telemetry_bench", &[])?;
        }
        _ => bail!("unknown task `{}`\n\n{HELP}", words.join(" ")),
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs an example in the release profile.
fn bench(workspace: &Workspace, package: &str, example: &str, args: &[&str]) -> Result<()> {
    let mut bench = workspace.cargo("run");
    bench
        .args(["--locked", "--release", "-p", package])
        .args(["--example", example, "--"])
        .args(args);
    process::run(&mut bench)
}
