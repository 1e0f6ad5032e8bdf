//! Starting: arguments, log, console, window.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use headgate_engine::{Console, Home, Options};
use headgate_ipc::{App, OfflineApp, Running, dto};
use tauri::Manager;

use crate::{commands, drop::Listeners, host::Shell, window};

/// What may stand on the command line.
struct Arguments {
    home: Option<PathBuf>,
    sandbox: bool,
    offline: bool,
}

fn arguments() -> anyhow::Result<Arguments> {
    let mut parsed = Arguments {
        home: None,
        sandbox: false,
        offline: false,
    };
    let mut args = std::env::args_os().skip(1);
    while let Some(arg) = args.next() {
        match arg.to_str() {
            Some("--home") => {
                parsed.home = Some(args.next().context("--home needs a folder")?.into());
            }
            Some("--sandbox") => parsed.sandbox = true,
            Some("--offline") => parsed.offline = true,
            // The platform may add arguments of its own, such as macOS' -psn.
            _ => {}
        }
    }
    Ok(parsed)
}

/// Runs the console until its window closes.
///
/// # Errors
/// When the home folder or the window cannot be opened.
pub(crate) fn run() -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_from_env("HEADGATE_LOG")
        .unwrap_or_else(|_| "warn".into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let arguments = arguments()?;
    let home = arguments
        .home
        .or_else(Home::default_path)
        .context("No home folder: set HEADGATE_HOME or give --home")?;
    let offline = arguments.offline || OfflineApp::is_chosen(&home);
    // An offline workstation opens no engine: nothing in it could ask a network for anything.
    let console = match offline {
        true => None,
        false => Some(tauri::async_runtime::block_on(Console::open(
            Options::new(home.clone()),
        ))?),
    };
    tauri::Builder::default()
        .invoke_handler(commands::handler())
        .manage(Listeners::default())
        .on_window_event(window::event)
        .setup(move |tauri| {
            let shell = Box::new(Shell(tauri.handle().clone()));
            let app = Arc::new(match console {
                Some(console) => Running::Console(App::new(console, shell)),
                None => Running::Offline(OfflineApp::open(&home, shell)?),
            });
            tauri.manage(Arc::clone(&app));
            if arguments.sandbox && !offline {
                tauri::async_runtime::block_on(app.sandbox_start(dto::Empty {}))
                    .map_err(|e| e.message)?;
            }
            window::open(tauri.handle())?;
            if !offline {
                background(app);
            }
            Ok(())
        })
        .run(tauri::generate_context!())
        .context("The window could not be opened")
}

/// After the window: work that an earlier run left, then fresh readings.
fn background(app: Arc<Running>) {
    tauri::async_runtime::spawn(async move {
        let Some(app) = app.console() else {
            return;
        };
        if let Err(problem) = app.console().recover().await {
            tracing::error!(%problem, "unfinished work could not be taken up");
        }
        for workspace in app.console().workspaces().await.unwrap_or_default() {
            // The board says why when this fails.
            let _ = app.console().sync(&workspace.id).await;
        }
        app.watch().await;
    });
}

/// Says on the terminal why the console did not start; a message box where there is no terminal.
pub(crate) fn report(error: &anyhow::Error) {
    use std::io::Write;
    let text = format!("Headgate could not start: {error:#}");
    let _ = writeln!(std::io::stderr(), "{text}");
    if std::env::var_os("DISPLAY").is_some()
        || std::env::var_os("WAYLAND_DISPLAY").is_some()
        || cfg!(not(target_os = "linux"))
    {
        rfd::MessageDialog::new()
            .set_level(rfd::MessageLevel::Error)
            .set_title("Headgate")
            .set_description(text)
            .show();
    }
}
