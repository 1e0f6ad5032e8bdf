//! Invariants: no panic; what is accepted is written back as the same bytes; an accepted zip packs, and
//! the bundle reads back as its inventory says.

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use headgate_bundle::read::ZipArchive;
use headgate_bundle::single::unstore;
use headgate_bundle::{
    BundleFiles, InspectContext, Limits, PackOptions, Packed, WebBuild, inspect, pack,
};
use headgate_core::files::{Encoding, FilesMap};
use headgate_core::{Inventory, ReleaseManifest, Result, RolloutDocument};
use headgate_tuf::{Envelope, RoleBytes, canonical, strict};

/// So small that mutated headers reach every limit, and that a case stays quick.
pub const LIMITS: Limits = Limits {
    files: 32,
    file_bytes: 1 << 20,
    total_bytes: 4 << 20,
    path_bytes: 100,
};
/// Most that stored bytes may give.
pub const UNSTORED: u64 = 1 << 20;

static NEVER: AtomicBool = AtomicBool::new(false);

/// Gives whether the input was accepted.
pub fn inventory(bytes: &[u8]) -> bool {
    let Ok(read) = Inventory::parse(bytes) else {
        return false;
    };
    assert_eq!(read.to_bytes().unwrap(), bytes);
    let _ = read.size();
    true
}

/// Gives whether the input was accepted.
pub fn files_map(bytes: &[u8]) -> bool {
    let Ok(read) = FilesMap::parse(bytes) else {
        return false;
    };
    assert_eq!(read.to_bytes().unwrap(), bytes);
    assert!(headgate_core::files::objects(&read.files).len() <= read.files.len());
    true
}

/// Gives whether the input was accepted.
pub fn manifest(bytes: &[u8]) -> bool {
    let Ok(read) = ReleaseManifest::parse(bytes) else {
        return false;
    };
    assert_eq!(read.to_bytes().unwrap(), bytes);
    read.check().unwrap();
    true
}

/// Gives whether the input was accepted.
pub fn rollout(bytes: &[u8]) -> bool {
    let Ok(read) = RolloutDocument::parse(bytes) else {
        return false;
    };
    assert_eq!(read.to_bytes().unwrap(), bytes);
    read.check().unwrap();
    let _ = (read.serving(), read.names().count());
    true
}

/// Gives whether the input was accepted.
pub fn metadata(bytes: &[u8]) -> bool {
    let Ok(read) = Envelope::parse(bytes) else {
        return false;
    };
    let signed = read.signed().as_bytes();
    // Exactly the bytes that stand in the file are those that a signature covers.
    assert!(bytes.windows(signed.len()).any(|w| w == signed));
    assert_eq!(&RoleBytes::from_bytes(signed).unwrap(), read.signed());
    let value = strict::parse(signed, signed.len()).unwrap();
    assert_eq!(canonical::to_vec(&value).unwrap(), signed);
    let again = read.to_bytes().unwrap();
    let read_again = Envelope::parse(&again).unwrap();
    assert_eq!(read_again, read);
    assert_eq!(read_again.to_bytes().unwrap(), again);
    true
}

/// Gives whether the input was accepted.
pub fn json(bytes: &[u8]) -> bool {
    let Ok(value) = strict::parse(bytes, bytes.len()) else {
        return false;
    };
    let form = canonical::to_vec(&value).unwrap();
    assert_eq!(strict::parse(&form, form.len()).unwrap(), value);
    assert_eq!(canonical::to_vec(&value).unwrap(), form);
    // A common reader sees the same.
    assert_eq!(
        serde_json::from_slice::<serde_json::Value>(bytes).unwrap(),
        value
    );
    true
}

/// Gives whether the input was accepted.
pub fn stored(bytes: &[u8]) -> bool {
    let plain = unstore(bytes, Encoding::Plain, UNSTORED);
    assert_eq!(plain.is_ok(), bytes.len() as u64 <= UNSTORED);
    match unstore(bytes, Encoding::Brotli, UNSTORED) {
        Ok(file) => {
            assert!(file.len() as u64 <= UNSTORED);
            true
        }
        Err(_) => false,
    }
}

