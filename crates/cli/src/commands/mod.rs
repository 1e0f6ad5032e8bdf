//! One file a command.

mod approval;
mod clients;
mod compare;
mod completions;
mod connect;
mod device;
mod init;
mod inspect;
mod jobs;
mod keys;
mod log;
mod offline;
mod promote;
mod receipt;
mod refresh;
mod rollout;
mod sandbox;
mod server;
mod ship;
mod status;
mod storage;
mod trust;
mod verify;

use crate::args::{Cli, Command};
use crate::context::Context;
use crate::output::Outcome;

/// Runs what was asked for.
pub(crate) async fn run(cli: Cli) -> Outcome {
    // None of these needs a home folder: a device and a shell have none.
    match cli.command {
        Command::Completions { shell } => return Ok(completions::run(shell)),
        Command::Verify(args) => return verify::run(args, &cli.unit, cli.json).await,
        Command::Device(command) if !command.needs_home() => {
            let app = cli.app.as_deref();
            return Box::pin(device::run(command, app, &cli.unit, cli.json, None)).await;
        }
        _ => {}
    }
    let context = Context::open(&cli).await?;
    match cli.command {
        Command::Init(args) => init::run(&context, args).await,
        Command::Connect(args) => connect::run(&context, args).await,
        Command::Inspect(args) => inspect::run(&context, args).await,
        Command::Pack(args) => inspect::pack(&context, args).await,
        Command::Compare(args) => compare::run(&context, args).await,
        Command::Ship(args) => ship::run(&context, args).await,
        Command::Promote(args) => promote::run(&context, args).await,
        Command::Rollout(command) => rollout::run(&context, command).await,
        Command::Keys(command) => keys::run(&context, command).await,
        Command::Response(command) => approval::response(&context, command).await,
        Command::Trust(command) => trust::run(&context, command).await,
        Command::Status => status::run(&context).await,
        Command::Rollouts => server::rollouts(&context).await,
        Command::Server(command) => server::run(&context, command).await,
        Command::Devices(command) => server::devices(&context, command).await,
        Command::WhoGets(args) => server::who_gets(&context, args).await,
        Command::Log(args) => log::run(&context, args).await,
        Command::Refresh { expired } => refresh::run(&context, expired).await,
        Command::Storage(command) => storage::run(&context, command).await,
        Command::Clients(command) => clients::run(&context, command).await,
        Command::Jobs(command) => jobs::run(&context, command).await,
        Command::Sandbox => sandbox::run(&context).await,
        Command::Request(command) => approval::request(&context, command).await,
        Command::Sign(args) => offline::sign(&context, args).await,
        Command::Completions { shell } => Ok(completions::run(shell)),
        Command::Verify(args) => verify::run(args, &context.unit, context.json).await,
        Command::Device(command) => {
            let workspace = context.workspace().await?;
            let (app, root) = (Some(workspace.app.as_str()), Some(&workspace.root[..]));
            Box::pin(device::run(command, app, &context.unit, context.json, root)).await
        }
    }
}
