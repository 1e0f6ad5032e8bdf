//! Manifests of Ionic's clients: the list of a bundle's files with their hashes.
//!
//! Two forms of one list: `live-update-manifest.json` of the Live Updates SDK and Portals wraps it into
//! `{"payload": base64}`, cordova-plugin-ionic reads the array itself. Shape as in public files that Ionic's own
//! command line made: compact JSON, keys in the order href, size, integrity, entries sorted by path bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::clients::IONIC_MANIFEST;
use crate::{Code, Inventory, Problem, Result};

/// Name of the manifest of cordova-plugin-ionic, fixed by it.
pub const CORDOVA_MANIFEST: &str = "pro-manifest.json";

#[derive(Serialize)]
struct PayloadFile<'a> {
    href: &'a str,
    size: u64,
    integrity: String,
}

/// Whether a path can be an `href`: clients resolve it against the manifest's address without escaping it, so `?` and
/// `#` would end the path.
pub fn is_href(path: &str) -> bool {
    !path.contains(['?', '#'])
}

/// Whether a file of a bundle is in its manifests. The manifests themselves are not: they would have to hold their own hash.
pub fn is_listed(path: &str) -> bool {
    path != IONIC_MANIFEST && path != CORDOVA_MANIFEST
}

/// The plain array that cordova-plugin-ionic reads, and the payload of the other form.
///
/// # Errors
/// `trust.format` when a hash of the inventory is none.
pub fn plain_manifest(inventory: &Inventory) -> Result<Vec<u8>> {
    let listed = inventory.files.iter().filter(|f| is_listed(&f.path));
    let files = listed.map(|file| {
        let digest = hex::decode(&file.sha256).map_err(|e| {
            let what = format!("The hash of {:?} is none: {e}", file.path);
            Problem::new(Code::TrustFormat, what)
        })?;
        Ok(PayloadFile {
            href: &file.path,
            size: file.size,
            integrity: format!("sha256-{}", STANDARD.encode(digest)),
        })
    });
    let files = files.collect::<Result<Vec<_>>>()?;
    serde_json::to_vec(&files).map_err(|e| Problem::new(Code::TrustFormat, e.to_string()))
}

/// `live-update-manifest.json` without signatures.
///
/// # Errors
/// As [`plain_manifest`].
pub fn unsigned_manifest(inventory: &Inventory) -> Result<Vec<u8>> {
    let payload = STANDARD.encode(plain_manifest(inventory)?);
    Ok(format!("{{\"payload\":\"{payload}\"}}").into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::InventoryFile;
    use headgate_tuf::sha256_hex;

    fn inventory(files: &[(&str, &[u8])]) -> Inventory {
        let files = files.iter().map(|(path, bytes)| InventoryFile {
            path: (*path).to_owned(),
            size: bytes.len() as u64,
            sha256: sha256_hex(bytes),
        });
        Inventory {
            files: files.collect(),
        }
    }

    #[test]
    fn the_list_is_as_ionics_own_tool_writes_it() {
        let list = inventory(&[("assets/ü b.js", b""), ("index.html", b"<html>")]);
        let text = String::from_utf8(plain_manifest(&list).unwrap()).unwrap();
        assert_eq!(
            text,
            "[{\"href\":\"assets/ü b.js\",\"size\":0,\"integrity\":\"sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\"},\
             {\"href\":\"index.html\",\"size\":6,\"integrity\":\"sha256-t9CC7hLpG3Vuoi6FE7hZTuvPXTn6uBPaPLVXlNyIitc=\"}]"
        );
        let wrapped: serde_json::Value =
            serde_json::from_slice(&unsigned_manifest(&list).unwrap()).unwrap();
        assert_eq!(wrapped.as_object().unwrap().len(), 1);
        let payload = STANDARD
            .decode(wrapped["payload"].as_str().unwrap())
            .unwrap();
        assert_eq!(payload, text.as_bytes());
    }

    #[test]
    fn a_manifest_does_not_list_manifests() {
        let list = inventory(&[
            ("index.html", b"x"),
            (IONIC_MANIFEST, b"{}"),
            (CORDOVA_MANIFEST, b"[]"),
        ]);
        let text = String::from_utf8(plain_manifest(&list).unwrap()).unwrap();
        assert!(!text.contains("manifest"));
    }
}
