//! The steps themselves. Cheap ones first, and nothing before what it needs: the shell embeds the built front end.

use super::{Run, Step};
use crate::apt::{self, Purpose};
use crate::workspace::Workspace;
use crate::{bindings, process, session, sizes, tools, ui};
use anyhow::Result;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

pub(super) const STEPS: &[Step] = &[
    Step {
        name: "packages",
        what: "Debian packages are installed",
        run: packages,
    },
    Step {
        name: "fmt",
        what: "rustfmt has nothing to change",
        run: fmt,
    },
    Step {
        name: "sizes",
        what: "no source file over 500 lines",
        run: file_sizes,
    },
    Step {
        name: "ui-install",
        what: "npm packages of the front end",
        run: ui_install,
    },
    Step {
        name: "ui-format",
        what: "prettier has nothing to change",
        run: |run| npm(run, "format:check"),
    },
    Step {
        name: "ui-lint",
        what: "eslint",
        run: |run| npm(run, "lint"),
    },
    Step {
        name: "ui-check",
        what: "svelte-check and TypeScript",
        run: |run| npm(run, "check"),
    },
    Step {
        name: "ui-test",
        what: "vitest",
        run: |run| npm(run, "test"),
    },
    Step {
        name: "ui-build",
        what: "the front end builds",
        run: |run| npm(run, "build"),
    },
    Step {
        name: "clippy",
        what: "clippy has no warning",
        run: clippy,
    },
    Step {
        name: "deny",
        what: "bans, licences and sources of the dependencies",
        run: deny,
    },
    Step {
        name: "build",
        what: "all programs and tests build",
        run: build,
    },
    Step {
        name: "rust-test",
        what: "unit, property, integration and doc tests",
        run: rust_test,
    },
    Step {
        name: "bindings",
        what: "the generated TypeScript is current",
        run: bindings_current,
    },
    Step {
        name: "keyring",
        what: "keys in a real Secret Service",
        run: keyring,
    },
    Step {
        name: "interop",
        what: "TUF and zip readers of others accept what we write",
        run: interop,
    },
    Step {
        name: "buckets",
        what: "an S3 server that others wrote",
        run: buckets,
    },
    Step {
        name: "dialects",
        what: "plugins' own code against the update server",
        run: dialects,
    },
    Step {
        name: "vendor-crypto",
        what: "code of plugin vendors reads what approvals make for it",
        run: vendor_crypto,
    },
    Step {
        name: "real-builds",
        what: "inspection of real web builds from npm",
        run: real_builds,
    },
    Step {
        name: "desktop",
        what: "journeys in the real window",
        run: desktop,
    },
];

fn packages(_: &mut Run) -> Result<()> {
    apt::install(Purpose::Test)?;
    Ok(())
}

fn fmt(run: &mut Run) -> Result<()> {
    process::run(run.workspace.cargo("fmt").args(["--all", "--check"]))?;
    Ok(())
}

fn file_sizes(run: &mut Run) -> Result<()> {
    sizes::check(&run.workspace)?;
    Ok(())
}

fn ui_install(run: &mut Run) -> Result<()> {
    ui::install(&run.workspace)?;
    Ok(())
}

fn npm(run: &mut Run, script: &str) -> Result<()> {
    ui::script(&run.workspace, script)?;
    Ok(())
}

fn clippy(run: &mut Run) -> Result<()> {
    let mut clippy = run.workspace.cargo_workspace("clippy");
    process::run(clippy.args(["--all-targets", "--", "-D", "warnings"]))?;
    Ok(())
}

fn deny(run: &mut Run) -> Result<()> {
    let deny = tools::CARGO_DENY.install(&run.workspace)?;
    let mut check = Command::new(deny);
    check.args([
        "--locked",
        "--workspace",
        "check",
        "bans",
        "licenses",
        "sources",
    ]);
    process::run(check.current_dir(&run.workspace.root))?;
    Ok(())
}

/// The desktop journeys start the programs themselves, which `cargo test` alone would leave stale.
fn build(run: &mut Run) -> Result<()> {
    // All targets, so that development dependencies join in: the tests then find every crate with the same features.
    process::run(run.workspace.cargo_workspace("build").arg("--all-targets"))?;
    Ok(())
}

fn rust_test(run: &mut Run) -> Result<()> {
    let exported = bindings::generated(&run.workspace);
    bindings::clear(&exported)?;
    let mut test = run.workspace.cargo_workspace("test");
    // One broken test should not hide the next.
    bindings::export_to(test.arg("--no-fail-fast"), &exported);
    programs(&run.workspace, &mut test);
    process::run_counting(&mut test, &mut run.counts)?;
    Ok(())
}

