//! `cargo xtask test`: the steps, in an order that fails early, and how one is run and told.

mod steps;

use crate::process::Counts;
use crate::workspace::Workspace;
use anyhow::{Result, bail};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use steps::STEPS;

/// One check. It stands on what earlier steps built, but can be repeated alone once they have run.
struct Step {
    name: &'static str,
    what: &'static str,
    run: fn(&mut Run) -> Result<()>,
}

/// What the steps share.
struct Run {
    workspace: Workspace,
    counts: Counts,
}

/// Runs all steps, or those that are named, and stops at the first that fails.
pub(crate) fn test(workspace: Workspace, names: &[&str]) -> Result<ExitCode> {
    if names == ["--list"] {
        STEPS
            .iter()
            .for_each(|step| println!("{:<14} {}", step.name, step.what));
        return Ok(ExitCode::SUCCESS);
    }
    let chosen = chosen(names)?;
    let mut run = Run {
        workspace,
        counts: Counts::default(),
    };
    let mut told: Vec<(&Step, Duration, &str)> = Vec::new();
    let begun = Instant::now();
    let mut failure = None;
    for (index, step) in chosen.iter().enumerate() {
        println!(
            "\n==> [{}/{}] {}: {}",
            index + 1,
            chosen.len(),
            step.name,
            step.what
        );
        let step_begun = Instant::now();
        let result = (step.run)(&mut run);
        let took = step_begun.elapsed();
        let word = if result.is_ok() { "passed" } else { "FAILED" };
        println!("<== {} {word} in {:.1} s", step.name, took.as_secs_f64());
        told.push((step, took, word));
        if let Err(error) = result {
            failure = Some((step, error));
            break;
        }
    }

    println!("\nSummary ({:.1} s)", begun.elapsed().as_secs_f64());
    for (step, took, word) in &told {
        println!("  {:>8.1} s  {word:<8} {}", took.as_secs_f64(), step.name);
    }
    if let Some((step, error)) = &failure {
        println!(
            "\n{} failed: {error:#}\n\nTo repeat it:  cargo xtask test {}",
            step.name, step.name
        );
        // A check that is not a Rust test fails too: the last line must not say otherwise.
        run.counts.failed = run.counts.failed.max(1);
    }
    println!(
        "\n{} passed, {} failed",
        run.counts.passed, run.counts.failed
    );
    Ok(if failure.is_none() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The named steps in the order of the list, all of them without names.
fn chosen(names: &[&str]) -> Result<Vec<&'static Step>> {
    if let Some(unknown) = names
        .iter()
        .find(|name| STEPS.iter().all(|step| step.name != **name))
    {
        let known: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        bail!(
            "no step is called `{unknown}`; there are: {}",
            known.join(" ")
        );
    }
    Ok(STEPS
        .iter()
        .filter(|step| names.is_empty() || names.contains(&step.name))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_steps_run_in_the_order_of_the_list() {
        let names: Vec<&str> = chosen(&["rust-test", "fmt"])
            .unwrap()
            .iter()
            .map(|step| step.name)
            .collect();
        assert_eq!(names, ["fmt", "rust-test"]);
        assert_eq!(chosen(&[]).unwrap().len(), STEPS.len());
    }

    #[test]
    fn an_unknown_step_is_refused_and_the_known_ones_are_named() {
        let error = chosen(&["fmt", "frobnicate"])
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(
            error.contains("`frobnicate`") && error.contains("clippy"),
            "{error}"
        );
    }
}
