use proptest::prelude::*;

use headgate_core::Code;

use super::*;
use crate::StorageAddress;

fn parse(text: &str) -> BucketAddress {
    match StorageAddress::parse(text) {
        Ok(StorageAddress::Bucket(address)) => address,
        other => panic!("{text}: {other:?}"),
    }
}

fn error(text: &str) -> Problem {
    let Err(problem) = StorageAddress::parse(text) else {
        panic!("{text} was taken");
    };
    assert_eq!(problem.code, Code::StorageAddress, "{text}");
    problem
}

#[test]
fn an_address_has_one_normal_form() {
    for (text, normal) in [
        ("s3://bucket", "s3://bucket"),
        (
            "s3://bucket/?region=us-east-1&style=virtual&lock=0",
            "s3://bucket",
        ),
        ("s3://bucket//ota/", "s3://bucket/ota"),
        (
            "s3://my-bucket/ota/app?style=path&region=eu-central-1",
            "s3://my-bucket/ota/app?region=eu-central-1&style=path",
        ),
        (
            "s3://bucket/my%20ota?lock=1&endpoint=http%3A%2F%2FLOCALHOST%3A9000%2F&style=path",
            "s3://bucket/my%20ota?endpoint=http://localhost:9000&lock=1",
        ),
        (
            "s3://bucket?endpoint=https://s3.example.com&style=virtual",
            "s3://bucket?endpoint=https://s3.example.com&style=virtual",
        ),
        ("s3://my.bucket/a", "s3://my.bucket/a"),
    ] {
        assert_eq!(parse(text).to_string(), normal, "{text}");
        assert_eq!(parse(normal).to_string(), normal);
    }
    assert_eq!(
        parse("s3://bucket/m%C3%BCll/a%2Bb").prefix(),
        "m\u{fc}ll/a+b"
    );
}

#[test]
fn both_styles_make_the_url_of_the_bucket() {
    for (text, base) in [
        (
            "s3://bucket/a",
            "https://bucket.s3.us-east-1.amazonaws.com/",
        ),
        (
            "s3://my.bucket/a",
            "https://s3.us-east-1.amazonaws.com/my.bucket/",
        ),
        (
            "s3://bucket?style=path&region=eu-west-1",
            "https://s3.eu-west-1.amazonaws.com/bucket/",
        ),
        (
            "s3://bucket?region=cn-north-1",
            "https://bucket.s3.cn-north-1.amazonaws.com.cn/",
        ),
        (
            "s3://bucket?endpoint=http://127.0.0.1:9000",
            "http://127.0.0.1:9000/bucket/",
        ),
        (
            "s3://bucket?endpoint=http://[::1]:9000",
            "http://[::1]:9000/bucket/",
        ),
        (
            "s3://bucket?endpoint=http://s3.local:9000&style=virtual",
            "http://bucket.s3.local:9000/",
        ),
    ] {
        assert_eq!(parse(text).base().unwrap().as_str(), base, "{text}");
    }
}

#[test]
fn what_is_not_a_bucket_is_refused() {
    for name in [
        "ab",
        "Bucket",
        "a_b",
        "-ab",
        "ab-",
        "a..b",
        "192.168.1.1",
        "xn--abc",
        "abc-s3alias",
        "abc--x-s3",
        "",
        "a%62c",
    ] {
        error(&format!("s3://{name}/ota"));
    }
    error(&format!("s3://{}", "a".repeat(64)));
    error(&format!("s3://bucket/{}", "a".repeat(513)));
    for rest in [
        "/a//b",
        "/%00",
        "/a%2F%2Fb",
        "/%ff",
        "/a%5Cb",
        "/a%2",
        "?endpoint=ftp://host",
        "?endpoint=https://host/path",
        "?endpoint=https://host?x",
        "?endpoint=",
        "?region=",
        "?region=a.b/c",
        "?region=a&region=b",
        "?style=other",
        "?style=virtual&endpoint=http://127.0.0.1",
        "?style=virtual&endpoint=http://[::1]",
        "?lock=yes",
        "?Region=a",
        "#x",
        ":9000/a",
    ] {
        error(&format!("s3://bucket{rest}"));
    }
}

#[test]
fn credentials_are_refused_and_never_repeated() {
    for text in [
        "s3://hunter2@bucket/app",
        "s3://AK:hunter2@bucket/app",
        "s3://bucket/app?X-Amz-Signature=hunter2",
        "s3://bucket/app?X-Amz-Security-Token=hunter2",
        "s3://bucket/app?hunter2",
        "s3://bucket/app?access_key_id=AK&secret_access_key=hunter2",
        "s3://bucket/app?region=hunter2/x",
        "s3://bucket/app?endpoint=https://me:hunter2@host",
        "s3://bucket/app?endpoint=https://host?hunter2",
        "s3://bucket/app?style=hunter2",
        "s3://bucket/app#hunter2",
    ] {
        let problem = error(text);
        assert!(!format!("{problem:?}").contains("hunter2"), "{problem:?}");
    }
}

proptest! {
    #[test]
    fn whatever_is_taken_has_a_normal_form_that_parses_back(
        bucket in "[a-zA-Z0-9._-]{1,12}",
        prefix in "(/[a-z %0-9A-Fé+~.&=]{0,6}){0,3}",
        query in "(\\?|&)?((endpoint|region|style|lock|x)=(https?://[a-z.]{1,9}(:[0-9]{1,4})?|[a-z0-9-]{0,9}|path|virtual|1)&?){0,4}",
    ) {
        let text = format!("s3://{bucket}{prefix}{query}");
        if let Ok(address) = StorageAddress::parse(&text) {
            let normal = address.to_string();
            prop_assert_eq!(&StorageAddress::parse(&normal).unwrap(), &address, "{}", normal);
            prop_assert_eq!(StorageAddress::parse(&normal).unwrap().to_string(), normal);
        }
    }

    #[test]
    fn no_text_makes_the_parser_fail_otherwise(text in "s3://\\PC{0,80}") {
        if let Err(problem) = StorageAddress::parse(&text) {
            prop_assert_eq!(problem.code, Code::StorageAddress);
        }
    }
}
