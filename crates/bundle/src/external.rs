//! A zip that lies elsewhere is the bundle as it is: devices download it unchanged, so nothing can be put right here.

use std::sync::atomic::AtomicBool;

use headgate_core::Result;
use headgate_core::inventory::{Inventory, InventoryFile};
use sha2::{Digest, Sha256};

use crate::pack::{Meter, check_cancel};
use crate::{Packed, Packer, WebBuild};

/// Name of the packer in the release manifest: what made the zip is not known.
pub const EXTERNAL: &str = "external";

/// Takes an opened zip over as a bundle, without packing it: reads every file for the inventory. `sha256` and `size`
/// are those of the zip as it lies at its address.
///
/// `progress` gets uncompressed bytes (done, total), at most 200 times and at the end.
///
/// # Errors
/// `build.no_index` when its files lie in a folder, `build.path` for names that would have to be changed;
/// `zip.*`, `build.unreadable`, `build.changed` when a file cannot be read; `job.cancelled`.
pub fn take_over(
    build: &WebBuild,
    sha256: &str,
    size: u64,
    progress: &(dyn Fn(u64, u64) + Sync),
    cancel: &AtomicBool,
) -> Result<Packed> {
    build.check_verbatim()?;
    let mut inventory = Inventory {
        files: Vec::with_capacity(build.files().len()),
    };
    let mut meter = Meter::new(build.size(), progress);
    let mut buf = vec![0; 256 * 1024];
    for file in build.files() {
        let mut hash = Sha256::new();
        let mut stream = build.stream(file)?;
        loop {
            check_cancel(cancel)?;
            let got = stream.fill(&mut buf)?;
            hash.update(&buf[..got]);
            if got < buf.len() {
                break;
            }
        }
        inventory.files.push(InventoryFile {
            path: file.path.clone(),
            size: file.size,
            sha256: hex::encode(hash.finalize()),
        });
        meter.add(file.size);
    }
    build.check_unchanged()?;
    let inventory_bytes = inventory.to_bytes()?;
    Ok(Packed {
        sha256: sha256.to_owned(),
        size,
        inventory_sha256: hex::encode(Sha256::digest(&inventory_bytes)),
        inventory,
        inventory_bytes,
        excluded: Vec::new(),
        packer: Packer {
            name: EXTERNAL.into(),
            version: "unknown".into(),
            level: 0,
        },
    })
}
