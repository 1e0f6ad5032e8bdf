//! Canonical JSON in the OLPC form that TUF signs.
//!
//! The profile keeps strings free of control characters, so these bytes are valid JSON too and are
//! exactly what a signer reads.

use serde_json::Value;
use unicode_normalization::is_nfc;

use crate::{Error, Result};

/// Largest integer that every reader keeps exact: 2^53 − 1.
pub const MAX_INTEGER: i64 = 9_007_199_254_740_991;

/// Canonical bytes of a value.
///
/// # Errors
/// [`Error::Profile`] for floats, integers beyond ±(2^53 − 1), strings that are not NFC or hold
/// control characters, and object keys that are not printable ASCII.
pub fn to_vec(value: &Value) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    write(value, &mut out)?;
    Ok(out)
}

/// Canonical bytes of anything that serialises.
///
/// # Errors
/// As [`to_vec`], and when it does not serialise to JSON.
pub fn serialize<T: serde::Serialize>(value: &T) -> Result<Vec<u8>> {
    let value = serde_json::to_value(value).map_err(|e| Error::Json(e.to_string()))?;
    to_vec(&value)
}

fn write(value: &Value, out: &mut Vec<u8>) -> Result<()> {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(n) => match n.as_i64() {
            Some(i) if (-MAX_INTEGER..=MAX_INTEGER).contains(&i) => {
                out.extend_from_slice(i.to_string().as_bytes());
            }
            _ => {
                return Err(Error::profile(
                    "number",
                    format!("{n} is not an exact integer"),
                ));
            }
        },
        Value::String(s) => write_string(s, out)?,
        Value::Array(items) => {
            out.push(b'[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write(item, out)?;
            }
            out.push(b']');
        }
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_unstable();
            out.push(b'{');
            for (i, key) in keys.into_iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                check_key(key)?;
                write_string(key, out)?;
                out.push(b':');
                write(&map[key], out)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

fn write_string(s: &str, out: &mut Vec<u8>) -> Result<()> {
    check_string(s)?;
    out.push(b'"');
    for byte in s.bytes() {
        if byte == b'"' || byte == b'\\' {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
    Ok(())
}

/// Refuses strings that readers could show or sign differently.
pub(crate) fn check_string(s: &str) -> Result<()> {
    if let Some(c) = s
        .chars()
        .find(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
    {
        return Err(Error::profile(
            "string",
            format!("control character U+{:04X}", u32::from(c)),
        ));
    }
    if is_nfc(s) {
        Ok(())
    } else {
        Err(Error::profile("string", "not in Unicode form NFC"))
    }
}

/// Refuses object keys that are not printable ASCII, and the one that JavaScript treats specially.
pub(crate) fn check_key(key: &str) -> Result<()> {
    if key == "__proto__" || !key.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return Err(Error::profile(
            "object key",
            format!("{key:?} is not allowed"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn keys_are_sorted_and_only_quote_and_backslash_escaped() {
        let v = json!({"b": [1, -2, null, true], "a": "x\"\\/ü€", "": {}});
        assert_eq!(
            String::from_utf8(to_vec(&v).unwrap()).unwrap(),
            r#"{"":{},"a":"x\"\\/ü€","b":[1,-2,null,true]}"#
        );
    }

    #[test]
    fn what_readers_could_read_differently_is_refused() {
        for bad in [
            json!(1.5),
            json!(9_007_199_254_740_992_u64),
            json!(u64::MAX),
            json!("cafe\u{301}"),
            json!("a\nb"),
            json!("a\u{2028}b"),
            json!({"\u{fc}": 1}),
            json!({"__proto__": 1}),
        ] {
            assert!(to_vec(&bad).is_err(), "{bad} was accepted");
        }
        assert!(to_vec(&json!(MAX_INTEGER)).is_ok());
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-MAX_INTEGER..=MAX_INTEGER).prop_map(Value::from),
            "[ -~äöü€]{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map("[ -~]{0,8}", inner, 0..5)
                    .prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn canonical_bytes_are_json_and_stable(v in value()) {
            if let Ok(bytes) = to_vec(&v) {
                let back = crate::strict::parse(&bytes, bytes.len()).unwrap();
                prop_assert_eq!(&back, &v);
                prop_assert_eq!(to_vec(&back).unwrap(), bytes);
            }
        }
    }
}
