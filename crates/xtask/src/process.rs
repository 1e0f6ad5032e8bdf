//! Starting programs: shown when they fail in a form that can be pasted into a shell.

use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, ExitStatus, Stdio};

/// Tests counted over all `test result:` lines that went by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Counts {
    /// Adds the figures of one line of libtest's output; any other line changes nothing.
    pub(crate) fn add_line(&mut self, line: &str) {
        // A test may have printed without a line end just before.
        let Some((_, rest)) = line.split_once("test result: ") else {
            return;
        };
        let number = |word: &str| {
            let part = rest
                .split([';', '.'])
                .map(str::trim)
                .find_map(|part| part.strip_suffix(word));
            part.and_then(|n| n.trim().parse::<u64>().ok()).unwrap_or(0)
        };
        self.passed += number("passed");
        self.failed += number("failed");
    }
}

/// Runs it with our own input and output.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status();
    ended(command, status)
}

/// Runs it and returns what it printed on stdout.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output();
    let (status, stdout) = match output {
        Ok(output) => (Ok(output.status), output.stdout),
        Err(error) => (Err(error), Vec::new()),
    };
    let text = String::from_utf8_lossy(&stdout).into_owned();
    if matches!(&status, Ok(status) if !status.success()) {
        print!("{text}");
    }
    ended(command, status)?;
    Ok(text)
}

/// Runs it, passes its stdout on line by line and counts the tests in it.
pub(crate) fn run_counting(command: &mut Command, counts: &mut Counts) -> Result<()> {
    let mut child = match command.stdout(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => return ended(command, Err(error)),
    };
    if let Some(stdout) = child.stdout.take() {
        let mut lines = BufReader::new(stdout);
        let mut line = Vec::new();
        let mut out = std::io::stdout().lock();
        while lines.read_until(b'\n', &mut line)? > 0 {
            out.write_all(&line)?;
            counts.add_line(&String::from_utf8_lossy(&line));
            line.clear();
        }
    }
    let status = child.wait();
    ended(command, status)
}

fn ended(command: &Command, status: std::io::Result<ExitStatus>) -> Result<()> {
    let status = status.with_context(|| format!("cannot start it: {}", shown(command)))?;
    if !status.success() {
        bail!("{status}: {}", shown(command));
    }
    Ok(())
}

/// The command as a line for a shell, with its folder and the variables that we set.
pub(crate) fn shown(command: &Command) -> String {
    let mut words = Vec::new();
    if let Some(dir) = command.get_current_dir() {
        words.push(format!("cd {} &&", quoted(&dir.to_string_lossy())));
    }
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            words.push(format!(
                "{}={}",
                name.to_string_lossy(),
                quoted(&value.to_string_lossy())
            ));
        }
    }
    words.push(quoted(&command.get_program().to_string_lossy()));
    words.extend(command.get_args().map(|arg| quoted(&arg.to_string_lossy())));
    words.join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// A program of this name lies in one of the folders of `PATH`.
pub(crate) fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_summed_over_result_lines_only() {
        let mut counts = Counts::default();
        for line in [
            "running 3 tests",
            "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.00s",
            "half a linetest result: FAILED. 7 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.52s",
            "9 passed; 9 failed",
        ] {
            counts.add_line(line);
        }
        assert_eq!(
            counts,
            Counts {
                passed: 12,
                failed: 2
            }
        );
    }

    #[test]
    fn a_shown_command_can_be_pasted_into_a_shell() {
        let mut command = Command::new("xvfb-run");
        command
            .args(["-s", "-screen 0 1x1x24", "it's"])
            .env("A", "b c")
            .env_remove("B")
            .current_dir("/tmp");
        assert_eq!(
            shown(&command),
            r"cd /tmp && A='b c' xvfb-run -s '-screen 0 1x1x24' 'it'\''s'"
        );
    }

    #[test]
    fn a_failing_program_is_an_error_that_shows_its_command() {
        let error = run(Command::new("false").arg("x")).expect_err("`false` fails");
        assert!(error.to_string().contains("false x"), "{error}");
    }
}
