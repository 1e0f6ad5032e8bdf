//! From a pack to an answer: nothing in it is believed that does not follow from the pinned root.

use std::collections::BTreeMap;
use std::path::Path;

use async_trait::async_trait;
use bytes::Bytes;
use headgate_core::pack::Pack;
use headgate_core::{
    ChannelState, Code, Decision, Device, Offer, Problem, ReleaseManifest, Result, Why, explain,
};
use headgate_registry::{
    Body, Created, ETag, Expiry, HighWater, Object, ObjectMeta, Progress, Store, Swapped, View,
    documents,
};
use headgate_tuf::{Name, UtcTime, sha256_hex};

/// What a device believes before it reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// Unit of the app.
    pub unit: Name,
    /// Channel, or a signed alias of it.
    pub channel: String,
    /// The newest root that was believed: exact text.
    pub root: String,
    /// Newest versions seen.
    pub marks: HighWater,
}

/// What a device believes after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trusted {
    /// The newest root.
    pub root: String,
    /// Newest versions seen.
    pub marks: HighWater,
    /// When the snapshot was signed: the latest signed time.
    pub signed_at: UtcTime,
}

/// A verified channel, for any number of devices.
#[derive(Debug, Clone)]
pub struct Channel {
    /// What to believe from now on, whatever the channel says.
    pub trusted: Trusted,
    /// From then on it must be judged again.
    pub expires: UtcTime,
    /// What decides, or why nothing of it is believed.
    pub serving: Result<Serving>,
}

/// What a channel serves.
#[derive(Debug, Clone)]
pub struct Serving {
    /// What decides; nothing before the first release.
    pub state: Option<ChannelState>,
    /// Releases by build, with the SHA-256 of their manifests.
    pub releases: BTreeMap<u32, (String, ReleaseManifest)>,
    /// Where objects lie, as the server says. It is not signed, and need not be: objects are named by hash.
    pub objects: String,
}

/// What one device is told.
#[derive(Debug, Clone)]
pub struct Judged {
    /// What to believe from now on.
    pub trusted: Trusted,
    /// The answer, or why there is none.
    pub answer: Result<Answer>,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What the device gets.
    pub offer: Offer,
    /// How that was decided.
    pub decision: Option<Decision>,
    /// Attempt of the rollout.
    pub attempt: String,
    /// The release that is offered, with the SHA-256 of its manifest.
    pub release: Option<(String, ReleaseManifest)>,
    /// Where objects lie.
    pub objects: String,
}

impl Channel {
    /// Verifies a pack.
    ///
    /// # Errors
    /// `trust.*` when its metadata is not believed. What a channel's own documents lack is in [`Self::serving`].
    pub async fn read(pack: &[u8], trust: &Trust, at: UtcTime) -> Result<Self> {
        let pack = Pack::parse(pack)?;
        let store = PackStore::new(&pack);
        let (root, channel) = (trust.root.as_bytes(), &trust.channel);
        // A pack holds the roles of one channel: what is missing or wrong of the others is not this device's concern.
        let read = View::read_each(&store, root, &trust.marks, at, Expiry::Enforce);
        let (view, mut broken) = Box::pin(read).await?;
        let settings = view.targets.meta.x.channel(channel).map(|c| c.id.clone());
        let expires = settings
            .as_ref()
            .map_or(at, |id| view.expires(&trust.unit, id));
        let mine = |id: &Name| {
            let mut roles = broken.keys();
            let found = roles.find(|role| role.place() == Some((&trust.unit, id)));
            found.cloned()
        };
        if let Some(role) = settings.as_ref().and_then(mine)
            && let Some(problem) = broken.remove(&role)
        {
            return Err(problem);
        }
        let root = String::from_utf8(view.root.file.to_vec())
            .map_err(|e| Problem::new(Code::TrustFormat, format!("The root is no text: {e}.")))?;
        let trusted = Trusted {
            root,
            marks: newer(&trust.marks, view.marks()),
            signed_at: view.snapshot.meta.x.at,
        };
        let serving = match settings {
            None => Err(Problem::new(
                Code::UsageUnknown,
                format!("The app has no channel {channel}."),
            )),
            Some(_) if expires <= at => Err(Problem::new(
                Code::TrustExpired,
                format!("What decides on {channel} expired at {expires}."),
            )),
            Some(id) => Box::pin(serving(&store, &view, &trust.unit, &id, pack.objects)).await,
        };
        Ok(Self {
            trusted,
            expires,
            serving,
        })
    }

    /// What a device is told.
    pub fn tell(&self, device: &Device) -> Judged {
        Judged {
            trusted: self.trusted.clone(),
            answer: self.serving.clone().map(|serving| serving.answer(device)),
        }
    }
}

