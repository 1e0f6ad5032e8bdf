//! The same kills while an approval makes what stock plugins need.

use headgate_core::Result;
use headgate_engine::{Console, RsaOrigin};
use headgate_tests::{TestClock, files_below};

use crate::crash::place::stores;
use crate::{A_MINUTE, COMMIT, base, every_write, file_vault, killed_at, options, read, root_file};

/// An RSA key for the channel that the promotion goes to, and an Ionic id.
pub(crate) async fn set(console: &Console, workspace: &str) -> Result<()> {
    let ionic = console.set_device_id(workspace, "main", "ionic", Some("1a2b3c4d"));
    console.wait(&ionic.await?).await?;
    let rsa = RsaOrigin::New;
    let set = console.set_channel_rsa(workspace, "staging", "staging apps", rsa, false);
    console.wait(&set.await?).await.map(drop)
}

/// The AES key is random, so what was signed for plugins cannot be made again: it is kept until it is committed.
#[tokio::test]
async fn a_promotion_with_signed_bundles_survives_a_kill_at_every_write() {
    let writes = [
        "variants/",
        "variants/",
        "variants/",
        "targets/",
        "targets/",
        "targets/",
        "metadata/2.main.staging.json",
        "metadata/2.main.staging.rollout.json",
        "metadata/5.snapshot.json",
        COMMIT,
    ];
    every_write(&["init", "plugins", "ship"], "promote", &writes, |seen| {
        seen.build("staging") == Some(1)
    })
    .await;
}

/// Cut off before the commit, as after a power cut: it is made and signed again, here by who has the keys.
#[tokio::test]
async fn what_was_made_for_plugins_and_is_lost_is_made_again() {
    let dir = base(&["init", "plugins", "ship"], false).await;
    let key = killed_at(dir.path(), "promote", 3, "before", None);
    assert!(key.is_some());
    let work = dir.path().join("anna/work");
    let made: Vec<_> = files_below(&work)
        .into_iter()
        .filter(|p| p.to_string_lossy().contains("clients-"))
        .collect();
    assert_eq!(made.len(), 3);
    for path in made {
        std::fs::write(path, b"cut").unwrap();
    }
    let clock = TestClock::new();
    clock.advance(A_MINUTE);
    let (vault, stores) = (file_vault(dir.path()), stores(dir.path(), None, None));
    let options = options(dir.path(), "anna", &clock, vault, stores);
    let console = Console::open(options).await.unwrap();
    let words = console.recover().await.unwrap();
    // Some of the first ones may be in storage already: then they are not needed here any more.
    assert_eq!(words.len(), 1);
    let root = root_file(dir.path(), 1).unwrap();
    let seen = read(dir.path(), &root).await.unwrap();
    assert_eq!(seen.build("staging"), Some(1), "{words:?}");
}
