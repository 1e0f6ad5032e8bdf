//! Values as people write them.

use headgate_engine::VaultChoice;

/// `os` or `file:PATH`; a path is taken from the current folder.
pub(super) fn vault(text: &str) -> Result<VaultChoice, String> {
    match (text, text.strip_prefix("file:")) {
        ("os", _) => Ok(VaultChoice::Os),
        (_, Some(path)) if !path.is_empty() => {
            let path = path.strip_prefix("//").unwrap_or(path);
            std::path::absolute(path)
                .map(VaultChoice::File)
                .map_err(|e| e.to_string())
        }
        _ => Err("a vault is os or file:PATH".into()),
    }
}

/// A share in percent with at most one decimal, as permille.
pub(super) fn percent(text: &str) -> Result<u16, String> {
    let bad = || "a share is between 0.1 and 100, with at most one decimal".to_owned();
    let plain = text.strip_suffix('%').unwrap_or(text).trim_end();
    let (whole, tenths) = plain.split_once('.').unwrap_or((plain, "0"));
    let digits = |t: &str, most: usize| {
        (1..=most).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_digit())
    };
    if !digits(whole, 3) || !digits(tenths, 1) {
        return Err(bad());
    }
    let number = |t: &str| t.parse::<u16>().map_err(|_| bad());
    let permille = number(whole)? * 10 + number(tenths)?;
    if (1..=1000).contains(&permille) {
        Ok(permille)
    } else {
        Err(bad())
    }
}

/// A rate in percent with at most one decimal, as permille; 0 is one.
pub(super) fn rate(text: &str) -> Result<u16, String> {
    let zero = ["0", "0.0"].contains(&text.strip_suffix('%').unwrap_or(text).trim_end());
    if zero {
        return Ok(0);
    }
    percent(text).map_err(|_| "a rate is between 0 and 100, with at most one decimal".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_has_at_most_one_decimal() {
        let good = [
            ("25", 250),
            ("0.1", 1),
            ("100", 1000),
            ("12.5", 125),
            ("100.0", 1000),
            ("1%", 10),
            ("1 %", 10),
        ];
        good.iter()
            .for_each(|(text, permille)| assert_eq!(percent(text), Ok(*permille), "{text}"));
        for bad in [
            "0", "0.0", "100.1", "101", "1000", "12.55", "-1", "+1", "1.", ".5", "", "x", "1e1",
        ] {
            assert!(percent(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_vault_is_the_keychain_or_a_file() {
        assert_eq!(vault("os"), Ok(VaultChoice::Os));
        assert_eq!(vault("file:/a/b"), Ok(VaultChoice::File("/a/b".into())));
        assert_eq!(vault("file:///a/b"), Ok(VaultChoice::File("/a/b".into())));
        assert!(matches!(vault("file:keys.age"), Ok(VaultChoice::File(p)) if p.is_absolute()));
        assert!(vault("keychain").is_err() && vault("file:").is_err());
    }
}
