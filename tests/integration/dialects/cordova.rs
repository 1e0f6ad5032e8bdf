//! cordova-plugin-ionic 5.5.3: its `common.js` checks, downloads and applies.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use headgate_tests::{APP, files_below};
use serde_json::Value;

use super::served::{CHANNEL, Served, node, served};

/// Files below a folder with their content.
fn content(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = files_below(folder).into_iter();
    files
        .map(|file| {
            let name = file.strip_prefix(folder).unwrap().to_str().unwrap();
            (name.to_owned(), fs::read(&file).unwrap())
        })
        .collect()
}

/// The plugin in an app that embeds `bundled`. Gives what happened, and the files that the app runs then.
async fn plugin(
    served: &Served,
    bundled: &Path,
    more: &[&str],
) -> (Value, BTreeMap<String, Vec<u8>>) {
    let data = served.bench.dir.path().join("data");
    let (bundled, data) = (bundled.to_str().unwrap(), data.to_str().unwrap());
    let mut args = vec![served.url.as_str(), APP, CHANNEL, bundled, data];
    args.extend(more);
    let done = node("cordova.mjs", &args).await;
    let folder = done["folder"]
        .as_str()
        .unwrap_or_else(|| panic!("nothing was applied: {done}"));
    let files = content(Path::new(folder));
    (done, files)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs cordova-plugin-ionic from npm"]
async fn the_cordova_plugin_updates_itself_from_this_server() {
    let served = served().await;
    let first = served.bench.build("first");
    fs::write(first.join("a name with spaces & ü.txt"), "one").unwrap();
    // Compresses well, so it is stored compressed: the plugin could not read that.
    fs::write(first.join("long.js"), "// again and again\n".repeat(3000)).unwrap();
    fs::write(first.join("empty.css"), "").unwrap();
    served.ship(&first).await;

    let embedded = headgate_tests::sample();
    let (done, files) = plugin(&served, &embedded, &[]).await;
    assert_eq!(done["before"]["available"], true);
    assert_eq!(done["after"]["available"], false, "it runs it now: {done}");
    assert_eq!(done["running"], done["before"]["snapshot"]);
    assert_eq!(files, content(&first));
    assert_eq!(done["downloads"].as_array().unwrap().len(), files.len());
    let direct = done["downloads"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|d| d["final"].as_str().unwrap().contains("/objects/"))
        .count();
    assert!(
        direct > 0 && direct < files.len(),
        "some redirected, some unpacked: {direct}"
    );

    // An app that embeds the first release fetches what changed alone.
    let second = served.bench.build("second");
    for name in ["a name with spaces & ü.txt", "long.js", "empty.css"] {
        fs::copy(first.join(name), second.join(name)).unwrap();
    }
    fs::write(
        second.join("index.html"),
        fs::read(first.join("index.html")).unwrap(),
    )
    .unwrap();
    served.ship(&second).await;
    let snapshot = done["running"].as_str().unwrap();
    let manifests = format!("{}/apps/{APP}/snapshots/{snapshot}/files", served.url);
    let (done, files) = plugin(&served, &first, &[&manifests, "sig=a%2Bb&exp=9"]).await;
    assert_eq!(files, content(&second));
    let downloads = done["downloads"].as_array().unwrap();
    assert_eq!(downloads.len(), 1, "{downloads:?}");
    let end = downloads[0]["final"].as_str().unwrap();
    assert!(
        end.ends_with("&sig=a%2Bb&exp=9"),
        "the query reaches the file: {end}"
    );
}
