//! Native dialogs, opened from Rust: the webview has no permission for dialogs or files.

use std::path::PathBuf;

use async_trait::async_trait;
use headgate_ipc::Host;
use tauri::{AppHandle, Manager};

/// The window's host.
pub(crate) struct Shell(pub(crate) AppHandle);

impl Shell {
    fn dialog(&self, title: &str) -> rfd::AsyncFileDialog {
        let dialog = rfd::AsyncFileDialog::new().set_title(title);
        match self.0.get_webview_window(crate::window::MAIN) {
            Some(window) => dialog.set_parent(&window),
            None => dialog,
        }
    }
}

#[async_trait]
impl Host for Shell {
    async fn pick_folder(&self, title: &str) -> Option<PathBuf> {
        self.dialog(title)
            .pick_folder()
            .await
            .map(|f| f.path().to_owned())
    }

    async fn pick_file(&self, title: &str, filter: &str, endings: &[&str]) -> Option<PathBuf> {
        self.dialog(title)
            .add_filter(filter, endings)
            .pick_file()
            .await
            .map(|f| f.path().to_owned())
    }

    async fn save_file(
        &self,
        title: &str,
        name: &str,
        filter: &str,
        ending: &str,
    ) -> Option<PathBuf> {
        self.dialog(title)
            .set_file_name(name)
            .add_filter(filter, &[ending])
            .save_file()
            .await
            .map(|f| f.path().to_owned())
    }

    fn quit(&self) {
        self.0.exit(0);
    }

    fn restart(&self) {
        self.0.request_restart();
    }
}
