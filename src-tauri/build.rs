//! Makes a permission for every command of the one list, so that each must be granted by name.

fn main() {
    let commands: &[&str] = headgate_ipc::commands::COMMANDS;
    let mut names: Vec<&'static str> = commands.to_vec();
    names.push("subscribe");
    let names: &'static [&'static str] = Box::leak(names.into_boxed_slice());
    let attributes = tauri_build::Attributes::new()
        .app_manifest(tauri_build::AppManifest::new().commands(names));
    if let Err(error) = tauri_build::try_build(attributes) {
        println!("cargo::error={error:#}");
    }
}
