//! Errors as they cross.

use headgate_core::Problem;

use crate::dto::IpcError;

impl From<Problem> for IpcError {
    fn from(p: Problem) -> Self {
        Self {
            code: p.code.text().into(),
            retryable: p.retryable(),
            message: p.message,
            holds: p.holds,
            remedy: p.remedy,
            detail: p.detail,
            field: p.field,
        }
    }
}
