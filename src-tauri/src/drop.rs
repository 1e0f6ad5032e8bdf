//! Drags from the file manager. Paths stay here; the window gets an opaque handle.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use headgate_ipc::{App, Running, dto};
use tauri::{DragDropEvent, Manager, PhysicalPosition, Window, ipc::Channel};

/// Windows that listen.
#[derive(Default)]
pub(crate) struct Listeners(Mutex<Vec<Channel<dto::Event>>>);

impl Listeners {
    pub(crate) fn add(&self, channel: Channel<dto::Event>) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(channel);
    }

    pub(crate) fn send(&self, event: &dto::Event) {
        let mut channels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        channels.retain(|channel| channel.send(event.clone()).is_ok());
    }
}

/// Handles one drag event of the window.
pub(crate) fn handle(window: &Window, event: &DragDropEvent) {
    let (phase, paths, position) = match event {
        DragDropEvent::Enter { paths, position } => ("enter", paths.clone(), Some(position)),
        DragDropEvent::Over { position } => ("over", Vec::new(), Some(position)),
        DragDropEvent::Drop { paths, position } => ("drop", paths.clone(), Some(position)),
        DragDropEvent::Leave => ("leave", Vec::new(), None),
        _ => return,
    };
    let at = position.map(|position| in_page(window, *position));
    let told = dto::Dropped {
        phase: phase.into(),
        item: None,
        x: at.map(|(x, _)| x),
        y: at.map(|(_, y)| y),
    };
    if phase == "over" {
        window.state::<Listeners>().send(&dto::Event::Drop(told));
        return;
    }
    let window = window.clone();
    // Looking at a folder may touch a slow disk: off the window's thread.
    tauri::async_runtime::spawn_blocking(move || {
        let app = window.state::<Arc<Running>>();
        // A workstation ships nothing, so nothing can be dropped on it.
        let Some(app) = app.console() else {
            return;
        };
        let item = first(app, &paths);
        window
            .state::<Listeners>()
            .send(&dto::Event::Drop(dto::Dropped { item, ..told }));
    });
}

/// The pointer in CSS pixels. Tauri calls every position physical, but only Windows tells it so: macOS and GTK hand
/// on points of the window as they are (tauri-apps/tauri#10744).
fn in_page(window: &Window, position: PhysicalPosition<f64>) -> (f64, f64) {
    let scale = if cfg!(windows) {
        window.scale_factor().unwrap_or(1.0)
    } else {
        1.0
    };
    (position.x / scale, position.y / scale)
}

fn first(app: &App, paths: &[PathBuf]) -> Option<dto::Picked> {
    let path = paths.first()?;
    let mut item = app.picked(path).ok()?;
    if paths.len() > 1 {
        item.ok = false;
        item.says = format!("Drop one web build at a time, not {}", paths.len());
    }
    Some(item)
}
