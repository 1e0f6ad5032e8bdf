//! Secrets that are no keys: what opens a storage.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use headgate_core::{Code, Problem, Result};
use zeroize::Zeroizing;

/// Longest name, characters.
const MAX_NAME: usize = 300;

/// Longest secret, bytes.
const MAX_SECRET: usize = 16 * 1024;

/// Checks the name of a secret.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let plain = |b: u8| b == b' ' || b.is_ascii_graphic();
    if (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(plain) {
        return Ok(());
    }
    Err(Problem::new(
        Code::UsageArgument,
        format!("The name of a stored secret has 1 to {MAX_NAME} printable ASCII characters."),
    )
    .field("name"))
}

/// Checks a secret, and never repeats it.
pub(crate) fn check_value(secret: &str) -> Result<()> {
    if (1..=MAX_SECRET).contains(&secret.len()) && !secret.contains('\0') {
        return Ok(());
    }
    Err(Problem::new(
        Code::UsageArgument,
        format!("A stored secret has 1 to {MAX_SECRET} bytes."),
    )
    .field("secret"))
}

/// As it stands in a file: without characters that a parser would have to unescape into memory that is not wiped.
pub(crate) fn to_base64(secret: &str) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(secret.len().div_ceil(3) * 4));
    STANDARD.encode_string(secret, &mut text);
    text
}

/// Reads what [`to_base64`] wrote; `None` for anything else.
pub(crate) fn from_base64(text: &str) -> Option<Zeroizing<String>> {
    if text.len() > MAX_SECRET.div_ceil(3) * 4 {
        return None;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    STANDARD.decode_vec(text, &mut bytes).ok()?;
    let secret = std::str::from_utf8(&bytes).ok()?;
    check_value(secret).ok()?;
    Some(Zeroizing::new(secret.to_owned()))
}

/// The vault has no room for it.
pub(crate) fn too_long(vault: &str, max: u32) -> Problem {
    Problem::new(
        Code::KeyOther,
        format!("The {vault} keeps at most {max} bytes for an item, two for each character, and this secret has more."),
    )
    .remedy("Leave out the session token, use a passphrase file as the vault, or set the AWS_* variables instead.")
}

/// What is stored under the name is not what was put there.
pub(crate) fn damaged(vault: &str) -> Problem {
    Problem::new(
        Code::KeyDamaged,
        format!("What the {vault} holds for this storage cannot be read."),
    )
    .remedy("Enter the credentials again.")
}
