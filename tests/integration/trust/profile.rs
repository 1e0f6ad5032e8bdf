//! JSON that two readers could read differently never gets as far as a signature.

use headgate_core::Code;
use headgate_tuf::Envelope;

use super::registry::{TIMESTAMP, registry};

#[tokio::test]
async fn json_that_two_readers_could_read_differently_is_refused() {
    let r = registry().await;
    let good = String::from_utf8(r.bytes(TIMESTAMP)).unwrap();
    let with = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        good.replacen(from, to, 1)
    };
    let deep = format!("{{\"a\":{}1{}", "[".repeat(500), "]".repeat(500));
    for (what, bad) in [
        (
            "duplicate key in the signed part",
            with("\"version\":4}", "\"version\":4,\"version\":4}"),
        ),
        (
            "duplicate key outside",
            with("{\"signatures\":", "{\"signatures\":[],\"signatures\":"),
        ),
        (
            "escaped duplicate",
            with("\"version\":4}", "\"versio\\u006e\":9,\"version\":4}"),
        ),
        (
            "__proto__",
            with("{\"signatures\":", "{\"__proto__\":{},\"signatures\":"),
        ),
        (
            "unknown field",
            with("{\"signatures\":", "{\"extra\":1,\"signatures\":"),
        ),
        ("float", with("\"version\":4}", "\"version\":4.0}")),
        ("exponent", with("\"version\":4}", "\"version\":4e0}")),
        (
            "large integer",
            with("\"version\":4}", "\"version\":9007199254740993}"),
        ),
        ("byte order mark", format!("\u{feff}{good}")),
        (
            "deep nesting",
            with("{\"signatures\":", &format!("{deep},\"signatures\":")),
        ),
        ("trailing data", format!("{good}{{}}")),
        (
            "space in the signed part",
            with("\"version\":4}", "\"version\": 4}"),
        ),
        ("fractional seconds", with("00Z\"", "00.5Z\"")),
    ] {
        assert!(Envelope::parse(bad.as_bytes()).is_err(), "{what}");
        r.put(TIMESTAMP, bad.as_bytes());
        assert_eq!(r.refusal().await, Code::TrustFormat, "{what}");
    }
    r.put(TIMESTAMP, good.as_bytes());
    r.device().await.unwrap();
}
