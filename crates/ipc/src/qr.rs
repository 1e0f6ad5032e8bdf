//! QR codes for both windows: the console shows requests, the workstation answers and keys.

use headgate_core::{Code, Problem, Result};
use headgate_offline::qr;

use crate::dto;

/// A file as squares; nothing when it does not fit.
pub(crate) fn code(file: &[u8]) -> Option<dto::QrSquares> {
    squares(file).ok()
}

/// As [`code`].
///
/// # Errors
/// `usage.argument` when it does not fit.
pub(crate) fn squares(file: &[u8]) -> Result<dto::QrSquares> {
    let squares = qr::squares(file)?;
    Ok(dto::QrSquares {
        side: squares.side,
        path: squares.path(),
    })
}

/// Disk, keychain, pictures and passphrases may take a while: never on the thread that draws.
pub(crate) async fn off<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|e| Problem::new(Code::Internal, format!("The work broke off: {e}.")))?
}
