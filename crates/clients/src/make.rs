//! Making the artifacts: hashed, signed and encrypted in the signer, written below the work folder.

use std::fs::File;
use std::io::{BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use headgate_bundle::pack;
use headgate_core::clients::{
    CapgoClients, CapgoFile, CapgoFiles, CapgoZip, ClientKey, IONIC_MANIFEST, IonicClients,
    ObjectRef, Wanted,
};
use headgate_core::files::{Encoding, FilesMap, StoredFile};
use headgate_core::inventory::{Inventory, InventoryFile};
use headgate_core::manifest::ReleaseManifest;
use headgate_core::{Code, Problem, Result};
use headgate_signer::{CapgoSealer, Hashed, HashedBytes, IonicFiles, RsaSigner};
use headgate_tuf::sha256_hex;

use crate::Made;
use crate::content::{Content, disk, open};

/// A Brotli stream of no bytes that Capgo's plugin knows by its bytes (`DownloadService.java`). Encrypted as it is, an
/// empty file would fail on the device: "Empty decrypted data".
const EMPTY: [u8; 3] = [0x1b, 0x00, 0x06];

/// Bytes that are read at a time.
const BLOCK: usize = 256 * 1024;

/// From here a file is synced, bytes.
const SYNCED: u64 = 1024 * 1024;

/// What the artifacts are made of.
pub struct Order<'a> {
    /// The release.
    pub manifest: &'a ReleaseManifest,
    /// Its files, as they are signed.
    pub inventory: &'a Inventory,
    /// How they are stored, where the release delivers single files.
    pub map: Option<&'a FilesMap>,
    /// Where they are read.
    pub content: Content,
    /// Who signs; nothing where the channel has no key.
    pub signer: Option<&'a RsaSigner>,
    /// Where to write. It must exist.
    pub folder: &'a Path,
}

/// Makes what a channel's plugins need. Every file is hashed anew, and only what the inventory names is signed.
///
/// # Errors
/// `trust.hash` when a file is another one than is signed; `build.changed` when the bundle changes meanwhile; `key.*`;
/// `trust.signature` where signatures are repeated and one is missing; `local.disk`; `job.cancelled` after `cancel`
/// became true.
pub fn make(
    order: Order<'_>,
    wanted: &Wanted,
    cancel: &AtomicBool,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Made> {
    Workshop {
        content: order.content,
        inventory: order.inventory,
        map: order.map,
        manifest: order.manifest,
        signer: order.signer,
        folder: order.folder,
        cancel,
        progress,
        objects: Mutex::default(),
    }
    .run(wanted.clone())
}

/// One file: its place in the inventory, its hash, and how it is delivered singly.
type One = (usize, HashedBytes, Option<CapgoFile>);

struct Workshop<'a> {
    content: Content,
    inventory: &'a Inventory,
    map: Option<&'a FilesMap>,
    manifest: &'a ReleaseManifest,
    signer: Option<&'a RsaSigner>,
    folder: &'a Path,
    cancel: &'a AtomicBool,
    progress: &'a (dyn Fn(u64, u64) + Sync),
    objects: Mutex<Vec<(String, PathBuf, u64)>>,
}

