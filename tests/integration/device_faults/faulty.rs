//! A disk and a network of which one step goes wrong.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use headgate_core::{Code, Problem, Result};
use headgate_device::{Disk, MemoryDisk, Net, PackAnswer};
use headgate_registry::{
    Body, Created, ETag, FolderStore, Object, ObjectMeta, Progress, Store, Swapped,
};
use headgate_tests::{TestClock, pack_of};
use headgate_tuf::sha256_hex;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The process ends in the middle of a write, or before anything else.
    Killed,
    /// Nothing can be written any more in this life.
    Full,
    /// The answer breaks off.
    Cut,
    /// The answer has other bytes.
    Wrong,
    /// The clock jumps by so many days.
    Jump(i64),
}

pub(super) const FAULTS: [Fault; 6] = [
    Fault::Killed,
    Fault::Full,
    Fault::Cut,
    Fault::Wrong,
    Fault::Jump(3_650),
    Fault::Jump(-3_650),
];

/// Counts what a device does, and lets one step go wrong.
pub(super) struct Plan {
    pub(super) fault: Fault,
    pub(super) at: usize,
    pub(super) step: Mutex<usize>,
    pub(super) clock: Arc<TestClock>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Read,
    Write,
    Net,
}

impl Plan {
    /// What happens to this step.
    fn step(&self, kind: Kind) -> Option<Fault> {
        let mut step = self.step.lock().unwrap();
        let (now, hit) = (*step, *step == self.at);
        *step += 1;
        match (self.fault, kind) {
            // The rest of this life does not happen.
            (Fault::Killed, _) => (now >= self.at).then_some(Fault::Killed),
            (Fault::Full, Kind::Write) => (now >= self.at).then_some(Fault::Full),
            (Fault::Cut | Fault::Wrong, Kind::Net) => hit.then_some(self.fault),
            (Fault::Jump(days), _) if hit => {
                self.clock.days(days);
                None
            }
            _ => None,
        }
    }

    pub(super) fn killed(&self) -> bool {
        self.fault == Fault::Killed && *self.step.lock().unwrap() > self.at
    }

    /// Whether its step came.
    pub(super) fn hit(&self) -> bool {
        *self.step.lock().unwrap() > self.at
    }
}

fn broken() -> Problem {
    Problem::new(Code::LocalDisk, "The test broke it.")
}

#[derive(Clone)]
pub(super) struct FaultyDisk {
    pub(super) disk: MemoryDisk,
    pub(super) plan: Arc<Plan>,
}

impl FaultyDisk {
    fn try_to(&self, kind: Kind) -> Result<()> {
        match self.plan.step(kind) {
            Some(Fault::Killed | Fault::Full) => Err(broken()),
            _ => Ok(()),
        }
    }
}

impl Disk for FaultyDisk {
    fn read(&self, path: &str) -> Result<Option<Bytes>> {
        self.try_to(Kind::Read)?;
        self.disk.read(path)
    }

    fn replace(&self, path: &str, bytes: Bytes) -> Result<()> {
        self.try_to(Kind::Write)?;
        self.disk.replace(path, bytes)
    }

    fn put(&self, path: &str, bytes: Bytes) -> Result<()> {
        match self.try_to(Kind::Write) {
            Ok(()) => self.disk.put(path, bytes),
            Err(problem) => {
                // Such a write leaves a part behind.
                let _ = self.disk.put(path, bytes.slice(..bytes.len() / 2));
                Err(problem)
            }
        }
    }

    fn digest(&self, path: &str) -> Result<Option<(String, u64)>> {
        self.try_to(Kind::Read)?;
        self.disk.digest(path)
    }

    fn files(&self, folder: &str) -> Result<Vec<String>> {
        self.try_to(Kind::Read)?;
        self.disk.files(folder)
    }

    fn names(&self, folder: &str) -> Result<Vec<String>> {
        self.try_to(Kind::Read)?;
        self.disk.names(folder)
    }

    fn place(&self, from: &str, to: &str) -> Result<()> {
        self.try_to(Kind::Write)?;
        self.disk.place(from, to)
    }

    fn remove(&self, path: &str) -> Result<()> {
        self.try_to(Kind::Write)?;
        self.disk.remove(path)
    }

    fn scratch(&self) -> Result<PathBuf> {
        self.try_to(Kind::Write)?;
        self.disk.scratch()
    }
}

/// The storage without a network in between, so that hundreds of lives are lived in seconds.
#[derive(Clone)]
pub(super) struct FaultyNet {
    pub(super) storage: PathBuf,
    pub(super) plan: Arc<Plan>,
}

impl FaultyNet {
    fn spoil(&self, bytes: Bytes) -> Result<Bytes> {
        match self.plan.step(Kind::Net) {
            None => Ok(bytes),
            Some(Fault::Wrong) => {
                let mut wrong = bytes.to_vec();
                let middle = wrong.len() / 2;
                wrong[middle] ^= 1;
                Ok(wrong.into())
            }
            Some(_) => Err(Problem::new(Code::StorageIo, "The test broke it.")),
        }
    }
}

#[async_trait]
impl Net for FaultyNet {
    async fn pack(&self, _: Option<&ETag>) -> Result<PackAnswer> {
        let pack = pack_of(&self.storage, "http://nowhere.example");
        let bytes = self.spoil(serde_json::to_vec(&pack).unwrap().into())?;
        let etag = ETag(String::new());
        Ok(PackAnswer::Pack { bytes, etag })
    }

    fn objects(&self, _: &str) -> Result<Arc<dyn Store>> {
        Ok(Arc::new(self.clone()))
    }

    async fn report(&self, report: Vec<u8>) -> Result<()> {
        self.spoil(report.into()).map(|_| ())
    }
}

#[async_trait]
impl Store for FaultyNet {
    fn address(&self) -> String {
        "the test".into()
    }

    async fn get(&self, key: &str, max: u64) -> Result<Option<Object>> {
        let store = FolderStore::open(&self.storage)?;
        let Some(mut object) = store.get(key, max).await? else {
            return Ok(None);
        };
        object.bytes = self.spoil(object.bytes)?;
        Ok(Some(object))
    }

    async fn head(&self, _: &str) -> Result<Option<ObjectMeta>> {
        unreachable!("no device asks for it")
    }

    async fn hash(&self, _: &str, _: Progress<'_>) -> Result<Option<(String, u64)>> {
        unreachable!("no device asks for it")
    }

    async fn download(
        &self,
        key: &str,
        to: &std::path::Path,
        max: u64,
        _: Progress<'_>,
    ) -> Result<Option<(String, u64)>> {
        let store = FolderStore::open(&self.storage)?;
        let bytes = store.get(key, max).await?.unwrap().bytes;
        let bytes = self.spoil(bytes)?;
        std::fs::write(to, &bytes).unwrap();
        Ok(Some((sha256_hex(&bytes), bytes.len() as u64)))
    }

    async fn create(&self, _: &str, _: Body, _: Progress<'_>) -> Result<Created> {
        unreachable!("no device writes")
    }

    async fn swap(&self, _: &str, _: Bytes, _: Option<&ETag>) -> Result<Swapped> {
        unreachable!("no device writes")
    }

    async fn list(&self, _: &str) -> Result<Vec<String>> {
        unreachable!("no device lists")
    }
}
