//! A team with two releases on production, and a phone that runs the newer one.

use std::sync::Arc;

use headgate_engine::{
    Ceremony, Member, OpenVault as _, Receipt, RolloutChange, Started, VaultChoice,
};
use headgate_signer::KeyVault;
use headgate_tests::{Bench, Colleague, Crew, PackHost, Person, Phone, colleague};
use headgate_tuf::PublicKey;

/// Anna's keys.
pub(super) const RELEASE: &str = "Acme Field release";
pub(super) const ONLINE: &str = "Acme Field online";

pub(super) struct Drill {
    pub(super) crew: Crew,
    pub(super) host: PackHost,
    pub(super) phone: Phone,
}

impl Drill {
    /// Three people own the root, of whom so many sign it; production is approved by two of them.
    pub(super) async fn team(owners: u32) -> Self {
        let (crew, members) = Crew::solo().await;
        let team = Ceremony::Team {
            members,
            root_threshold: owners,
            last_threshold: 2,
        };
        change(&crew, &team, &[&crew.mara, &crew.ines]).await;
        for (word, version) in [("one", "1.0.0"), ("two", "2.0.0")] {
            let build = crew.staged(word, version).await;
            approved(&crew.anna, build, &crew.mara).await;
        }
        let drill = Self::with(crew, "production").await;
        assert_eq!(drill.phone.build(), Some(2));
        drill
    }

    /// One person, with one release on development.
    pub(super) async fn solo() -> Self {
        let (crew, _) = Crew::solo().await;
        crew.anna.ship(&crew.bench, "one", "1.0.0").await.unwrap();
        let drill = Self::with(crew, "development").await;
        assert_eq!(drill.phone.build(), Some(1));
        drill
    }

    async fn with(crew: Crew, channel: &str) -> Self {
        let host = PackHost::start(&crew.bench.storage()).await;
        let root = &crew.anna.workspace.root;
        let options = Phone::options(root, channel, "phone-1", &crew.bench.clock);
        let mut phone = Phone::at(&host.url, options);
        phone.settle().await;
        Self { crew, host, phone }
    }

    /// Where anna's keys are.
    pub(super) fn vault(&self) -> Arc<dyn KeyVault> {
        vault(&self.crew.bench)
    }

    /// One of anna's keys.
    pub(super) async fn key(&self, name: &str) -> PublicKey {
        let anna = &self.crew.anna;
        let keys = anna.console.keys(&anna.workspace.id).await.unwrap();
        keys.into_iter().find(|k| k.name == name).unwrap().public
    }

    /// A new key on anna's computer, to be put into roles.
    pub(super) async fn new_key(&self, name: &str) -> Member {
        let anna = &self.crew.anna;
        let made = anna.console.make_key(&anna.workspace.id, name).await;
        Member {
            public: made.unwrap().public,
            name: name.into(),
            holder: "anna".into(),
        }
    }

    /// Replaces a key: anna asks, these sign, anna publishes.
    pub(super) async fn replace(&self, old: &str, new: &Member, others: &[&Person]) -> Receipt {
        let rotate = Ceremony::Rotate {
            old: old.into(),
            new: new.clone(),
        };
        change(&self.crew, &rotate, others).await
    }

    pub(super) async fn rollout(&self, change: RolloutChange) {
        let anna = &self.crew.anna;
        let id = &anna.workspace.id;
        let job = anna
            .console
            .rollout(id, "main", "production", change, "put right");
        anna.receipt(&job.await.unwrap()).await.unwrap();
    }

    pub(super) async fn refresh(&self) {
        let anna = &self.crew.anna;
        let job = anna.console.refresh(&anna.workspace.id).await.unwrap();
        anna.receipt(&job).await.unwrap();
    }
}

pub(super) fn vault(bench: &Bench) -> Arc<dyn KeyVault> {
    bench.vault.open(&VaultChoice::Os, false).unwrap()
}

/// A change of who may sign what, signed by anna and these.
pub(super) async fn change(crew: &Crew, ceremony: &Ceremony, others: &[&Person]) -> Receipt {
    let id = match crew.anna.ceremony(ceremony).await.unwrap() {
        Started::Publish(job) => return crew.anna.receipt(&job).await.unwrap(),
        Started::Ask(_, id) => id,
    };
    for person in others {
        person.co_sign(&id).await.unwrap();
    }
    crew.anna.publish(&id).await.unwrap()
}

/// Asks for production, gets it signed and publishes.
pub(super) async fn approved(anna: &Person, build: u32, other: &Person) {
    let id = anna
        .ask_promote(build, "staging", "production")
        .await
        .unwrap();
    other.co_sign(&id).await.unwrap();
    anna.publish(&id).await.unwrap();
}

/// Somebody with a new computer and a new key, who reads the private location.
pub(super) async fn newcomer(crew: &Crew, name: &str) -> Colleague {
    let new = colleague(&crew.bench, &crew.anna, name).await;
    let private = crew.bench.dir.path().join("private").display().to_string();
    let set = new
        .console
        .set_proposals_location(&new.workspace.id, Some(&private));
    set.await.unwrap();
    new
}
