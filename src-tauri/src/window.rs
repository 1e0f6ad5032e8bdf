//! The window.

use std::sync::Arc;

use headgate_ipc::{Running, dto};
use tauri::{AppHandle, Manager, WebviewUrl, WebviewWindowBuilder, Window, WindowEvent};

use crate::drop::{self, Listeners};

/// Label of the only window.
pub(crate) const MAIN: &str = "main";

/// Opens it.
///
/// # Errors
/// When the platform gives no window.
pub(crate) fn open(app: &AppHandle) -> tauri::Result<()> {
    WebviewWindowBuilder::new(app, MAIN, WebviewUrl::App("index.html".into()))
        .title("Headgate")
        .inner_size(1280.0, 800.0)
        .min_inner_size(1024.0, 700.0)
        .on_navigation(|url| {
            url.scheme() == "tauri"
                || matches!(url.host_str(), Some("tauri.localhost" | "localhost"))
        })
        .build()
        .map(drop_window)
}

fn drop_window<T>(_: T) {}

/// Window events: drags, and the question before quitting.
pub(crate) fn event(window: &Window, event: &WindowEvent) {
    match event {
        WindowEvent::DragDrop(event) => drop::handle(window, event),
        WindowEvent::CloseRequested { api, .. } => {
            let app = window.state::<Arc<Running>>();
            let Some(console) = app.console() else {
                return;
            };
            let running = console.console().running_jobs();
            if running.is_empty() {
                return;
            }
            api.prevent_close();
            let (app, window) = (Arc::clone(&app), window.clone());
            tauri::async_runtime::spawn(async move {
                if let Ok(jobs) = app.jobs(dto::Empty {}).await {
                    let jobs = jobs
                        .jobs
                        .into_iter()
                        .filter(|j| j.state == "running")
                        .collect();
                    window
                        .state::<Listeners>()
                        .send(&dto::Event::QuitAsked(dto::Jobs { jobs }));
                }
            });
        }
        _ => {}
    }
}
