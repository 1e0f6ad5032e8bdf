//! Keys of a workspace: what is known of them, their backups, taking them out of use, and keeping freshness alive.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "keys/care.rs"]
mod care;
#[path = "keys/freshness.rs"]
mod freshness;
#[path = "keys/ring.rs"]
mod ring;
#[path = "keys/window.rs"]
mod window;

use std::sync::Arc;

use headgate_core::{Problem, Result};
use headgate_engine::{AnyKey, Asking, KeyCard, KeyRing, OpenVault, Options, VaultChoice};
use headgate_signer::{KeyVault, MemoryVault};
use headgate_tests::{Bench, OneVault, Person, bench};
use std::sync::Mutex;

/// A console whose vault the test can reach behind its back.
struct Setting {
    bench: Bench,
    vault: Arc<MemoryVault>,
    anna: Person,
}

async fn setting() -> Setting {
    let vault = Arc::new(MemoryVault::new());
    let bench = Bench {
        vault: OneVault::of(Arc::clone(&vault) as Arc<dyn KeyVault>),
        ..bench()
    };
    let anna = bench.first("anna").await;
    anna.console.sync(&anna.workspace.id).await.unwrap();
    Setting { bench, vault, anna }
}

impl Setting {
    async fn ring(&self) -> KeyRing {
        let (console, id) = (&self.anna.console, &self.anna.workspace.id);
        console.key_ring(id, Asking::Never).await.unwrap()
    }
}

fn named<'a>(ring: &'a KeyRing, part: &str) -> &'a KeyCard {
    let found = ring.keys.iter().find(|k| k.name.contains(part));
    found.unwrap_or_else(|| panic!("{part} in {ring:?}"))
}

fn ed25519(card: &KeyCard) -> headgate_tuf::PublicKey {
    match &card.public {
        Some(AnyKey::Ed25519(key)) => key.clone(),
        other => panic!("{other:?}"),
    }
}

/// Refuses with what the test says, until it says nothing any more.
struct Refusing {
    vault: OneVault,
    with: Mutex<Option<Problem>>,
}

impl OpenVault for Refusing {
    fn open(&self, choice: &VaultChoice, create: bool) -> Result<Arc<dyn KeyVault>> {
        match self.with.lock().unwrap().clone() {
            Some(problem) => Err(problem),
            None => self.vault.open(choice, create),
        }
    }
}

/// The same home once more, with this in the place of its keychain.
fn refusing(bench: &Bench, person: &str) -> (Options, Arc<Refusing>) {
    let refusing = Arc::new(Refusing {
        vault: bench.vault.clone(),
        with: Mutex::default(),
    });
    let options = Options {
        vaults: Arc::clone(&refusing) as Arc<dyn OpenVault>,
        ..bench.options(person)
    };
    (options, refusing)
}
