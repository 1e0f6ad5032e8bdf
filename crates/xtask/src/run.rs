//! `cargo xtask run`: the console on the embedded sandbox, or its main job in the terminal where there is no display.

use crate::apt::{self, Purpose};
use crate::session::{self, TempFolder};
use crate::workspace::Workspace;
use crate::{process, ui};
use anyhow::{Context, Result};
use serde_json::Value;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, ExitCode};

pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let display = has_display();
    apt::install(if display {
        Purpose::Run
    } else {
        Purpose::RunHeadless
    })?;
    ui::install(workspace)?;
    ui::script(workspace, "build")?;
    process::run(&mut workspace.cargo_workspace("build"))?;
    if display {
        let status = Command::new(workspace.program("headgate-console"))
            .arg("--sandbox")
            .status();
        let status = status.context("cannot start the console")?;
        return Ok(if status.success() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        });
    }
    println!(
        "\nNo display here (neither DISPLAY nor WAYLAND_DISPLAY is set), so the same job runs in the terminal:"
    );
    println!(
        "ship the sample build to the sandbox, then one look at the console's board on a screen in memory.\n"
    );
    let home = TempFolder::new("run")?;
    let passphrase = random_passphrase()?;
    ship_sample(workspace, &home.0, &passphrase)?;
    picture_of_board(workspace, &home.0, &passphrase)?;
    Ok(ExitCode::SUCCESS)
}

/// Opens the file vault that holds the sandbox's keys.
const PASSPHRASE: &str = "HEADGATE_VAULT_PASSPHRASE";

/// 128 random bits in hex: the vault lives as long as this run.
fn random_passphrase() -> Result<String> {
    let mut bytes = [0u8; 16];
    let source = fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    source.context("cannot read /dev/urandom")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn has_display() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(not(target_os = "linux")) || set("DISPLAY") || set("WAYLAND_DISPLAY")
}

/// Prepares the sandbox in `home` and ships its sample build to the first channel.
fn ship_sample(workspace: &Workspace, home: &Path, passphrase: &str) -> Result<()> {
    let headgate = || {
        let mut command = Command::new(workspace.program("headgate"));
        command.arg("--home").arg(home).env(PASSPHRASE, passphrase);
        command
    };
    let sandbox = json(headgate().args(["sandbox", "--json"]))?;
    for (name, value) in fields(&sandbox) {
        println!("{name:>16}  {value}");
    }
    let sample = sandbox["sample"]
        .as_str()
        .context("`headgate sandbox` does not say where its sample build lies")?;
    println!("\nheadgate ship {sample} --version 1.0.0 --channel development");
    let ship = ["--version", "1.0.0", "--channel", "development", "--json"];
    let receipt = json(headgate().args(["ship", sample]).args(ship))?;
    println!("\nReceipt");
    for (name, value) in fields(&receipt) {
        println!("{name:>16}  {value}");
    }
    Ok(())
}

fn picture_of_board(workspace: &Workspace, home: &Path, passphrase: &str) -> Result<()> {
    let folder = workspace.screenshots();
    fs::create_dir_all(&folder)?;
    let picture = folder.join("run-board.png");
    let mut shot = Command::new(&workspace.xtask);
    shot.arg("screenshot").arg(&picture).arg("--");
    shot.arg(workspace.program("headgate-console"))
        .arg("--home")
        .arg(home)
        .arg("--sandbox");
    shot.env(PASSPHRASE, passphrase);
    process::run(&mut session::on_own_screen(
        "1280x800",
        &session::on_own_bus(&shot),
    ))?;
    println!("\nThe console's board: {}", picture.display());
    Ok(())
}

fn json(command: &mut Command) -> Result<Value> {
    let text = process::output(command)?;
    serde_json::from_str(&text)
        .with_context(|| format!("not JSON: {text}\nfrom: {}", process::shown(command)))
}

/// The members of an object as lines to read: text without quotes, a nested object as `name value` pairs.
fn fields(object: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let members = object.as_object().into_iter().flatten();
    let line = |value: &Value| match value {
        Value::Object(nested) => nested
            .iter()
            .map(|(k, v)| format!("{k} {}", text(v)))
            .collect::<Vec<_>>()
            .join(", "),
        other => text(other),
    };
    members
        .map(|(name, value)| (name.replace('_', " "), line(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::fields;
    use serde_json::json;

    #[test]
    fn a_receipt_reads_as_lines_without_json() {
        let receipt = json!({"build": 7, "metadata": {"main.development": 2, "targets": 1}, "uploaded_bytes": 9, "version": "1.0.0"});
        let lines: Vec<String> = fields(&receipt)
            .into_iter()
            .map(|(n, v)| format!("{n}={v}"))
            .collect();
        assert_eq!(
            lines,
            [
                "build=7",
                "metadata=main.development 2, targets 1",
                "uploaded bytes=9",
                "version=1.0.0"
            ]
        );
    }
}