/// Gives whether the input was accepted; one in four is packed too.
pub fn zip(bytes: &[u8]) -> bool {
    thread_local! {
        static FOLDER: tempfile::TempDir = {
            let memory = Path::new("/dev/shm");
            let place = if memory.is_dir() { memory } else { &std::env::temp_dir() };
            tempfile::tempdir_in(place).unwrap()
        };
    }
    FOLDER.with(|folder| zip_in(folder.path(), bytes))
}

fn zip_in(folder: &Path, bytes: &[u8]) -> bool {
    let [path, one, two] = ["in.zip", "one.zip", "two.zip"].map(|name| folder.join(name));
    fs::write(&path, bytes).unwrap();
    let Ok(archive) = ZipArchive::open(&path, &LIMITS) else {
        return false;
    };
    let declared: u64 = archive.entries().iter().map(|e| e.size).sum();
    assert!(declared <= LIMITS.total_bytes && archive.entries().len() <= LIMITS.files);
    let mut buf = vec![0; 4096];
    let mut whole = true;
    for (n, entry) in archive.entries().iter().enumerate() {
        let mut stream = archive.stream(n).unwrap();
        let mut read = 0;
        while let Ok(got) = stream.fill(&mut buf) {
            read += got as u64;
            if got < buf.len() {
                break;
            }
        }
        assert!(read <= entry.size);
        whole &= read == entry.size;
    }
    // The dear steps on some of the inputs, always the same ones.
    let some = |n: u32| crc32fast::hash(bytes).is_multiple_of(n);
    if !some(4) {
        return whole;
    }
    let Ok(build) = WebBuild::open(&path, &LIMITS, &[]) else {
        return false;
    };
    let packed = pack_one(&build, &one);
    // The dear steps on some of the inputs, always the same ones.
    let some = |n: u32| crc32fast::hash(bytes).is_multiple_of(n);
    let inspected = some(4).then(|| inspect(&build, &InspectContext::default(), &NEVER).map(drop));
    let left = fs::read_dir(folder).unwrap().count();
    let Ok(packed) = packed else {
        assert_eq!(left, 1, "something was left behind");
        return false;
    };
    assert_eq!(left, 2, "something was left behind");
    // What packs can be inspected: both read every text file.
    if let Some(inspected) = inspected {
        inspected.unwrap();
    }
    assert_eq!(
        Inventory::parse(&packed.inventory_bytes).unwrap(),
        packed.inventory
    );
    let bundle = ZipArchive::open(&one, &LIMITS).unwrap();
    bundle.check_against(&packed.inventory).unwrap();
    if some(16) {
        pack_again(&one, &two, &packed);
        single_files(&one, &packed);
        fs::remove_file(&two).unwrap();
    }
    fs::remove_file(&one).unwrap();
    true
}

/// Packing is its own fixed point.
fn pack_again(one: &Path, two: &Path, packed: &Packed) {
    let again = pack_one(&WebBuild::open(one, &LIMITS, &[]).unwrap(), two).unwrap();
    assert_eq!((&again.sha256, again.size), (&packed.sha256, packed.size));
    assert_eq!(again.inventory_bytes, packed.inventory_bytes);
}

fn pack_one(build: &WebBuild, out: &Path) -> Result<Packed> {
    let options = PackOptions {
        threads: 1,
        ..PackOptions::default()
    };
    pack(build, out, &options, &|_, _| (), &NEVER)
}

fn single_files(bundle: &Path, packed: &Packed) {
    let open = BundleFiles::open(bundle).unwrap();
    let files = open
        .store(&packed.inventory, &|_| None, &NEVER, &|_, _| ())
        .unwrap();
    for file in &files {
        let bytes = open.stored_bytes(&file.path, &file.stored).unwrap();
        let plain = unstore(&bytes, file.stored.encoding, file.size).unwrap();
        assert_eq!(plain.len() as u64, file.size);
    }
    let map = FilesMap { files };
    map.check_against(&packed.inventory).unwrap();
    assert!(files_map(&map.to_bytes().unwrap()));
}
