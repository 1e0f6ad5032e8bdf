//! One wrapper for every command of the list: each has a permission of its own.

use std::sync::Arc;

use headgate_ipc::Running;
use headgate_ipc::dto::{self, IpcError};
use tauri::{State, UserAttentionType, ipc::Channel};

macro_rules! wrappers {
    ($($(#[$doc:meta])* $name:ident($request:ident) -> $answer:ident;)*) => {
        $(
            $(#[$doc])*
            #[tauri::command]
            async fn $name(app: State<'_, Arc<Running>>, request: dto::$request) -> Result<dto::$answer, IpcError> {
                app.$name(request).await
            }
        )*

        /// All commands, for the builder.
        pub(crate) fn handler() -> impl Fn(tauri::ipc::Invoke<tauri::Wry>) -> bool + Send + Sync + 'static {
            tauri::generate_handler![subscribe, $($name),*]
        }
    };
}

headgate_ipc::for_each_command!(wrappers);

/// Streams jobs, changes and drops to the window until it closes.
#[tauri::command]
fn subscribe(
    window: tauri::WebviewWindow,
    app: State<'_, Arc<Running>>,
    drops: State<'_, crate::drop::Listeners>,
    channel: Channel<dto::Event>,
) {
    drops.add(channel.clone());
    let app = Arc::clone(&app);
    tauri::async_runtime::spawn(async move {
        let send = move |event| {
            if matches!(event, dto::Event::Notice(_)) {
                // The window may be behind others; where the desktop cannot show it, the window's own words remain.
                let _ = window.request_user_attention(Some(UserAttentionType::Informational));
            }
            channel.send(event).is_ok()
        };
        // A workstation does nothing by itself, so it has nothing to tell.
        if let Some(app) = app.console() {
            app.stream(send).await;
        }
    });
}
