//! age files that a passphrase opens (C2SP age, scrypt recipient).

use std::io::{Read as _, Write as _};

use age::secrecy::SecretString;
use age::{DecryptError, Decryptor, Encryptor, Identity, scrypt};
use headgate_core::{Code, Problem, Result};
use zeroize::Zeroizing;

use crate::{Passphrase, failure};

/// Largest vault or key file that is read, bytes. A key takes about 200.
pub(crate) const MAX_FILE: usize = 1 << 20;

/// Largest scrypt work factor that is accepted on reading, log2 of N: about a second and 256 MiB.
/// A hostile file could otherwise ask for hours.
pub(crate) const MAX_WORK_FACTOR: u8 = 18;

/// Encrypts with a fixed work factor (log2 of N), so that files do not depend on the machine that wrote them.
///
/// # Errors
/// `key.failed` when the cipher fails.
pub(crate) fn seal(plain: &[u8], passphrase: &Passphrase, work_factor: u8) -> Result<Vec<u8>> {
    let failed = || Problem::new(Code::KeyOther, "The keys could not be encrypted.");
    let mut recipient = scrypt::Recipient::new(secret(passphrase));
    recipient.set_work_factor(work_factor.clamp(1, MAX_WORK_FACTOR));
    let recipients = std::iter::once(&recipient as &dyn age::Recipient);
    let encryptor = Encryptor::with_recipients(recipients).map_err(|_| failed())?;
    let mut sealed = Vec::with_capacity(plain.len() + 512);
    let mut writer = encryptor.wrap_output(&mut sealed).map_err(|_| failed())?;
    writer.write_all(plain).map_err(|_| failed())?;
    writer.finish().map_err(|_| failed())?;
    Ok(sealed)
}

/// Decrypts. `what` names the file in the error: "vault file", "exported key".
///
/// # Errors
/// `key.wrong_password` when the passphrase does not open it; `key.file` for anything that is no such file.
pub(crate) fn open(
    sealed: &[u8],
    passphrase: &Passphrase,
    what: &str,
) -> Result<Zeroizing<Vec<u8>>> {
    if sealed.len() > MAX_FILE {
        return Err(failure::bad_file(what, "it is larger than 1 MiB"));
    }
    let decryptor = Decryptor::new_buffered(sealed).map_err(|e| explain(&e, what))?;
    if !decryptor.is_scrypt() {
        return Err(failure::bad_file(
            what,
            "it is encrypted for a key, not with a passphrase",
        ));
    }
    let mut identity = scrypt::Identity::new(secret(passphrase));
    identity.set_max_work_factor(MAX_WORK_FACTOR);
    let mut reader = decryptor
        .decrypt(std::iter::once(&identity as &dyn Identity))
        .map_err(|e| explain(&e, what))?;
    // Sealing only adds bytes, so this never grows and leaves no copy of the plain text behind.
    let mut plain = Zeroizing::new(Vec::with_capacity(sealed.len()));
    reader
        .read_to_end(&mut plain)
        .map_err(|_| failure::bad_file(what, "it is cut off or altered"))?;
    Ok(plain)
}

/// The work factor that a file was sealed with (C2SP age, scrypt recipient stanza).
pub(crate) fn work_factor(sealed: &[u8]) -> Option<u8> {
    let stanza = sealed.split(|b| *b == b'\n').nth(1)?;
    let arguments = std::str::from_utf8(stanza)
        .ok()?
        .strip_prefix("-> scrypt ")?;
    arguments.split(' ').nth(1)?.parse().ok()
}

fn secret(passphrase: &Passphrase) -> SecretString {
    SecretString::from(passphrase.expose().to_owned())
}

fn explain(error: &DecryptError, what: &str) -> Problem {
    match error {
        DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed => Problem::new(
            Code::KeyWrongPassword,
            format!("The passphrase does not open the {what}."),
        ),
        DecryptError::ExcessiveWork { required, .. } => failure::bad_file(
            what,
            &format!("its work factor {required} is above {MAX_WORK_FACTOR}"),
        ),
        DecryptError::InvalidMac => failure::bad_file(what, "its header was altered"),
        _ => failure::bad_file(what, "it is not an age file, or cut off"),
    }
}
