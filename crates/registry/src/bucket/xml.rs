//! What S3 answers, as XML (Amazon S3 API reference). Written by a stranger: sizes are limited before this, nothing is
//! expanded, and what is not understood is an error or is skipped.

use headgate_core::{Code, Problem, Result};
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Largest answer that is read, bytes: 1,000 names with every field of theirs.
pub(super) const MAX_ANSWER: u64 = 8 * 1024 * 1024;

/// Largest error that is read, bytes.
pub(super) const MAX_ERROR: u64 = 64 * 1024;

/// `<Error>`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct ErrorBody {
    pub(super) code: String,
    pub(super) message: String,
    pub(super) region: String,
    pub(super) server_time: String,
}

/// `<ListBucketResult>` of ListObjectsV2.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Names {
    pub(super) is_truncated: bool,
    pub(super) next_continuation_token: Option<String>,
    pub(super) contents: Vec<Name>,
}

/// One object of a listing.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Name {
    pub(super) key: String,
}

/// `<InitiateMultipartUploadResult>`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Begun {
    pub(super) upload_id: String,
}

/// `<CompleteMultipartUploadResult>`, or the `<Error>` that may come with status 200.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Finished {
    #[serde(rename = "ETag")]
    pub(super) etag: String,
}

/// `<ListPartsResult>`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Parts {
    pub(super) is_truncated: bool,
    pub(super) next_part_number_marker: Option<u32>,
    pub(super) part: Vec<PartLine>,
}

/// One part, numbered from 1.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct PartLine {
    pub(super) part_number: u32,
    pub(super) size: u64,
    #[serde(rename = "ETag")]
    pub(super) etag: String,
}

/// `<ListMultipartUploadsResult>`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Uploads {
    pub(super) is_truncated: bool,
    pub(super) next_key_marker: Option<String>,
    pub(super) next_upload_id_marker: Option<String>,
    pub(super) upload: Vec<Upload>,
}

/// One upload that was begun.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Upload {
    pub(super) key: String,
    pub(super) upload_id: String,
    pub(super) initiated: String,
}

/// Reads an answer whose root has this name. Some servers call it `…Response` instead of `…Result`.
///
/// # Errors
/// `storage.io`.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8], root: &str) -> Result<T> {
    let odd = || {
        Problem::new(
            Code::StorageIo,
            "The storage answered with something that is not the answer of an S3 server.",
        )
        .remedy("Check the endpoint in the storage address.")
    };
    let text = std::str::from_utf8(bytes).map_err(|_| odd())?;
    let stem = |name: &str| {
        let short = name.strip_suffix("Response");
        short
            .or_else(|| name.strip_suffix("Result"))
            .unwrap_or(name)
            .to_owned()
    };
    if root_name(text).map(stem) != Some(stem(root)) {
        return Err(odd());
    }
    quick_xml::de::from_str(text).map_err(|_| odd())
}

/// Reads an error; an empty one for what is none, such as a proxy's page.
pub(super) fn error(bytes: &[u8]) -> ErrorBody {
    read(bytes, "Error").unwrap_or_default()
}

/// Name of the first element, without its namespace.
pub(super) fn root_name(text: &str) -> Option<&str> {
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    if rest.starts_with("<?xml") {
        rest = rest.split_once("?>")?.1.trim_start();
    }
    let name = rest.strip_prefix('<')?;
    let end = name.find(|c: char| c.is_whitespace() || matches!(c, '>' | '/'))?;
    name.get(..end)?.rsplit(':').next()
}

/// Unix seconds of an ISO 8601 time.
pub(super) fn seconds(text: &str) -> Option<i64> {
    text.trim()
        .parse::<Timestamp>()
        .ok()
        .map(Timestamp::as_second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn genuine_answers_are_read_and_unknown_fields_are_skipped() {
        let text = r#"<?xml version="1.0" encoding="UTF-8"?>
<ListPartsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Bucket>b</Bucket><Owner><ID>x</ID></Owner>
<NextPartNumberMarker>2</NextPartNumberMarker><IsTruncated>true</IsTruncated>
<Part><PartNumber>1</PartNumber><LastModified>2010-11-10T20:48:34.000Z</LastModified><ETag>&quot;aa&quot;</ETag><Size>5</Size></Part>
<Part><PartNumber>2</PartNumber><ETag>"bb"</ETag><Size>6</Size></Part></ListPartsResult>"#;
        let parts: Parts = read(text.as_bytes(), "ListPartsResult").unwrap();
        assert!(parts.is_truncated);
        assert_eq!(parts.next_part_number_marker, Some(2));
        assert_eq!(parts.part[0].etag, "\"aa\"");
        assert_eq!((parts.part[1].part_number, parts.part[1].size), (2, 6));
        assert!(read::<Parts>(b"<Error><Code>x</Code></Error>", "ListPartsResult").is_err());
    }

    #[test]
    fn hostile_xml_is_an_error_or_nothing_and_comes_to_an_end() {
        let deep = format!(
            "<ListPartsResult>{}{}</ListPartsResult>",
            "<a>".repeat(200_000),
            "</a>".repeat(200_000)
        );
        let laughs = r#"<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><ListPartsResult><Part><ETag>&b;</ETag></Part></ListPartsResult>"#;
        let outside = r#"<ListPartsResult><Part><ETag>&xxe;</ETag></Part></ListPartsResult>"#;
        let number = "<ListPartsResult><Part><PartNumber>99999999999999999999</PartNumber></Part></ListPartsResult>";
        let minus = "<ListPartsResult><Part><Size>-1</Size></Part></ListPartsResult>";
        let twice = "<ListPartsResult><IsTruncated>true</IsTruncated><IsTruncated>false</IsTruncated></ListPartsResult>";
        for text in [
            laughs,
            outside,
            number,
            minus,
            twice,
            "",
            "<",
            "<ListPartsResult",
            "<ListPartsResult>",
            "\0",
        ] {
            assert!(
                read::<Parts>(text.as_bytes(), "ListPartsResult").is_err(),
                "{text}"
            );
        }
        let parts: Parts = read(deep.as_bytes(), "ListPartsResult").unwrap();
        assert!(parts.part.is_empty());
        assert!(read::<Parts>(&[0xff, 0xfe], "ListPartsResult").is_err());
        assert_eq!(error(b"<html><body>502</body></html>").code, "");
    }
}
