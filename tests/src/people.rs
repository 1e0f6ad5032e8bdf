//! A team of three on one storage, each with a home and a vault of their own.

use std::ops::Deref;
use std::sync::Arc;

use headgate_core::Result;
use headgate_core::signing::{Answer, RoleRequest, RoleSignature, SigningRequest, SigningResponse};
use headgate_engine::{
    Ceremony, ConnectRequest, Console, Member, Options, PromoteRequest, Receipt, StandardStores,
    Started, VaultChoice,
};
use headgate_signer::{KeyVault, MemoryVault};

use crate::{Bench, OneVault, Person, bench, init};

/// The person who makes the workspace, with two colleagues.
pub struct Crew {
    /// Their storage and homes.
    pub bench: Bench,
    /// Makes the workspace; release and online key are hers.
    pub anna: Person,
    /// A colleague with a key.
    pub mara: Colleague,
    /// Another.
    pub ines: Colleague,
}

/// A person with a vault of their own.
pub struct Colleague {
    /// Their console.
    pub person: Person,
    /// Their key, as an owner adds it.
    pub member: Member,
    /// Their keys.
    pub vault: Arc<dyn KeyVault>,
}

impl Deref for Colleague {
    type Target = Person;

    fn deref(&self) -> &Person {
        &self.person
    }
}

/// The console of who makes the workspace. Its storage and the private location are two places.
pub async fn first_console(bench: &Bench) -> Console {
    let options = Options {
        stores: Arc::new(StandardStores),
        ..bench.options("anna")
    };
    Console::open(options).await.unwrap()
}

async fn owner(bench: &Bench) -> Person {
    let console = first_console(bench).await;
    let workspace = init(&console, &bench.storage()).await.unwrap();
    Person { console, workspace }
}

/// A person who connects with a vault of their own, and their key.
pub async fn colleague(bench: &Bench, first: &Person, name: &str) -> Colleague {
    let vault: Arc<dyn KeyVault> = Arc::new(MemoryVault::new());
    let options = Options {
        vaults: Arc::new(OneVault::of(Arc::clone(&vault))),
        stores: Arc::new(StandardStores),
        ..bench.options(name)
    };
    let console = Console::open(options).await.unwrap();
    let request = ConnectRequest {
        name: String::new(),
        storage: format!("file://{}", bench.storage().display()),
        public_url: None,
        root: first.workspace.root.clone(),
        vault: VaultChoice::Os,
        credentials: None,
    };
    let workspace = console.connect(request).await.unwrap();
    let made = console
        .create_key(&workspace.id, &format!("{name} 2026"))
        .await
        .unwrap();
    let member = Member {
        public: made.key.public,
        name: format!("{name} 2026"),
        holder: name.into(),
    };
    Colleague {
        person: Person { console, workspace },
        member,
        vault,
    }
}

impl Crew {
    /// Three people, *solo* so far: anna's keys alone count.
    pub async fn solo() -> (Self, Vec<Member>) {
        let bench = bench();
        let anna = owner(&bench).await;
        let mara = colleague(&bench, &anna, "mara").await;
        let ines = colleague(&bench, &anna, "ines").await;
        let members = vec![mara.member.clone(), ines.member.clone()];
        let private = bench.dir.path().join("private").display().to_string();
        for person in [&anna, &mara.person, &ines.person] {
            let set = person
                .console
                .set_proposals_location(&person.workspace.id, Some(&private));
            set.await.unwrap();
        }
        let crew = Self {
            bench,
            anna,
            mara,
            ines,
        };
        (crew, members)
    }

    /// A team: root and production 2 of 3.
    pub async fn new() -> Self {
        let (crew, members) = Box::pin(Self::solo()).await;
        let ceremony = Ceremony::Team {
            members,
            root_threshold: 2,
            last_threshold: 2,
        };
        crew.ceremony(&ceremony, &crew.mara).await.unwrap();
        crew
    }

    /// A build that anna has brought to staging.
    pub async fn staged(&self, word: &str, version: &str) -> u32 {
        let build = self.anna.ship(&self.bench, word, version).await.unwrap();
        self.anna
            .promote(build, "development", "staging")
            .await
            .unwrap();
        build
    }

    /// A team with a build on staging that waits for production: the build, and anna's request.
    pub async fn asking() -> (Self, u32, String) {
        let crew = Box::pin(Self::new()).await;
        let build = Box::pin(crew.staged("one", "1.0.0")).await;
        let ask = crew.anna.ask_promote(build, "staging", "production");
        let id = Box::pin(ask).await.unwrap();
        (crew, build, id)
    }

