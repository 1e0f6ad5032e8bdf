//! What stock plugins need of a release on one channel: made when the channel approves it, by who holds the channel's
//! RSA key and has hashed the bundle (`docs/trust.md`, dialect signatures).

mod make;

use headgate_core::settings::ChannelRsa;
use headgate_core::{Code, Problem};

pub(crate) use headgate_clients::Made;
pub(crate) use headgate_core::clients::{CAPACITOR, IONIC, Wanted};
pub(crate) use make::{Hand, Making, make};

/// The channel's RSA key is not on this computer.
pub(crate) fn not_here(channel: &str, rsa: &ChannelRsa) -> Problem {
    let what = format!(
        "Apps in {channel} verify the RSA key ‘{}’, and this computer does not have it.",
        rsa.name
    );
    Problem::new(Code::KeyMissing, what)
        .holds("Nothing was signed or uploaded.")
        .remedy(
            "Ask its holder for it with a signing request: --request on the command line, Ask for signatures in the window.",
        )
}
