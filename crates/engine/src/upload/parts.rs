//! Sending one object in parts. Parts and the upload's id are in the journal, so it goes on after a crash.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use headgate_core::{Code, Problem, Result};
use headgate_registry::{Created, PartStore, SentPart};

use super::object::{Sent, aside, blocking, settled, unchanged, unreadable};
use super::{Target, Uploads};
use crate::db::{ObjectState, Step, Upload};

/// Bytes of a part. Larger parts are used only where there would be more than [`MOST`].
pub(super) const PART: u64 = 8 * 1024 * 1024;

/// Most parts of an upload (Amazon S3 multipart upload limits: 10,000).
const MOST: u64 = 10_000;

/// Parts of one object in flight.
const AT_ONCE: usize = 4;

fn part_size(size: u64) -> u64 {
    size.div_ceil(MOST).next_multiple_of(1024 * 1024).max(PART)
}

impl Uploads<'_> {
    pub(super) async fn in_parts(
        &self,
        target: &Target,
        index: usize,
        step: &Step,
        path: &str,
    ) -> Result<Sent> {
        unchanged(path, step).await?;
        let first = self.one_upload(target, index, step, path).await;
        // The storage may have cleaned an old upload away, or another console on this home finished it.
        match first {
            Err(problem) if problem.code == Code::StorageMissing => {
                self.journal
                    .forget_upload(&target.address, &step.key)
                    .await?;
                self.one_upload(target, index, step, path).await
            }
            other => other,
        }
    }

    async fn one_upload(
        &self,
        target: &Target,
        index: usize,
        step: &Step,
        path: &str,
    ) -> Result<Sent> {
        let upload = self.upload(target, index, step).await?;
        let have = self.acknowledged(target, index, step, &upload).await?;
        let sent = AtomicU64::new(have.iter().map(|p| p.size).sum());
        let tell = || {
            let sum = sent.load(Ordering::Relaxed);
            self.watch.step(index, Some(sum), ObjectState::Sending);
        };
        tell();
        let count = u32::try_from(step.size.div_ceil(upload.part_size)).unwrap_or(u32::MAX);
        let upload = &upload;
        let failed = AtomicBool::new(false);
        let sends: Vec<_> = (0..count)
            .filter(|n| have.iter().all(|p| p.number != *n))
            .map(|number| {
                let (sent, tell, failed) = (&sent, &tell, &failed);
                async move {
                    // After a failure nothing new begins, but what is on its way may arrive.
                    if failed.load(Ordering::Relaxed) {
                        return Ok(());
                    }
                    let part = self.part(target, index, step, path, upload, number).await;
                    let part = part.inspect_err(|_| failed.store(true, Ordering::Relaxed))?;
                    self.journal
                        .add_part(&target.address, &step.key, &part)
                        .await?;
                    sent.fetch_add(part.size, Ordering::Relaxed);
                    tell();
                    Ok::<_, Problem>(())
                }
            })
            .collect();
        let results: Vec<Result<()>> = stream::iter(sends)
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        results.into_iter().collect::<Result<()>>()?;
        let parts = self.journal.sent_parts(&target.address, &step.key).await?;
        let parts = &parts;
        let finish = || async move {
            let store = of(target)?;
            let finished = store.finish(&step.key, &upload.upload, parts).await;
            if matches!(finished, Ok(Created::Exists)) {
                // Somebody else was faster; these parts would only cost space.
                let _ = store.abort(&step.key, &upload.upload).await;
            }
            settled(target.store.as_ref(), step, finished).await
        };
        self.tried(index, step, finish).await?;
        self.journal
            .forget_upload(&target.address, &step.key)
            .await?;
        // All its bytes were sent, even if somebody else was faster.
        Ok(Sent::Written)
    }

    /// The upload that was begun for these bytes, or a new one.
    async fn upload(&self, target: &Target, index: usize, step: &Step) -> Result<Upload> {
        if let Some(known) = self.journal.upload(&target.address, &step.key).await? {
            return Ok(known);
        }
        let id = self
            .tried(index, step, || async { of(target)?.begin(&step.key).await })
            .await?;
        let upload = Upload {
            address: target.address.clone(),
            key: step.key.clone(),
            upload: id,
            part_size: part_size(step.size),
        };
        self.journal.begin_upload(&upload, self.world.now()).await?;
        Ok(upload)
    }

    /// Parts that need not be sent again: in the journal, and still at the storage where it can tell.
    async fn acknowledged(
        &self,
        target: &Target,
        index: usize,
        step: &Step,
        upload: &Upload,
    ) -> Result<Vec<SentPart>> {
        let recorded = self.journal.sent_parts(&target.address, &step.key).await?;
        if recorded.is_empty() {
            return Ok(recorded);
        }
        let there = self
            .tried(index, step, || async {
                of(target)?.sent_parts(&step.key, &upload.upload).await
            })
            .await?;
        Ok(match there {
            Some(there) => {
                let kept = |part: &SentPart| {
                    there
                        .iter()
                        .any(|p| p.number == part.number && p.size == part.size)
                };
                recorded.into_iter().filter(kept).collect()
            }
            None => recorded,
        })
    }

    async fn part(
        &self,
        target: &Target,
        index: usize,
        step: &Step,
        path: &str,
        upload: &Upload,
        number: u32,
    ) -> Result<SentPart> {
        let at = u64::from(number) * upload.part_size;
        let size = upload.part_size.min(step.size - at);
        self.tried(index, step, || async move {
            let _lane = target.lane(size).await?;
            let file = path.to_owned();
            let bytes = blocking(move || read(&file, at, size)).await?;
            let (store, key, id) = (
                target.store.clone(),
                step.key.clone(),
                upload.upload.clone(),
            );
            aside(async move {
                let parts = store.parts().ok_or_else(no_parts)?;
                parts.put_part(&key, &id, number, bytes).await
            })
            .await
        })
        .await
    }
}

fn of(target: &Target) -> Result<&dyn PartStore> {
    target.store.parts().ok_or_else(no_parts)
}

fn no_parts() -> Problem {
    Problem::new(Code::Internal, "This storage takes no uploads in parts.")
}

fn read(path: &str, at: u64, size: u64) -> Result<Bytes> {
    let piece = || -> std::io::Result<Vec<u8>> {
        let mut file = std::fs::File::open(path)?;
        file.seek(SeekFrom::Start(at))?;
        let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    };
    piece()
        .map(Bytes::from)
        .map_err(|error| unreadable(path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_eight_mebibytes_until_there_would_be_too_many() {
        assert_eq!(part_size(1), PART);
        assert_eq!(part_size(PART * MOST), PART);
        let huge = PART * MOST + 1;
        assert_eq!(part_size(huge), PART + 1024 * 1024);
        assert!(huge.div_ceil(part_size(huge)) <= MOST);
    }
}
