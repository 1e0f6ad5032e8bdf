//! `headgate refresh`, for a scheduler.

use super::receipt;
use crate::context::Context;
use crate::output::{Answer, Outcome};

pub(crate) async fn run(context: &Context, expired: bool) -> Outcome {
    let workspace = context.workspace().await?;
    if !expired {
        context.console.check_fresh(&workspace.id).await?;
    }
    let job = context.console.refresh(&workspace.id).await?;
    let (job, proof) = context.receipt(&job).await?;
    Ok(Answer::new(
        receipt::document(&job, &proof),
        receipt::text(&job, &proof),
    ))
}
