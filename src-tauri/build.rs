//! Makes a permission for every command of the one list, so that each must be granted by name.

fn main() {
    let list = "../crates/ipc/src/commands.rs";
    println!("cargo::rerun-if-changed={list}");
    let text = std::fs::read_to_string(list).unwrap_or_default();
    // The list is read as text: building the engine once more for this script would double the build.
    let mut names: Vec<&'static str> = vec!["subscribe"];
    for line in text.lines() {
        if let Some((name, _)) = line
            .trim()
            .split_once('(')
            .filter(|(_, rest)| rest.contains(") -> ") && rest.ends_with(';'))
        {
            names.push(Box::leak(name.to_owned().into_boxed_str()));
        }
    }
    let names: &'static [&'static str] = Box::leak(names.into_boxed_slice());
    let attributes = tauri_build::Attributes::new()
        .app_manifest(tauri_build::AppManifest::new().commands(names));
    if let Err(error) = tauri_build::try_build(attributes) {
        println!("cargo::error={error:#}");
    }
}