fn bindings_current(run: &mut Run) -> Result<()> {
    bindings::check(&run.workspace)?;
    Ok(())
}

fn keyring(run: &mut Run) -> Result<()> {
    // The keyring of the session is one: tests count its items.
    let test = ignored_tests(&run.workspace, "keyring", &["--test-threads=1"]);
    process::run_counting(
        &mut session::on_bus_with_keyring(&run.workspace, &test),
        &mut run.counts,
    )?;
    Ok(())
}

fn interop(run: &mut Run) -> Result<()> {
    let mut test = ignored_tests(&run.workspace, "interop", &[]);
    tools::npm_ci(&python_tuf(&run.workspace, &mut test)?)?;
    test.env("HEADGATE_NODE", "node")
        .env("HEADGATE_JAVA", "java");
    process::run_counting(&mut test, &mut run.counts)?;
    Ok(())
}

/// Installs python-tuf and tells tests where it and its scripts are; gives the scripts' folder.
fn python_tuf(workspace: &Workspace, test: &mut Command) -> Result<PathBuf> {
    let scripts = workspace.root.join("tests/interop");
    test.env("HEADGATE_PYTHON", tools::python(workspace)?)
        .env("HEADGATE_INTEROP", &scripts);
    Ok(scripts)
}

fn buckets(run: &mut Run) -> Result<()> {
    let mut test = ignored_tests(&run.workspace, "bucket_moto", &["--test-threads=1"]);
    let python = tools::python(&run.workspace)?;
    test.env("HEADGATE_MOTO", python.with_file_name("moto_server"));
    process::run_counting(&mut test, &mut run.counts)?;
    Ok(())
}

fn vendor_crypto(run: &mut Run) -> Result<()> {
    let folder = run.workspace.root.join("tests/interop/vendor-crypto");
    tools::npm_ci(&folder)?;
    let mut test = ignored_tests(&run.workspace, "vendor_crypto", &[]);
    test.env("HEADGATE_VENDOR_CRYPTO", &folder);
    process::run_counting(&mut test, &mut run.counts)?;
    Ok(())
}

fn dialects(run: &mut Run) -> Result<()> {
    let interop = run.workspace.root.join("tests/interop");
    let (scripts, capgo) = (interop.join("dialects"), interop.join("vendor-crypto"));
    tools::npm_ci(&scripts)?;
    tools::npm_ci(&capgo)?;
    let mut test = ignored_tests(&run.workspace, "dialects", &[]);
    test.env("HEADGATE_DIALECTS", &scripts)
        .env("HEADGATE_VENDOR_CRYPTO", &capgo);
    process::run_counting(&mut test, &mut run.counts)?;
    Ok(())
}

fn real_builds(run: &mut Run) -> Result<()> {
    let folder = run.workspace.root.join("tests/interop/realbuilds");
    tools::npm_ci(&folder)?;
    let mut test = ignored_tests(&run.workspace, "real_builds", &[]);
    test.env("HEADGATE_REAL_BUILDS", folder.join("node_modules"));
    process::run_counting(&mut test, &mut run.counts)?;
    Ok(())
}

fn desktop(run: &mut Run) -> Result<()> {
    let one_window_at_a_time = ["--test-threads=1"];
    let mut test = ignored_tests(&run.workspace, "desktop", &one_window_at_a_time);
    let screenshots = run.workspace.screenshots();
    fs::create_dir_all(&screenshots)?;
    test.env("TAURI_DRIVER", tools::TAURI_DRIVER.install(&run.workspace)?)
        .env("HEADGATE_SCREENSHOTS", &screenshots);
    python_tuf(&run.workspace, &mut test)?;
    let test = session::on_bus_with_keyring(&run.workspace, &test);
    process::run_counting(
        &mut session::on_own_screen("1920x1080", &test),
        &mut run.counts,
    )?;
    println!("Screenshots: {}", screenshots.display());
    Ok(())
}

/// The ignored tests of the target `name`.
fn ignored_tests(workspace: &Workspace, name: &str, args: &[&str]) -> Command {
    let mut test = workspace.cargo_workspace("test");
    test.args(["--test", name, "--", "--ignored"]).args(args);
    programs(workspace, &mut test);
    test
}

/// Tells tests where the programs lie that the step `build` made.
fn programs(workspace: &Workspace, test: &mut Command) {
    test.env("HEADGATE_CLI", workspace.program("headgate"))
        .env("HEADGATE_APP", workspace.program("headgate-console"));
}
