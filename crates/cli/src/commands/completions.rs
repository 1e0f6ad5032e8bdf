//! `headgate completions`.

use clap::CommandFactory;
use serde_json::json;

use crate::args::Cli;
use crate::output::Answer;

pub(crate) fn run(shell: clap_complete::Shell) -> Answer {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "headgate", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    Answer::new(
        json!({ "shell": shell.to_string(), "script": script }),
        script,
    )
}
