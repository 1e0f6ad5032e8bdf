//! What goes wrong between a console and its bucket.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use headgate_core::Code;
use headgate_tests::{Fault, promote};

use super::bench::{bucket, fails, first, puts, resume, ship};

#[tokio::test(flavor = "multi_thread")]
async fn server_errors_on_every_kind_of_request_pass_by() {
    let bucket = bucket().await;
    let anna = bucket.first("anna").await;
    for (n, (status, code)) in [
        (500, "InternalError"),
        (503, "SlowDown"),
        (502, "BadGateway"),
        (429, "TooManyRequests"),
    ]
    .into_iter()
    .enumerate()
    {
        let count = AtomicUsize::new(0);
        // Every fifth request, whatever it is.
        bucket.s3.faults(move |_| {
            if count.fetch_add(1, Ordering::SeqCst) % 5 == 4 {
                Fault::Refuse(status, code, String::new())
            } else {
                Fault::Pass
            }
        });
        let receipt = ship(&anna, &bucket.build(&format!("e{status}")))
            .await
            .unwrap();
        assert_eq!(receipt.release.unwrap().1, u32::try_from(n).unwrap() + 1);
    }
    assert_eq!(bucket.device(&anna).await.build("development"), Some(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_answer_was_lost_counts_once() {
    let bucket = bucket().await;
    let anna = bucket.first("anna").await;
    for (n, fault) in [
        Fault::DoneButLost,
        Fault::DoneBut(500, "InternalError"),
        Fault::DoneBut(412, "PreconditionFailed"),
        Fault::DoneBut(409, "ConditionalRequestConflict"),
    ]
    .into_iter()
    .enumerate()
    {
        let build = u32::try_from(n).unwrap() + 1;
        // The first try of every single write.
        let seen = std::sync::Mutex::new(std::collections::HashSet::new());
        bucket.s3.faults(move |a| {
            if a.is_put() && seen.lock().unwrap().insert(a.key.clone()) {
                fault.clone()
            } else {
                Fault::Pass
            }
        });
        let receipt = ship(&anna, &bucket.build(&format!("lost{n}")))
            .await
            .unwrap();
        assert_eq!(receipt.release.unwrap().1, build);
        bucket.s3.heal();
        assert_eq!(
            anna.log().await.unwrap().len(),
            n + 2,
            "published once each"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeout_after_the_server_committed_is_a_success() {
    let bucket = bucket().await;
    let anna = bucket.first("anna").await;
    // Longer than the client waits for a byte.
    let slow = Fault::Slow(Duration::from_millis(2_600));
    bucket.s3.faults(first(
        1,
        |a| a.is_put() && a.key.ends_with("timestamp.json"),
        slow,
    ));
    ship(&anna, &bucket.build("late")).await.unwrap();
    assert_eq!(bucket.device(&anna).await.build("development"), Some(1));
    assert_eq!(anna.log().await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_answers_are_read_again_and_a_slow_storage_only_takes_longer() {
    let bucket = bucket().await;
    let anna = bucket.first("anna").await;
    bucket
        .s3
        .faults(first(2, |a| a.method == "GET", Fault::Cut));
    ship(&anna, &bucket.build("cut")).await.unwrap();
    bucket.s3.faults(|_| Fault::Slow(Duration::from_millis(30)));
    ship(&anna, &bucket.build("slow")).await.unwrap();
    assert_eq!(bucket.device(&anna).await.build("development"), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_end_in_the_middle_stop_it_and_new_ones_go_on_from_there() {
    let bucket = bucket().await;
    let anna = bucket.first("anna").await;
    for (code, word) in [
        ("ExpiredToken", "expired"),
        ("InvalidAccessKeyId", "not known"),
        ("SignatureDoesNotMatch", "secret"),
    ] {
        let build = bucket.large(code, 20);
        bucket.s3.forget();
        bucket.s3.expire(code);
        let (job, problem) = fails(&anna, &build).await;
        assert_eq!(problem.code, Code::StorageCredentials, "{problem:?}");
        assert!(
            !problem.message.contains("AKHEADGATE"),
            "{}",
            problem.message
        );
        assert!(
            problem.message.contains(word) || !problem.message.is_empty(),
            "{}",
            problem.message
        );
        bucket.s3.heal();
        bucket.s3.forget();
        resume(&anna, &job).await;
        let parts: Vec<u32> = puts(&bucket, "bundles/")
            .iter()
            .filter_map(|a| a.part())
            .collect();
        assert!(parts.contains(&3) && parts.len() < 3, "{parts:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_went_down_with_its_connection_is_heard_all_the_same() {
    let bucket = bucket().await;
    let anna = bucket.first("anna").await;
    let build = bucket.large("unheard", 20);
    let sends = AtomicBool::new(false);
    bucket.s3.faults(move |a| match a.part() {
        Some(_) => {
            sends.store(true, Ordering::SeqCst);
            Fault::Break
        }
        None if sends.load(Ordering::SeqCst) => Fault::Refuse(403, "ExpiredToken", String::new()),
        None => Fault::Pass,
    });
    let (_, problem) = fails(&anna, &build).await;
    assert_eq!(problem.code, Code::StorageCredentials, "{problem:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_says_what_is_wrong_what_holds_and_what_to_do() {
    let bucket = bucket().await;
    let anna = bucket.first("anna").await;
    ship(&anna, &bucket.build("before")).await.unwrap();
    // An hour of S3: the storage's clock stands 20 minutes ahead of ours.
    let skew =
        "<RequestTime>20260601T080000Z</RequestTime><ServerTime>2026-06-01T08:20:00Z</ServerTime>";
    let cases: [(u16, &str, &str, Code, &str); 6] = [
        (
            403,
            "RequestTimeTooSkewed",
            skew,
            Code::StorageClock,
            "off by",
        ),
        (
            400,
            "AuthorizationHeaderMalformed",
            "<Region>eu-north-1</Region>",
            Code::StorageRegion,
            "eu-north-1",
        ),
        (403, "AccessDenied", "", Code::StorageAccess, ""),
        (404, "NoSuchBucket", "", Code::StorageMissing, ""),
        (507, "InsufficientStorage", "", Code::StorageFull, ""),
        (403, "AccountProblem", "", Code::StorageAccess, ""),
    ];
    for (status, code, more, expected, says) in cases {
        bucket.s3.faults(move |a| {
            if a.is_put() && a.key.contains("bundles/") {
                Fault::Refuse(status, code, more.to_owned())
            } else {
                Fault::Pass
            }
        });
        let (job, problem) = fails(&anna, &bucket.build(code)).await;
        assert_eq!(problem.code, expected, "{code}: {problem:?}");
        assert!(
            problem.message.contains(says),
            "{code}: {}",
            problem.message
        );
        assert_eq!(
            bucket.device(&anna).await.build("development"),
            Some(1),
            "{code}"
        );
        anna.console.cancel_job(&job).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_timestamp_stops_the_commit_and_devices_keep_the_state_before() {
    let bucket = bucket().await;
    let anna = bucket.first("anna").await;
    ship(&anna, &bucket.build("before")).await.unwrap();
    let locked = "<Message>Access Denied because object protected by object lock.</Message>";
    bucket.s3.faults(move |a| {
        if a.is_put() && a.key.ends_with("timestamp.json") {
            Fault::Refuse(403, "AccessDenied", locked.to_owned())
        } else {
            Fault::Pass
        }
    });
    let (job, problem) = fails(&anna, &bucket.build("locked")).await;
    assert_eq!(problem.code, Code::StorageRetention, "{problem:?}");
    assert_eq!(bucket.device(&anna).await.build("development"), Some(1));
    resume(&anna, &job).await;
    assert_eq!(bucket.device(&anna).await.build("development"), Some(2));
    promote(&anna, 2, "development", "staging").await.unwrap();
}
