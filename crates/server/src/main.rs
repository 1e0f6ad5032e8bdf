//! `headgate-server`: the update server.

use std::io::Write as _;
use std::process::ExitCode;

use headgate_core::{Problem, Result};
use headgate_server::check_up::check_up;
use headgate_server::config::{Args, Command, Refused, Settings, telemetry_of};
use headgate_server::serve::{Server, open_telemetry};
use headgate_server::telemetry::sqlite::Options;

#[tokio::main]
async fn main() -> ExitCode {
    let args = match Args::parse(std::env::args_os()) {
        Ok(args) => args,
        Err(Refused::Clap(error)) => error.exit(),
        Err(Refused::Problem(problem)) => return failed(&problem),
    };
    let done = match &args.command {
        Some(Command::Forget { install }) => forget(&args, install).await,
        None if args.check => check(&args).await,
        None => serve(&args).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => failed(&problem),
    }
}

fn failed(problem: &Problem) -> ExitCode {
    let mut out = std::io::stderr().lock();
    // Nobody is left to tell when this fails.
    let _ = writeln!(out, "error: {problem}");
    if let Some(field) = &problem.field {
        let _ = writeln!(out, "  field:  {field}");
    }
    let _ = writeln!(out, "  holds:  {}", problem.holds);
    let _ = writeln!(out, "  remedy: {}", problem.remedy);
    ExitCode::from(problem.code.kind().exit_code())
}

fn say(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

fn settings(args: &Args) -> Result<Settings> {
    Settings::resolve(args, &|name| std::env::var(name).ok())
}

async fn check(args: &Args) -> Result<()> {
    check_up(settings(args)?, &mut |line| say(line)).await
}

async fn forget(args: &Args, install: &str) -> Result<()> {
    let telemetry = open_telemetry(&telemetry_of(args)?, Options::default()).await?;
    let known = telemetry.forget(install).await?;
    telemetry.flush().await?;
    say(if known {
        "Everything that named this install was deleted. Counts stay."
    } else {
        "Nothing is stored of this install."
    });
    Ok(())
}

async fn serve(args: &Args) -> Result<()> {
    tracing_subscriber::fmt()
        .json()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("HEADGATE_SERVER_LOG")
                .unwrap_or_else(|_| "info".into()),
        )
        .with_writer(std::io::stderr)
        .init();
    let settings = settings(args)?;
    // Asked before listening: a signal that comes early must not be lost.
    let stopped = stop_signal()?;
    let telemetry = open_telemetry(&settings.telemetry, Options::default()).await?;
    let running = Server::start(settings.server(telemetry)).await?;
    let admin = running.admin_addr.map(|a| a.to_string());
    tracing::info!(devices = %running.device_addr, admin, version = env!("CARGO_PKG_VERSION"), "listening");
    stopped.await;
    tracing::info!("stopping");
    running.stop().await
}

/// Ends when the system asks the program to end.
#[cfg(unix)]
fn stop_signal() -> Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = |error: std::io::Error| {
        Problem::new(
            headgate_core::Code::Internal,
            format!("Signals cannot be received: {error}."),
        )
    };
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Ends when the system asks the program to end.
#[cfg(not(unix))]
fn stop_signal() -> Result<impl Future<Output = ()>> {
    Ok(async {
        // Without a handler the system ends the program itself.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
