//! Reading JSON from others: what two readers could read differently is refused.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::{Error, Result, canonical};

/// Deepest nesting that is read.
pub const MAX_DEPTH: usize = 32;

/// Parses bytes into a value.
///
/// # Errors
/// [`Error::Json`] when it is longer than `max` bytes, has a byte order mark, duplicate keys, floats,
/// integers beyond ±(2^53 − 1), trailing data, or nests deeper than [`MAX_DEPTH`];
/// strings and keys as [`canonical::to_vec`].
pub fn parse(bytes: &[u8], max: usize) -> Result<Value> {
    if bytes.len() > max {
        return Err(Error::Json(format!(
            "{} bytes, at most {max} are read",
            bytes.len()
        )));
    }
    let mut de = serde_json::Deserializer::from_slice(bytes);
    let value = Strict(0)
        .deserialize(&mut de)
        .map_err(|e| Error::Json(e.to_string()))?;
    de.end().map_err(|e| Error::Json(e.to_string()))?;
    Ok(value)
}

struct Strict(usize);

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> std::result::Result<Value, D::Error> {
        if self.0 > MAX_DEPTH {
            return Err(D::Error::custom("nested too deeply"));
        }
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON of the registry's profile")
    }

    fn visit_bool<E>(self, b: bool) -> std::result::Result<Value, E> {
        Ok(Value::Bool(b))
    }

    fn visit_unit<E>(self) -> std::result::Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_i64<E: serde::de::Error>(self, n: i64) -> std::result::Result<Value, E> {
        if (-canonical::MAX_INTEGER..=canonical::MAX_INTEGER).contains(&n) {
            Ok(Value::Number(Number::from(n)))
        } else {
            Err(E::custom(format!("integer {n} is out of range")))
        }
    }

    fn visit_u64<E: serde::de::Error>(self, n: u64) -> std::result::Result<Value, E> {
        match i64::try_from(n) {
            Ok(n) => self.visit_i64(n),
            Err(_) => Err(E::custom(format!("integer {n} is out of range"))),
        }
    }

    fn visit_f64<E: serde::de::Error>(self, n: f64) -> std::result::Result<Value, E> {
        Err(E::custom(format!("{n} is not an integer")))
    }

    fn visit_str<E: serde::de::Error>(self, s: &str) -> std::result::Result<Value, E> {
        canonical::check_string(s).map_err(E::custom)?;
        Ok(Value::String(s.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(Self(self.0 + 1))? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Value, A::Error> {
        let mut out = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            canonical::check_key(&key).map_err(A::Error::custom)?;
            let value = map.next_value_seed(Self(self.0 + 1))?;
            if out.contains_key(&key) {
                return Err(A::Error::custom(format!("key {key:?} stands twice")));
            }
            out.insert(key, value);
        }
        Ok(Value::Object(out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hostile_json_is_refused() {
        let deep = "[".repeat(4000) + &"]".repeat(4000);
        for bad in [
            &br#"{"a":1,"a":2}"#[..],
            br#"{"a":{"b":1,"b":1}}"#,
            br#"{"__proto__":{"x":1}}"#,
            b"\xef\xbb\xbf{}",
            b"1.0",
            b"1e3",
            b"-0.0",
            b"9007199254740992",
            b"18446744073709551616",
            b"{} {}",
            b"{}x",
            b"[1,]",
            b"'a'",
            b"\"a\\u0000\"",
            b"\"cafe\\u0301\"",
            b"\"\xff\"",
            b"",
            deep.as_bytes(),
        ] {
            assert!(
                parse(bad, 1 << 20).is_err(),
                "{:?} was accepted",
                String::from_utf8_lossy(bad)
            );
        }
    }

    #[test]
    fn more_bytes_than_allowed_are_not_read() {
        assert!(parse(b"[1,2,3]", 6).is_err());
        assert!(parse(b"[1,2,3]", 7).is_ok());
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes, 1000);
        }
    }
}
