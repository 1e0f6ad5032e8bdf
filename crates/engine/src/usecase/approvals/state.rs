//! What is committed, as requests are weighed against it.

use headgate_core::signing::{Committed, SignedRole, SigningRequest};
use headgate_core::{Code, Problem, Result, TopTargets};
use headgate_registry::{Loaded, View};
use headgate_tuf::{Envelope, metadata::Root, sha256_hex};

use crate::db::Files;

/// The committed metadata, from storage or from the last reading of it. Its files were verified when they were read.
pub(in crate::usecase) struct State {
    pub(super) committed: Committed,
    files: Files,
}

/// What was published of the same roles since a request was made.
pub(super) enum Since {
    /// Nothing, or not all of it yet.
    Nothing,
    /// These very bytes, here or on another console.
    Published,
    /// Something else, in words.
    Others(String),
}

impl State {
    /// Files of a verified state, as the cache keeps them.
    pub(in crate::usecase) fn files(view: &View) -> Files {
        let roles = view.channels.iter();
        let mut files: Files = roles
            .map(|(role, loaded)| (role.to_string(), loaded.file.clone()))
            .collect();
        files.insert("root".into(), view.root.file.clone());
        files.insert("targets".into(), view.targets.file.clone());
        files.insert("timestamp".into(), view.timestamp.file.clone());
        files
    }

    pub(super) fn of(view: &View) -> Result<Self> {
        Self::read(Self::files(view))
    }

    /// From files that were verified before.
    pub(super) fn read(files: Files) -> Result<Self> {
        let file = |role: &str| {
            let missing = || Problem::new(Code::LocalCache, format!("The cache lacks {role}."));
            files.get(role).cloned().ok_or_else(missing)
        };
        let root: Loaded<Root> = Loaded::parse("root", file("root")?)?;
        let targets: Loaded<TopTargets> = Loaded::parse("targets", file("targets")?)?;
        let committed = Committed {
            root: root.meta,
            root_sha256: root.sha256,
            root_file: root.file.to_vec(),
            targets: targets.meta,
            targets_sha256: targets.sha256,
        };
        Ok(Self { committed, files })
    }

    /// What was published of a request's roles since it was asked for.
    pub(super) fn since(&self, request: &SigningRequest) -> Result<Since> {
        let mut published = 0;
        for asked in &request.roles {
            let role = asked.signed_role()?;
            let Some(file) = self.files.get(&role.name().to_string()) else {
                continue;
            };
            if role.header().prev.as_deref() == Some(sha256_hex(file).as_str()) {
                continue;
            }
            let now = Envelope::parse(file)?;
            // What is committed may be these very bytes: then it was published.
            if now.signed().as_bytes() == asked.signed.as_bytes() {
                published += 1;
                continue;
            }
            let now = SignedRole::read(now.signed())?;
            let header = now.header();
            let reason = match header.reason.is_empty() {
                true => String::new(),
                false => format!(" (‘{}’)", header.reason),
            };
            return Ok(Since::Others(format!(
                "{} published {} meanwhile, at {}: {}{reason}.",
                header.by,
                role.name(),
                header.at,
                header.action.replace('_', " ")
            )));
        }
        Ok(match published == request.roles.len() {
            true => Since::Published,
            false => Since::Nothing,
        })
    }
}
