//! Uploads in words: targets, and those of thousands of objects that are worth a row.

use headgate_engine::{ObjectState, StepView, TargetView};

use crate::dto::{self, IpcError};

/// Rows at most.
const ROWS: usize = 200;

/// Finished rows that stay above those that move.
const FINISHED: usize = 20;

pub(crate) fn target(target: &TargetView) -> dto::JobTarget {
    dto::JobTarget {
        role: if target.mirror { "mirror" } else { "registry" }.into(),
        name: name(&target.address),
        address: target.address.clone(),
        state: target.state.into(),
        bytes_done: target.done,
        bytes_total: target.total,
        speed: target.speed,
        seconds_left: target.seconds_left,
        objects_done: target.objects_done,
        objects_total: target.objects_total,
        retry: target.retry.as_ref().map(|retry| dto::JobRetry {
            why: retry.why.clone(),
            attempt: retry.attempt,
            of: retry.of,
            in_ms: retry.in_ms,
        }),
        error: target.error.clone().map(IpcError::from),
    }
}

/// "S3 bucket field-updates", "Folder ota".
fn name(address: &str) -> String {
    if let Some(rest) = address.strip_prefix("s3://") {
        let bucket = rest.split(['/', '?']).next().unwrap_or(rest);
        return format!("S3 bucket {bucket}");
    }
    let path = address.strip_prefix("file://").unwrap_or(address);
    let last = path
        .trim_end_matches(['/', '\\'])
        .rsplit(['/', '\\'])
        .next();
    format!("Folder {}", last.unwrap_or(path))
}

/// Objects worth a row: those that move or failed, then the newest finished, then the next queued; in the order of
/// writing. Metadata always has its rows: there is little of it.
pub(crate) fn objects(steps: &[StepView]) -> Vec<dto::JobObject> {
    let mut chosen: Vec<usize> = Vec::new();
    let state = |wanted: &'static [ObjectState]| {
        let all = steps.iter().enumerate();
        all.filter(move |(_, s)| wanted.contains(&s.state))
            .map(|(index, _)| index)
    };
    let moving = [
        ObjectState::Sending,
        ObjectState::Retrying,
        ObjectState::Failed,
    ];
    if steps.len() <= ROWS {
        return steps.iter().map(object).collect();
    }
    chosen.extend(
        steps
            .iter()
            .enumerate()
            .filter(|(_, s)| s.path.is_none() || moving.contains(&s.state))
            .map(|(index, _)| index)
            .take(ROWS - FINISHED),
    );
    let done: Vec<usize> = state(&[ObjectState::Done]).collect();
    chosen.extend(done.iter().rev().take(FINISHED));
    chosen.extend(state(&[ObjectState::Pending]));
    chosen.extend(state(&[ObjectState::Skipped]));
    let mut seen = std::collections::HashSet::new();
    chosen.retain(|index| seen.insert(*index));
    chosen.truncate(ROWS);
    chosen.sort_unstable();
    chosen.iter().map(|index| object(&steps[*index])).collect()
}

fn object(s: &StepView) -> dto::JobObject {
    dto::JobObject {
        name: s.key.clone(),
        path: s.path.clone(),
        target: s.target,
        sha256: s.sha256.clone(),
        size: s.size,
        sent: s.sent,
        state: state(s.state).into(),
    }
}

fn state(state: ObjectState) -> &'static str {
    match state {
        ObjectState::Pending => "queued",
        ObjectState::Sending => "sending",
        ObjectState::Retrying => "retrying",
        ObjectState::Failed => "failed",
        ObjectState::Done => "done",
        ObjectState::Skipped => "skipped",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(n: usize, state: ObjectState) -> StepView {
        StepView {
            key: format!("files/{n}"),
            path: Some(format!("{n}.js")),
            target: 0,
            sha256: String::new(),
            size: 10,
            sent: 0,
            state,
        }
    }

    #[test]
    fn of_thousands_those_that_move_are_shown_with_what_is_around_them() {
        let mut steps: Vec<StepView> = (0..4_000)
            .map(|n| {
                step(
                    n,
                    if n < 2_000 {
                        ObjectState::Done
                    } else {
                        ObjectState::Pending
                    },
                )
            })
            .collect();
        steps[2_000].state = ObjectState::Sending;
        steps[3_999].state = ObjectState::Failed;
        let rows = objects(&steps);
        assert_eq!(rows.len(), ROWS);
        assert_eq!(rows[0].name, "files/1980");
        assert!(rows.iter().any(|r| r.state == "sending"));
        assert!(rows.iter().any(|r| r.state == "failed"));
        assert_eq!(rows.iter().filter(|r| r.state == "done").count(), FINISHED);
    }

    #[test]
    fn a_target_is_named_by_what_it_is() {
        let s3 = "s3://field-updates/ota?region=eu-north-1";
        assert_eq!(name(s3), "S3 bucket field-updates");
        assert_eq!(name("file:///srv/ota/"), "Folder ota");
        assert_eq!(name(r"C:\data\ota"), "Folder ota");
    }
}
