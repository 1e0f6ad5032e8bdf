//! Packs a folder, finds the stored bytes of its single files twice (without and with a cache), and
//! prints time and peak memory. `pack_bench` makes folders for it.
//!
//! `cargo run --release -p headgate-bundle --example store_bench -- FOLDER`

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use headgate_bundle::{BundleFiles, Limits, PackOptions, WebBuild, pack};
use headgate_core::files::{Encoding, FilesMap, objects};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("name a folder")?;
    let out = tempfile::tempdir()?;
    let bundle = out.path().join("bundle.zip");
    let never = AtomicBool::new(false);
    let build = WebBuild::open(Path::new(&folder), &Limits::default(), &[])?;
    let packed = pack(&build, &bundle, &PackOptions::default(), &|_, _| (), &never)?;

    let start = Instant::now();
    let files = BundleFiles::open(&bundle)?;
    let opened = start.elapsed();
    let stored = files.store(&packed.inventory, &|_| None, &never, &|_, _| ())?;
    let cold = start.elapsed();
    let cache: HashMap<_, _> = stored.iter().map(|f| (&f.sha256, &f.stored)).collect();
    let start = Instant::now();
    let known = |sha256: &str| cache.get(&sha256.to_owned()).map(|s| (*s).clone());
    let again = files.store(&packed.inventory, &known, &never, &|_, _| ())?;
    let warm = start.elapsed();
    if again != stored {
        return Err("the cache changed the result".into());
    }
    let start = Instant::now();
    for file in &stored {
        files.stored_bytes(&file.path, &file.stored)?;
    }
    let bytes_again = start.elapsed();

    let set = objects(&stored);
    let size: u64 = set.iter().map(|f| f.stored.size).sum();
    let brotli = stored
        .iter()
        .filter(|f| f.stored.encoding == Encoding::Brotli);
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|l| l.starts_with("VmHWM:"));
    let map = FilesMap {
        files: stored.clone(),
    };
    writeln!(
        io::stdout().lock(),
        "{} files, {} bytes; zip {} bytes\n{} objects, {} bytes, {} files as Brotli; files map {} bytes\n\
         open {opened:?}, store {cold:?}, store with all known {warm:?}, all stored bytes again on one thread {bytes_again:?}\n{}",
        stored.len(),
        packed.inventory.size(),
        packed.size,
        set.len(),
        size,
        brotli.count(),
        map.to_bytes()?.len(),
        peak.unwrap_or_default(),
    )?;
    Ok(())
}