impl Workshop<'_> {
    fn run(self, wanted: Wanted) -> Result<Made> {
        let sealer = match self.signer.filter(|_| wanted.capgo) {
            Some(signer) => Some(signer.capgo()?),
            None => None,
        };
        let (hashes, signed) = self.files(sealer.as_ref())?;
        let capgo = match &sealer {
            Some(sealer) => Some(self.capgo(sealer, signed)?),
            None => None,
        };
        let ionic = if wanted.ionic {
            Some(self.ionic(&hashes)?)
        } else {
            None
        };
        let key = wanted.public()?.map(|public| ClientKey {
            capgo_id: public.capgo_id(),
            sha256: public.sha256(),
        });
        let mut objects = self.objects.into_inner().unwrap_or_default();
        objects.sort();
        objects.dedup_by(|a, b| a.0 == b.0);
        Ok(Made {
            wanted,
            bundle: self.manifest.bundle.sha256.clone(),
            key,
            capgo,
            ionic,
            objects,
        })
    }

    /// Hashes every file, and signs and encrypts it where single files are delivered. Each core takes every n-th file.
    fn files(
        &self,
        sealer: Option<&CapgoSealer<'_>>,
    ) -> Result<(Vec<HashedBytes>, Vec<CapgoFile>)> {
        let files = &self.inventory.files;
        let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let (total, done) = (self.inventory.size(), Mutex::new(0));
        let stop = AtomicBool::new(false);
        let one = |place: usize, file: &InventoryFile| -> Result<One> {
            let hashed = self.hash(file)?;
            let stored = self.map.and_then(|map| map.files.get(place));
            let signed = match (sealer, stored) {
                (Some(sealer), Some(stored)) => Some(self.seal(sealer, stored, &hashed)?),
                _ => None,
            };
            let mut done = lock(&done);
            *done += file.size;
            (self.progress)(*done, total);
            Ok((place, hashed, signed))
        };
        let share = |first: usize| -> Result<Vec<One>> {
            let mine = files.iter().enumerate().skip(first).step_by(threads);
            mine.take_while(|_| !stop.load(Ordering::Relaxed))
                .map(|(place, file)| {
                    one(place, file).inspect_err(|_| stop.store(true, Ordering::Relaxed))
                })
                .collect()
        };
        let share = &share;
        let mut results = std::thread::scope(|scope| {
            let running: Vec<_> = (0..threads)
                .map(|first| scope.spawn(move || share(first)))
                .collect();
            let mut all = Vec::with_capacity(files.len());
            let mut failed = None;
            for thread in running {
                match thread.join() {
                    Ok(Ok(part)) => all.extend(part),
                    Ok(Err(problem)) => drop(failed.get_or_insert(problem)),
                    Err(_) => {
                        let what = "A thread that signs files ended badly.";
                        failed.get_or_insert(Problem::new(Code::Internal, what));
                    }
                }
            }
            failed.map_or(Ok(all), Err)
        })?;
        results.sort_by_key(|(place, ..)| *place);
        let mut hashes = Vec::with_capacity(results.len());
        let mut signed = Vec::new();
        for (_, hash, file) in results {
            hashes.push(hash);
            signed.extend(file);
        }
        Ok((hashes, signed))
    }

    /// Only what the inventory names is signed.
    fn hash(&self, file: &InventoryFile) -> Result<HashedBytes> {
        self.go_on()?;
        let mut hashed = Hashed::new();
        self.content.plain(&file.path, &mut hashed, self.cancel)?;
        let hashed = hashed.finish();
        if hashed.sha256() == file.sha256 && hashed.size() == file.size {
            return Ok(hashed);
        }
        let what = "A file of the release is not what its inventory names.";
        Err(Problem::new(Code::TrustHash, what).detail(&file.path))
    }

    fn seal(
        &self,
        sealer: &CapgoSealer<'_>,
        file: &StoredFile,
        hashed: &HashedBytes,
    ) -> Result<CapgoFile> {
        let part = tempfile::NamedTempFile::new_in(self.folder).map_err(|e| self.disk(&e))?;
        let mut out = sealer.encrypt(BufWriter::new(part));
        let mut brotli = true;
        if file.size == 0 {
            out.write_all(&EMPTY).map_err(|e| self.disk(&e))?;
        } else if file.path.ends_with(".br") {
            // The device takes every name on .br for a Brotli stream, so a file that really is called so needs a
            // stream around it.
            self.content.brotli(&file.path, &mut out, self.cancel)?;
        } else {
            brotli = file.stored.encoding == Encoding::Brotli;
            self.content
                .stored(&file.path, &file.stored, &mut out, self.cancel)?;
        }
        let (part, object) = out.finish().map_err(|e| self.disk(&e))?;
        let part = part.into_inner().map_err(|e| self.disk(e.error()))?;
        self.keep(part, &object)?;
        Ok(CapgoFile {
            path: file.path.clone(),
            brotli,
            file_hash: sealer.sign(hashed)?,
            object,
        })
    }

    fn capgo(&self, sealer: &CapgoSealer<'_>, signed: Vec<CapgoFile>) -> Result<CapgoClients> {
        let zip = match self.content.bundle() {
            Some(path) if self.manifest.delivers_zip() => Some(self.sealed_zip(sealer, path)?),
            _ => None,
        };
        let files = match signed.is_empty() {
            true => None,
            false => Some(self.put(&CapgoFiles { files: signed }.to_bytes()?)?),
        };
        Ok(CapgoClients {
            session_key: sealer.session_key().to_owned(),
            zip,
            files,
        })
    }

    fn sealed_zip(&self, sealer: &CapgoSealer<'_>, bundle: &Path) -> Result<CapgoZip> {
        let part = tempfile::NamedTempFile::new_in(self.folder).map_err(|e| self.disk(&e))?;
        let mut out = sealer.encrypt(part);
        let (mut hashed, mut file) = (Hashed::new(), open(bundle)?);
        let mut block = vec![0; BLOCK];
        loop {
            self.go_on()?;
            let got = file.read(&mut block).map_err(|e| disk(bundle, &e))?;
            if got == 0 {
                break;
            }
            let put = hashed.write_all(&block[..got]);
            put.and_then(|()| out.write_all(&block[..got]))
                .map_err(|e| self.disk(&e))?;
        }
        let hashed = hashed.finish();
        if hashed.sha256() != self.manifest.bundle.sha256 {
            let what = "The bundle changed while it was signed.";
            return Err(Problem::new(Code::BuildChanged, what));
        }
        let (part, object) = out.finish().map_err(|e| self.disk(&e))?;
        self.keep(part, &object)?;
        Ok(CapgoZip {
            checksum: sealer.sign(&hashed)?,
            object,
        })
    }

    fn ionic(&self, hashes: &[HashedBytes]) -> Result<IonicClients> {
        let mut files = IonicFiles::new();
        for (file, hashed) in self.inventory.files.iter().zip(hashes) {
            // One that came with the web build is replaced by ours, and no manifest lists itself.
            if file.path != IONIC_MANIFEST {
                files.add(&file.path, hashed);
            }
        }
        let manifest = files.manifest(self.signer)?;
        let zip = match self.content.bundle() {
            Some(bundle) if self.manifest.delivers_zip() => {
                let out = self.folder.join("ionic.zip");
                let (sha256, size) =
                    pack::with_file(bundle, IONIC_MANIFEST, &manifest, &out, self.cancel)?;
                let object = ObjectRef { sha256, size };
                let to = self.folder.join(&object.sha256);
                std::fs::rename(&out, &to).map_err(|e| self.disk(&e))?;
                self.note(&object, to);
                Some(object)
            }
            _ => None,
        };
        Ok(IonicClients {
            manifest: self.put(&manifest)?,
            zip,
        })
    }

    fn put(&self, bytes: &[u8]) -> Result<ObjectRef> {
        let object = ObjectRef {
            sha256: sha256_hex(bytes),
            size: bytes.len() as u64,
        };
        let mut part = tempfile::NamedTempFile::new_in(self.folder).map_err(|e| self.disk(&e))?;
        part.write_all(bytes).map_err(|e| self.disk(&e))?;
        self.keep(part, &object)?;
        Ok(object)
    }

    /// Gives a file its name. A large one must be on disk before the journal names it; small ones are made again after
    /// a power cut.
    fn keep(&self, part: tempfile::NamedTempFile, object: &ObjectRef) -> Result<()> {
        let to = self.folder.join(&object.sha256);
        if object.size > SYNCED {
            part.as_file().sync_all().map_err(|e| self.disk(&e))?;
        }
        let kept: std::result::Result<File, _> = part.persist(&to);
        kept.map_err(|e| self.disk(&e.error))?;
        self.note(object, to);
        Ok(())
    }

    fn note(&self, object: &ObjectRef, path: PathBuf) {
        lock(&self.objects).push((object.sha256.clone(), path, object.size));
    }

    fn disk(&self, error: &std::io::Error) -> Problem {
        disk(self.folder, error)
    }

    fn go_on(&self) -> Result<()> {
        if self.cancel.load(Ordering::SeqCst) {
            let what = "The job was stopped while the bundle was signed for plugins.";
            return Err(Problem::new(Code::JobCancelled, what));
        }
        Ok(())
    }
}

/// A thread that panicked left nothing half done behind these locks: each holds whole values.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
