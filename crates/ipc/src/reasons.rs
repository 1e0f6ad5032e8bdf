//! Reasons of failures in words: one table from what device clients send.

/// Code as a client sends it, and what it means. Capgo: actions of plugin 8.51.23, `protocols/capgo.md` §1.5; the others
/// are Headgate's own.
const WORDS: &[(&str, &str)] = &[
    ("update_fail", "App not ready, went back"),
    ("app_launch_timeout", "App not ready, went back"),
    ("start_timeout", "App not ready, went back"),
    ("not_ready", "App not ready, went back"),
    ("crash", "App crashed at start, went back"),
    ("set_fail", "No index.html, or it could not be switched to"),
    ("checksum_fail", "Checksum mismatch"),
    ("checksum_required", "The answer had no checksum"),
    ("hash", "Checksum mismatch"),
    (
        "download_manifest_checksum_fail",
        "Checksum mismatch of a file",
    ),
    ("session_key_required", "Not signed, but the app pins a key"),
    ("decrypt_fail", "Could not be decrypted: another key"),
    ("signature", "Signature rejected"),
    ("trust", "Signature rejected"),
    ("expired", "Freshness had expired"),
    ("download_fail", "Download failed"),
    ("finish_download_fail", "Download could not be finished"),
    ("download", "Download failed"),
    ("download_manifest_file_fail", "Download of a file failed"),
    (
        "download_manifest_brotli_fail",
        "A file could not be unpacked",
    ),
    ("manifest_path_fail", "A path that the device refuses"),
    ("windows_path_fail", "A path that the device refuses"),
    ("canonical_path_fail", "A path that the device refuses"),
    ("directory_path_fail", "A path that the device refuses"),
    ("path", "A path that the device refuses"),
    ("unzip_fail", "Could not be unpacked"),
    ("unpack", "Could not be unpacked"),
    ("low_mem_fail", "Too little memory"),
    ("insufficient_disk_space", "Storage full"),
    ("disk_full", "Storage full"),
    (
        "blocked_by_server_url",
        "The app refuses the server's address",
    ),
    ("rolled_back", "Went back, reason not sent"),
    ("", "Reason not sent"),
];

/// A reason in words. What is not in the table is shown as it was sent.
pub(crate) fn words(code: &str) -> String {
    let known = WORDS.iter().find(|(known, _)| *known == code);
    known.map_or_else(|| code.replace('_', " "), |(_, words)| (*words).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_code_stands_once_and_what_is_unknown_stays_readable() {
        let codes: HashSet<&str> = WORDS.iter().map(|(code, _)| *code).collect();
        assert_eq!(codes.len(), WORDS.len());
        assert_eq!(words("app_launch_timeout"), "App not ready, went back");
        assert_eq!(words("checksum_fail"), "Checksum mismatch");
        assert_eq!(words("some_new_thing"), "some new thing");
    }
}
