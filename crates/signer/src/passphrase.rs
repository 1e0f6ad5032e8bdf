//! What a person typed to protect a vault or an export.

use headgate_core::{Code, Problem, Result};
use zeroize::Zeroizing;

/// A passphrase. Wiped when dropped; has no `Debug`, `Clone` or `Serialize`.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes over what was typed or read from the environment. The text is used as it is.
    ///
    /// # Errors
    /// `key.passphrase_needed` when it is empty.
    pub fn new(text: impl Into<Zeroizing<String>>) -> Result<Self> {
        let text = text.into();
        if text.is_empty() {
            return Err(Problem::new(
                Code::KeyPassphrase,
                "The passphrase is empty.",
            ));
        }
        Ok(Self(text))
    }

    /// The text, for the cipher alone.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// A copy for a second vault or call that outlives this one. Named, so that copies can be found by reading.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self(Zeroizing::new(self.0.as_str().to_owned()))
    }
}
