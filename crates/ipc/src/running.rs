//! What runs behind the window: the console, or an offline workstation without it.

use crate::dto::{self, IpcError};
use crate::{App, OfflineApp};

/// The application in one of its two modes.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one of them in a process"
)]
pub enum Running {
    /// The console.
    Console(App),
    /// An offline workstation: no engine, no synchronisation, no socket.
    Offline(OfflineApp),
}

impl Running {
    /// The console; nothing on an offline workstation.
    pub fn console(&self) -> Option<&App> {
        match self {
            Self::Console(app) => Some(app),
            Self::Offline(_) => None,
        }
    }
}

macro_rules! running {
    ($($(#[$doc:meta])* $name:ident($request:ident) -> $answer:ident;)*) => {
        impl Running {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// The handler's own; `usage.unknown` for a command of the other mode.
                pub async fn $name(&self, request: dto::$request) -> Result<dto::$answer, IpcError> {
                    match self {
                        Self::Console(app) => app.$name(request).await,
                        Self::Offline(app) => app.answer(stringify!($name), &request).await,
                    }
                }
            )*
        }
    };
}

crate::for_each_command!(running);
