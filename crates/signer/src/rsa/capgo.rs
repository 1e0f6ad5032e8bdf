//! Signed and encrypted bundles for Capgo's updater.
//!
//! Its scheme, read from `cli/src/api/crypto.ts` of `@capgo/cli` and `CryptoCipher.java` of
//! `@capgo/capacitor-updater` 8.51.23: a random AES-128 key and IV for each version; the key, and the SHA-256 of each
//! plain file, signed with RSASSA-PKCS1-v1_5 without prefix; the bytes in AES-128-CBC with PKCS#7 padding. The
//! encryption hides nothing from who has the app, since the public key opens the session key; what counts is the
//! signature. The plugin knows none without encryption.

use std::io::{self, Write};

use aes::Aes128;
use aes::cipher::{Array, BlockModeEncrypt as _, KeyIvInit as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use headgate_core::clients::ObjectRef;
use headgate_core::{Code, Problem, Result};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::{HashedBytes, RsaSigner, Source};

pub(super) const BLOCK: usize = 16;

/// Bytes that are encrypted at a time.
const CHUNK: usize = 64 * 1024;

/// Key and IV of one release, and how devices are told them.
#[derive(Clone)]
pub(super) struct Session {
    key: Zeroizing<[u8; BLOCK]>,
    iv: [u8; BLOCK],
    text: String,
}

impl Session {
    pub(super) fn new(key: [u8; BLOCK], iv: [u8; BLOCK], text: String) -> Self {
        Self {
            key: Zeroizing::new(key),
            iv,
            text,
        }
    }

    fn random(signer: &RsaSigner) -> Result<Self> {
        let mut key = Zeroizing::new([0; BLOCK]);
        let mut iv = [0; BLOCK];
        for bytes in [key.as_mut_slice(), iv.as_mut_slice()] {
            getrandom::fill(bytes).map_err(|_| {
                let what = "The operating system gave no random numbers.";
                Problem::new(Code::KeyOther, what)
            })?;
        }
        let signed = signer.sign_bare(key.as_slice())?;
        let text = format!("{}:{}", STANDARD.encode(iv), STANDARD.encode(signed));
        Ok(Self { key, iv, text })
    }
}

/// Signs and encrypts the bytes of one release.
pub struct CapgoSealer<'a> {
    signer: &'a RsaSigner,
    session: Session,
}

impl<'a> CapgoSealer<'a> {
    pub(super) fn start(signer: &'a RsaSigner) -> Result<Self> {
        let session = match &signer.source {
            Source::Key(_) => Session::random(signer)?,
            Source::Recorded(recorded) => recorded.session()?,
        };
        Ok(Self { signer, session })
    }

    /// `session_key` of every answer: base64 of the IV, a colon, base64 of the signed AES key.
    pub fn session_key(&self) -> &str {
        &self.session.text
    }

    /// Signs what was hashed: the plain zip, or a plain file. 512 lower-case hex digits: Android compares them in case.
    ///
    /// # Errors
    /// `key.failed`; `trust.signature` where signatures are repeated and this one is not among them.
    pub fn sign(&self, plain: &HashedBytes) -> Result<String> {
        Ok(hex::encode(self.signer.sign_bare(&plain.sha256)?))
    }

    /// Encrypts what is written into it to `out`. Every file of a release has the same key and IV: the plugin is told
    /// one for all of them.
    pub fn encrypt<W: Write>(&self, out: W) -> Encrypting<W> {
        let cipher = cbc::Encryptor::new(
            &Array::from(*self.session.key),
            &Array::from(self.session.iv),
        );
        Encrypting {
            cipher,
            out,
            buffer: Zeroizing::new(Vec::with_capacity(CHUNK + BLOCK)),
            hash: Sha256::new(),
            size: 0,
        }
    }
}

/// A writer that encrypts. What it has written is whole only after [`Self::finish`].
pub struct Encrypting<W> {
    cipher: cbc::Encryptor<Aes128>,
    out: W,
    buffer: Zeroizing<Vec<u8>>,
    hash: Sha256,
    size: u64,
}

impl<W: Write> Encrypting<W> {
    /// Encrypts all whole blocks of the buffer.
    fn drain(&mut self) -> io::Result<()> {
        let whole = self.buffer.len() / BLOCK * BLOCK;
        let (blocks, _) = Array::slice_as_chunks_mut(&mut self.buffer[..whole]);
        self.cipher.encrypt_blocks(blocks);
        self.out.write_all(&self.buffer[..whole])?;
        self.hash.update(&self.buffer[..whole]);
        self.size += whole as u64;
        self.buffer.drain(..whole);
        Ok(())
    }

    /// Writes the last block with its padding. Gives the writer, and hash and size of what it got.
    ///
    /// # Errors
    /// What the writer fails with.
    pub fn finish(mut self) -> io::Result<(W, ObjectRef)> {
        let pad = BLOCK - self.buffer.len() % BLOCK;
        // 1 to 16.
        let byte = u8::try_from(pad).unwrap_or(16);
        let padded = self.buffer.len() + pad;
        self.buffer.resize(padded, byte);
        self.drain()?;
        self.out.flush()?;
        let object = ObjectRef {
            sha256: hex::encode(self.hash.finalize()),
            size: self.size,
        };
        Ok((self.out, object))
    }
}

impl<W: Write> Write for Encrypting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for part in bytes.chunks(CHUNK) {
            self.buffer.extend_from_slice(part);
            if self.buffer.len() >= CHUNK {
                self.drain()?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
