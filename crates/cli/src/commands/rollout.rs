//! `headgate rollout`.

use headgate_engine::{ChannelDefaults, RolloutChange};
use serde_json::json;

use super::receipt;
use crate::args::RolloutCommand;
use crate::context::Context;
use crate::output::{Answer, Outcome};

pub(crate) async fn run(context: &Context, command: RolloutCommand) -> Outcome {
    let workspace = context.workspace().await?;
    let (place, change) = match command {
        RolloutCommand::Defaults {
            channel,
            start,
            min_hours,
        } => {
            let set = ChannelDefaults {
                start_permille: start,
                min_hours,
                ..ChannelDefaults::default()
            };
            let job = Box::pin(context.console.set_channel(&workspace.id, &channel, set)).await?;
            return receipt::answer(context, &job).await;
        }
        RolloutCommand::Set {
            place,
            build,
            percent,
        } => (
            place,
            RolloutChange::Share {
                build,
                permille: percent,
            },
        ),
        RolloutCommand::Halt(place) => (place, RolloutChange::Halt),
        RolloutCommand::Resume(place) => (place, RolloutChange::Resume),
        RolloutCommand::Complete(place) => (place, RolloutChange::Complete),
        RolloutCommand::RollBack { place, to } => (place, RolloutChange::RollBack { to }),
        RolloutCommand::Embedded(place) => (place, RolloutChange::Embedded),
        RolloutCommand::Freeze(place) => (place, RolloutChange::Freeze),
        RolloutCommand::Unfreeze(place) => (place, RolloutChange::Unfreeze),
    };
    let action = change.word();
    let start = context.console.rollout(
        &workspace.id,
        &context.unit,
        &place.channel,
        change,
        &place.reason,
    );
    let job = Box::pin(start).await?;
    let (job, proof) = context.receipt(&job).await?;
    let mut document = receipt::document(&job, &proof);
    document["action"] = json!(action);
    Ok(Answer::new(document, receipt::text(&job, &proof)))
}
