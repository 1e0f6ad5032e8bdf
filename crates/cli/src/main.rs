//! `headgate`: the console's engine for terminals and CI.

mod args;
mod commands;
mod context;
mod output;
mod progress;
mod secrets;

use std::process::ExitCode;

use clap::{Parser, error::ErrorKind};
use headgate_core::{Code, Problem};

use args::Cli;
use output::{Failure, Output};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let output = Output::new(cli.json);
    log(cli.json);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(Box::pin(commands::run(cli))),
        Err(error) => Err(Problem::new(
            Code::Internal,
            format!("The runtime does not start: {error}."),
        )
        .into()),
    };
    match result {
        Ok(answer) => {
            output.answer(&answer);
            ExitCode::from(answer.exit)
        }
        Err(failure) => fail(&output, &failure),
    }
}

fn fail(output: &Output, failure: &Failure) -> ExitCode {
    if let Some(answer) = &failure.answer {
        output.answer(answer);
    }
    output.failure(failure);
    ExitCode::from(failure.problem.code.kind().exit_code())
}

/// What clap refused. A program that asked for JSON gets the error as JSON too.
fn usage(error: &clap::Error) -> ExitCode {
    let asked = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    );
    if asked || !std::env::args_os().any(|a| a == "--json") {
        // A closed pipe cannot be told anything.
        let _ = error.print();
        return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
    }
    let text = error.to_string();
    let first = text
        .split("\n\n")
        .next()
        .unwrap_or_default()
        .trim_start_matches("error: ");
    let first = first.split_whitespace().collect::<Vec<_>>().join(" ");
    let problem = Problem::new(Code::UsageArgument, first)
        .remedy("Look at headgate help.")
        .detail(text.trim_end());
    fail(&Output::new(true), &problem.into())
}

/// Log lines go to stderr; with `--json` there are none unless asked for, so that stderr holds one document.
fn log(json: bool) {
    let standard = if json {
        "off"
    } else {
        "headgate_engine=warn,headgate_registry=warn"
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("HEADGATE_LOG");
    let filter = filter.unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(standard));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .without_time()
        .try_init();
}
