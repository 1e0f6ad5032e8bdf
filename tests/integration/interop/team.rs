//! A team, for clients that others wrote.

use headgate_core::signing::{Answer, RoleSignature, SigningRequest, SigningResponse};
use headgate_engine::{Ceremony, Member, PromoteRequest, Started};
use headgate_signer::{KeyVault, MemoryVault};
use headgate_tests::{UNIT, leave_one_signature};

use crate::bench::Bench;

/// Another owner, somewhere without a network.
pub(crate) struct Owner {
    vault: MemoryVault,
    pub(crate) member: Member,
}

impl Owner {
    pub(crate) fn new(name: &str) -> Self {
        let vault = MemoryVault::new();
        let public = vault.create(name).unwrap();
        Self {
            vault,
            member: Member {
                public,
                name: name.into(),
                holder: name.into(),
            },
        }
    }

    /// Signs what an owner is asked for, as a workstation does.
    fn answer(&self, request: &[u8]) -> Vec<u8> {
        let request = SigningRequest::parse(request).unwrap();
        let owners = request
            .roles
            .iter()
            .filter(|r| !r.role.ends_with(".rollout"));
        let sign = |role: &headgate_core::signing::RoleRequest| RoleSignature {
            signed: role.sha256(),
            keyid: self.member.public.id().unwrap(),
            sig: self
                .vault
                .sign(&self.member.public, &role.bytes().unwrap())
                .unwrap(),
        };
        let answer = Answer::Signed(owners.map(sign).collect());
        let response =
            SigningResponse::new(&request, self.member.name.clone(), request.created, answer);
        response.to_bytes().unwrap()
    }
}

impl Bench {
    /// Gets the owner's signature for a request and publishes.
    pub(crate) async fn signed_by(&self, owner: &Owner, id: &str) {
        let workspace = &self.workspace.id;
        let file = self.console.approval_request(workspace, id).await.unwrap();
        let merged = self
            .console
            .approval_import(workspace, &owner.answer(&file))
            .await
            .unwrap();
        assert!(merged.complete, "{merged:?}");
        let job = self
            .console
            .approval_publish_confirmed(workspace, id)
            .await
            .unwrap();
        self.receipt(&job).await;
    }

    /// Root and production 2 of 2.
    pub(crate) async fn team(&self, owner: &Owner) {
        let ceremony = Ceremony::Team {
            members: vec![owner.member.clone()],
            root_threshold: 2,
            last_threshold: 2,
        };
        let started = self
            .console
            .change_trust(&self.workspace.id, &ceremony, "two people")
            .await
            .unwrap();
        let Started::Ask(job, id) = started else {
            panic!("the other owner has to sign");
        };
        self.console.wait(&job).await.unwrap();
        self.signed_by(owner, &id).await;
    }

    /// Asks for production; gives the request.
    pub(crate) async fn ask_production(&self, build: u32) -> String {
        let request = PromoteRequest {
            workspace: self.workspace.id.clone(),
            unit: UNIT.into(),
            build,
            from: "staging".into(),
            to: "production".into(),
            permille: Some(1000),
        };
        let plan = self.console.promote_prepare(request).await.unwrap();
        let (job, id) = self.console.ask_plan(&plan.plan, "stable").await.unwrap();
        self.console.wait(&job).await.unwrap();
        id
    }

    /// A copy of the storage in which production lacks its second signature; gives its folder name.
    pub(crate) fn half_signed(&self) -> String {
        let name = self.copies.copy_now();
        leave_one_signature(&self.served.join(&name), "main.production");
        name
    }
}