impl Serving {
    fn answer(self, device: &Device) -> Answer {
        let decision = self.state.as_ref().map(|state| explain(state, device));
        let offer = decision
            .as_ref()
            .map_or(Offer::Nothing(Why::NothingServed), |d| d.offer);
        let release = match offer {
            Offer::Release(build) => self.releases.get(&build).cloned(),
            _ => None,
        };
        Answer {
            offer,
            decision,
            attempt: self.state.map_or_else(String::new, |s| s.rollout.attempt()),
            release,
            objects: self.objects,
        }
    }
}

async fn serving(
    store: &dyn Store,
    view: &View,
    unit: &Name,
    channel: &Name,
    objects: String,
) -> Result<Serving> {
    let documents = documents::channel(store, view, unit, channel).await?;
    let settings = view.targets.meta.x.unit(unit.as_str());
    let embedded = settings.map(|u| u.embedded.clone()).unwrap_or_default();
    let approved = documents.approved.values().map(|a| &a.manifest);
    let state = documents
        .rollout
        .map(|rollout| ChannelState::new(rollout, approved, embedded))
        .transpose()?;
    let releases = documents.approved.into_iter();
    Ok(Serving {
        state,
        releases: releases
            .map(|(build, a)| (build, (a.sha256, a.manifest)))
            .collect(),
        objects,
    })
}

/// The new marks, with those of roles that this channel does not name.
fn newer(old: &HighWater, new: HighWater) -> HighWater {
    let mut marks = new;
    for (role, version) in &old.versions {
        marks.versions.entry(role.clone()).or_insert(*version);
    }
    marks
}

/// How packs are judged; the fleet judges equal ones once.
#[async_trait]
pub trait Judge: Send + Sync {
    /// Verifies a pack.
    ///
    /// # Errors
    /// As [`Channel::read`].
    async fn judge(
        &self,
        pack: &Bytes,
        trust: &Trust,
        at: UtcTime,
    ) -> Result<std::sync::Arc<Channel>>;
}

/// The files of a pack as a registry that can be read.
#[derive(Debug)]
pub struct PackStore {
    files: BTreeMap<String, Bytes>,
}

impl PackStore {
    /// Of a pack. Nothing is checked.
    pub fn new(pack: &Pack) -> Self {
        let files = pack.files.iter();
        Self {
            files: files
                .map(|(key, text)| (key.clone(), Bytes::copy_from_slice(text.as_bytes())))
                .collect(),
        }
    }
}

fn read_only() -> Problem {
    Problem::new(Code::StorageReadOnly, "A pack can be read alone.")
}

#[async_trait]
impl Store for PackStore {
    fn address(&self) -> String {
        "The pack".into()
    }

    async fn get(&self, key: &str, max: u64) -> Result<Option<Object>> {
        let Some(bytes) = self.files.get(key) else {
            return Ok(None);
        };
        if bytes.len() as u64 > max {
            let what = format!("{key} is larger than the {max} bytes that it may have.");
            return Err(Problem::new(Code::TrustFormat, what));
        }
        Ok(Some(Object {
            bytes: bytes.clone(),
            etag: ETag(String::new()),
        }))
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectMeta>> {
        let bytes = self.files.get(key);
        Ok(bytes.map(|bytes| ObjectMeta {
            size: bytes.len() as u64,
            etag: ETag(String::new()),
        }))
    }

    async fn hash(&self, key: &str, _: Progress<'_>) -> Result<Option<(String, u64)>> {
        let bytes = self.files.get(key);
        Ok(bytes.map(|bytes| (sha256_hex(bytes), bytes.len() as u64)))
    }

    async fn download(
        &self,
        _: &str,
        _: &Path,
        _: u64,
        _: Progress<'_>,
    ) -> Result<Option<(String, u64)>> {
        Err(read_only())
    }

    async fn create(&self, _: &str, _: Body, _: Progress<'_>) -> Result<Created> {
        Err(read_only())
    }

    async fn swap(&self, _: &str, _: Bytes, _: Option<&ETag>) -> Result<Swapped> {
        Err(read_only())
    }

    async fn list(&self, _: &str) -> Result<Vec<String>> {
        Err(read_only())
    }
}

/// Judges every pack anew.
#[derive(Debug, Clone, Copy, Default)]
pub struct StrictJudge;

#[async_trait]
impl Judge for StrictJudge {
    async fn judge(
        &self,
        pack: &Bytes,
        trust: &Trust,
        at: UtcTime,
    ) -> Result<std::sync::Arc<Channel>> {
        Channel::read(pack, trust, at).await.map(Into::into)
    }
}
