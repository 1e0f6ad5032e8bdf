//! Signed bytes and their signatures.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

use crate::{
    Error, KeyId, Metadata, PublicKey, Result, Signature, canonical,
    metadata::{Header, RoleKeys, Root, Snapshot, Targets, Timestamp},
    strict,
};

/// Largest metadata file that is read, bytes.
pub const MAX_METADATA: usize = 5_000_000;

/// Canonical bytes of a role's signed part. Nothing else can be signed in Headgate:
/// this type cannot hold anything that is not role metadata of the profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleBytes(Vec<u8>);

impl RoleBytes {
    /// The bytes of a role that follows the profile.
    ///
    /// # Errors
    /// [`Error::Profile`] when it does not.
    pub fn new<M: Metadata>(role: &M) -> Result<Self> {
        role.check()?;
        Ok(Self(canonical::serialize(role)?))
    }

    /// Takes bytes that someone else made, for example in a signing request.
    ///
    /// # Errors
    /// When they are not the canonical bytes of a role of the profile.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let value = strict::parse(bytes, MAX_METADATA)?;
        if canonical::to_vec(&value)? != bytes {
            return Err(Error::profile("signed part", "not in canonical form"));
        }
        let role = Self(bytes.to_vec());
        match value.get("_type").and_then(Value::as_str) {
            Some("root") => role.parse::<Root>().map(drop)?,
            Some("snapshot") => role.parse::<Snapshot>().map(drop)?,
            Some("timestamp") => role.parse::<Timestamp>().map(drop)?,
            // Settings of the top level are core's business; here the common header counts.
            Some("targets") => role.parse::<Targets<Header>>().map(drop)?,
            _ => return Err(Error::profile("signed part", "has no known _type")),
        }
        Ok(role)
    }

    /// Exactly what is signed.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads the role and checks the profile.
    ///
    /// # Errors
    /// [`Error::Profile`] when it is another role or breaks the profile.
    pub fn parse<M: Metadata>(&self) -> Result<M> {
        let role: M =
            serde_json::from_slice(&self.0).map_err(|e| Error::profile(M::TYPE, e.to_string()))?;
        role.check()?;
        Ok(role)
    }
}

/// One signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignatureEntry {
    /// Id of the key.
    pub keyid: KeyId,
    /// Its signature.
    pub sig: Signature,
}

/// A metadata file: signed bytes with signatures, at most one for each key id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    signed: RoleBytes,
    signatures: BTreeMap<KeyId, Signature>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw<'a> {
    signatures: Vec<SignatureEntry>,
    #[serde(borrow)]
    signed: &'a RawValue,
}

impl Envelope {
    /// Unsigned so far.
    pub fn new(signed: RoleBytes) -> Self {
        Self {
            signed,
            signatures: BTreeMap::new(),
        }
    }

    /// With signatures that are not verified yet.
    ///
    /// # Errors
    /// [`Error::Profile`] when a key id signs twice.
    pub fn with_entries(signed: RoleBytes, entries: &[SignatureEntry]) -> Result<Self> {
        let mut envelope = Self::new(signed);
        for entry in entries {
            let signatures = &mut envelope.signatures;
            if signatures.insert(entry.keyid.clone(), entry.sig).is_some() {
                let why = format!("key {} signs twice", entry.keyid);
                return Err(Error::profile("signatures", why));
            }
        }
        Ok(envelope)
    }

    /// Its signatures, by key id.
    pub fn entries(&self) -> Vec<SignatureEntry> {
        let entry = |(keyid, sig): (&KeyId, &Signature)| SignatureEntry {
            keyid: keyid.clone(),
            sig: *sig,
        };
        self.signatures.iter().map(entry).collect()
    }

    /// Reads a metadata file.
    ///
    /// # Errors
    /// When it is not strict JSON, has other fields, a key id signs twice, or the signed part is not
    /// canonical role metadata of the profile.
    pub fn parse(file: &[u8]) -> Result<Self> {
        // Duplicate keys and the like are refused before serde, which would take the last one.
        strict::parse(file, MAX_METADATA)?;
        let raw: Raw<'_> = serde_json::from_slice(file)
            .map_err(|e| Error::profile("metadata file", e.to_string()))?;
        let signed = RoleBytes::from_bytes(raw.signed.get().as_bytes())?;
        Self::with_entries(signed, &raw.signatures)
    }

    /// The signed part.
    pub fn signed(&self) -> &RoleBytes {
        &self.signed
    }

    /// Ids of the keys that signed.
    pub fn signers(&self) -> impl Iterator<Item = &KeyId> {
        self.signatures.keys()
    }

    /// The file's bytes. The signed part stands in them as it was signed.
    ///
    /// # Errors
    /// [`Error::Json`] if the signatures do not serialise.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut out = br#"{"signatures":"#.to_vec();
        out.extend(serde_json::to_vec(&self.entries()).map_err(|e| Error::Json(e.to_string()))?);
        out.extend_from_slice(br#","signed":"#);
        out.extend_from_slice(&self.signed.0);
        out.push(b'}');
        Ok(out)
    }

    /// Adds a signature after verifying it.
    ///
    /// # Errors
    /// [`Error::Signature`] when it does not match the signed bytes.
    pub fn add(&mut self, key: &PublicKey, signature: Signature) -> Result<()> {
        key.verify(&self.signed.0, &signature)?;
        self.signatures.insert(key.id()?, signature);
        Ok(())
    }

    /// Takes over the signatures of another copy that verify with the given keys. Order does not matter.
    ///
    /// # Errors
    /// [`Error::Profile`] when the other copy signs other bytes.
    pub fn merge(&mut self, other: &Self, keys: &BTreeMap<KeyId, PublicKey>) -> Result<()> {
        if other.signed != self.signed {
            return Err(Error::profile("merge", "the other copy signs other bytes"));
        }
        for (id, sig) in &other.signatures {
            if let Some(key) = keys.get(id)
                && key.verify(&self.signed.0, sig).is_ok()
            {
                self.signatures.insert(id.clone(), *sig);
            }
        }
        Ok(())
    }

    /// Drops signatures of keys that do not belong to the role any more.
    pub fn retain(&mut self, keyids: &BTreeSet<KeyId>) {
        self.signatures.retain(|id, _| keyids.contains(id));
    }

    /// Ids of the role's keys whose signature verifies.
    pub fn valid_signers(
        &self,
        role: &RoleKeys,
        keys: &BTreeMap<KeyId, PublicKey>,
    ) -> BTreeSet<KeyId> {
        let good = |id: &&KeyId| {
            let (Some(key), Some(sig)) = (keys.get(*id), self.signatures.get(*id)) else {
                return false;
            };
            key.id().is_ok_and(|own| own == **id) && key.verify(&self.signed.0, sig).is_ok()
        };
        role.keyids.iter().filter(good).cloned().collect()
    }

    /// Checks that enough of the role's keys signed. Signatures of other keys do not count and do no harm.
    ///
    /// # Errors
    /// [`Error::Signature`] with "1 of 2 signatures"; [`Error::Profile`] for a threshold of 0.
    pub fn verify(
        &self,
        name: &str,
        role: &RoleKeys,
        keys: &BTreeMap<KeyId, PublicKey>,
    ) -> Result<()> {
        if role.threshold == 0 {
            return Err(Error::profile(name, "threshold 0"));
        }
        let valid = self.valid_signers(role, keys).len();
        if valid >= role.threshold as usize {
            return Ok(());
        }
        Err(Error::Signature {
            role: name.into(),
            why: format!("{valid} of {} signatures", role.threshold),
        })
    }
}