    /// Anna asks, another signs, anna publishes.
    ///
    /// # Errors
    /// Whatever refused it.
    pub async fn ceremony(&self, ceremony: &Ceremony, other: &Person) -> Result<Receipt> {
        let id = match self.anna.ceremony(ceremony).await? {
            Started::Publish(job) => return self.anna.receipt(&job).await,
            Started::Ask(_, id) => id,
        };
        other.co_sign(&id).await?;
        self.anna.publish(&id).await
    }
}

/// What people do with requests.
impl Person {
    /// Starts a change of trust and waits until it is published or asked for.
    ///
    /// # Errors
    /// As [`Console::change_trust`].
    pub async fn ceremony(&self, ceremony: &Ceremony) -> Result<Started> {
        let started = self
            .console
            .change_trust(&self.workspace.id, ceremony, "drill")
            .await?;
        self.console.wait(started.job()).await?;
        Ok(started)
    }

    /// Finds a proposal in the private location, and signs it.
    ///
    /// # Errors
    /// Whatever refused it.
    pub async fn co_sign(&self, id: &str) -> Result<()> {
        self.console.proposals_read(&self.workspace.id).await?;
        self.console
            .approval_sign(&self.workspace.id, id)
            .await
            .map(drop)
    }

    /// Takes answers in, and publishes.
    ///
    /// # Errors
    /// Whatever refused it.
    pub async fn publish(&self, id: &str) -> Result<Receipt> {
        self.console.proposals_read(&self.workspace.id).await?;
        let job = self
            .console
            .approval_publish_confirmed(&self.workspace.id, id)
            .await?;
        self.receipt(&job).await
    }

    /// Asks for the signatures that a promotion to all devices lacks; gives the request.
    ///
    /// # Errors
    /// Whatever refused it.
    ///
    /// # Panics
    /// When nothing is to be asked for.
    pub async fn ask_promote(&self, build: u32, from: &str, to: &str) -> Result<String> {
        let plan = self
            .console
            .promote_prepare(self.wish(build, from, to))
            .await?;
        assert!(plan.planned.can_ask, "{:?}", plan.planned.problem);
        let (job, id) = self
            .console
            .ask_plan(&plan.plan, "stable on staging")
            .await?;
        self.console.wait(&job).await?;
        Ok(id)
    }

    /// Promotes a build to all devices, where this console has every signature.
    ///
    /// # Errors
    /// Whatever refused it.
    pub async fn promote(&self, build: u32, from: &str, to: &str) -> Result<Receipt> {
        let plan = self
            .console
            .promote_prepare(self.wish(build, from, to))
            .await?;
        let job = self
            .console
            .start_plan(&plan.plan, plan.type_to_confirm.as_deref())
            .await?;
        self.receipt(&job).await
    }

    /// Ships a build to development; gives its number.
    ///
    /// # Errors
    /// Whatever refused it.
    pub async fn ship(&self, bench: &Bench, word: &str, version: &str) -> Result<u32> {
        let job = self
            .start_ship(&bench.build(word), "development", version)
            .await?;
        let receipt = self.receipt(&job).await?;
        Ok(receipt.release.unwrap().1)
    }

    /// A request as it is kept.
    pub async fn request(&self, id: &str) -> SigningRequest {
        let bytes = self
            .console
            .approval_request(&self.workspace.id, id)
            .await
            .unwrap();
        SigningRequest::parse(&bytes).unwrap()
    }
}

impl Person {
    fn wish(&self, build: u32, from: &str, to: &str) -> PromoteRequest {
        PromoteRequest {
            workspace: self.workspace.id.clone(),
            unit: "main".into(),
            build,
            from: from.into(),
            to: to.into(),
            permille: Some(1000),
        }
    }
}

/// A response to a request, as an offline workstation with this person's key gives it.
///
/// # Panics
/// When the key is not in the person's vault.
pub fn answer(person: &Colleague, request: &SigningRequest) -> SigningResponse {
    let sign = |role: &RoleRequest| RoleSignature {
        signed: role.sha256(),
        keyid: person.member.public.id().unwrap(),
        sig: person
            .vault
            .sign(&person.member.public, &role.bytes().unwrap())
            .unwrap(),
    };
    // What operators sign is not asked of an owner.
    let owners = request
        .roles
        .iter()
        .filter(|r| !r.role.ends_with(".rollout"));
    let list = owners.map(sign).collect();
    SigningResponse::new(
        request,
        person.member.holder.clone(),
        request.created,
        Answer::Signed(list),
    )
}

/// The same as a file.
///
/// # Panics
/// As [`answer`], and when the file is no request.
pub fn signed_by(person: &Colleague, request: &[u8]) -> Vec<u8> {
    answer(person, &SigningRequest::parse(request).unwrap())
        .to_bytes()
        .unwrap()
}
