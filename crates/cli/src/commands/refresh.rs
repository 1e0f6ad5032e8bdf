//! `headgate refresh`, for a scheduler.

use super::receipt;
use crate::context::Context;
use crate::output::Outcome;

pub(crate) async fn run(context: &Context, expired: bool) -> Outcome {
    let workspace = context.workspace().await?;
    if !expired {
        context.console.check_fresh(&workspace.id).await?;
    }
    let job = context.console.refresh(&workspace.id).await?;
    receipt::answer(context, &job).await
}
