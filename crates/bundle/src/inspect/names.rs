//! What names alone tell.

use std::collections::HashSet;

use super::Report;
use super::findings::{
    ENV_FILE, EXECUTABLE, FILES_EMPTY, KEY_FILE, NAMES_SPACE, REPOSITORY, SYSTEM_FILES, TWINS,
};
use crate::SourceFile;
use crate::names::show;

const KEY_STORES: [&str; 8] = [
    "bks",
    "jks",
    "keystore",
    "mobileprovision",
    "p12",
    "p8",
    "pfx",
    "ppk",
];
const KEY_NAMES: [&str; 4] = ["id_dsa", "id_ecdsa", "id_ed25519", "id_rsa"];
const PROGRAMS: [&str; 18] = [
    "apk", "app", "bat", "cmd", "com", "deb", "dll", "dmg", "dylib", "elf", "exe", "ipa", "jar",
    "msi", "ps1", "scr", "sh", "so",
];

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn extension(path: &str) -> String {
    let ext = name(path).rsplit_once('.').map_or("", |(_, ext)| ext);
    ext.to_ascii_lowercase()
}

pub(super) fn check(files: &[&SourceFile], report: &mut Report) {
    let paths: Vec<&str> = files.iter().map(|f| f.path.as_str()).collect();
    for path in &paths {
        let lower = name(path).to_ascii_lowercase();
        let ext = extension(path);
        if lower == ".env" || lower.starts_with(".env.") || (ext == "env" && lower != "env") {
            let title = format!("{} is in the build", show(name(path)));
            report.add(ENV_FILE.finding().title(title).path(path));
        }
        if KEY_STORES.contains(&ext.as_str()) || KEY_NAMES.contains(&lower.as_str()) {
            let title = format!("{} may hold a private key", show(name(path)));
            report.add(KEY_FILE.finding().title(title).path(path));
        }
    }
    repositories(&paths, report);
    let group = |test: &dyn Fn(&str) -> bool| -> Vec<&str> {
        paths.iter().copied().filter(|p| test(p)).collect()
    };
    let spaced = group(&|p| p.contains([' ', '+']));
    report.add_group(&NAMES_SPACE, "with a space or + in the name", &spaced);
    let all: HashSet<&str> = paths.iter().copied().collect();
    let twins = group(&|p| {
        let plain = [".br", ".gz"].iter().find_map(|end| p.strip_suffix(end));
        plain.is_some_and(|plain| all.contains(plain))
    });
    report.add_group(&TWINS, "also there as .br or .gz", &twins);
    let programs = group(&|p| PROGRAMS.contains(&extension(p).as_str()));
    report.add_group(&EXECUTABLE, "that are programs", &programs);
    let system = group(&|p| {
        p.starts_with("__MACOSX/") || matches!(name(p), ".DS_Store" | "Thumbs.db" | "desktop.ini")
    });
    report.add_group(&SYSTEM_FILES, "of the file manager", &system);
    let empty: Vec<&str> = files
        .iter()
        .filter(|f| f.size == 0 && f.path != crate::source::INDEX)
        .map(|f| f.path.as_str())
        .collect();
    report.add_group(&FILES_EMPTY, "without content", &empty);
}

/// One finding for each repository, not for each of its files.
fn repositories(paths: &[&str], report: &mut Report) {
    let mut seen = HashSet::new();
    for path in paths {
        let mut end = 0;
        for part in path.split('/') {
            end += part.len() + 1;
            let folder = &path[..(end - 1).min(path.len())];
            if matches!(part, ".git" | ".svn" | ".hg") && seen.insert(folder) {
                let title = format!(
                    "The version control folder {} is in the build",
                    show(folder)
                );
                report.add(REPOSITORY.finding().title(title).path(folder));
            }
        }
    }
}
