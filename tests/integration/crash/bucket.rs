//! The same kills, with a registry in a bucket.

use crate::{COMMIT, every_write_in};

#[tokio::test(flavor = "multi_thread")]
async fn a_ship_survives_a_kill_at_every_write_in_a_bucket() {
    let writes = [
        "bundles/",
        "inventories/",
        "targets/",
        "targets/",
        "metadata/2.main.development.json",
        "metadata/2.main.development.rollout.json",
        "metadata/2.snapshot.json",
        COMMIT,
    ];
    let live = |seen: &headgate_tests::Seen| seen.build("development") == Some(1);
    every_write_in(&["init"], "ship", &writes, live, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_change_survives_a_kill_at_every_write_in_a_bucket() {
    let writes = ["metadata/3.snapshot.json", COMMIT, "metadata/2.root.json"];
    let live = |seen: &headgate_tests::Seen| seen.versions["snapshot"] == 3;
    every_write_in(&["init", "ship"], "add_key", &writes, live, true).await;
}
