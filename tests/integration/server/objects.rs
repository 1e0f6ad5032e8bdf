//! Objects of a folder, for servers without a CDN.

use headgate_core::pack::Pack;
use headgate_server::serve::Running as Server;
use headgate_tests::{APP, bench, ship};
use reqwest::{Client, header};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::fixture::{get, server};

/// What the pack of development says of objects, and a bundle's name.
async fn bundle(server: &Server) -> (String, String) {
    let pack = get(server, &format!("/headgate/{APP}/packs/development.json")).await;
    let pack = Pack::parse(&pack.bytes().await.unwrap()).unwrap();
    let manifest = pack.files.iter().find(|(key, _)| key.contains("release-1"));
    let manifest: serde_json::Value = serde_json::from_str(manifest.unwrap().1).unwrap();
    let sha256 = manifest["bundle"]["sha256"].as_str().unwrap();
    (pack.objects, format!("bundles/{sha256}.zip"))
}

#[tokio::test]
async fn an_object_is_sent_whole_in_part_or_not_again() {
    let bench = bench();
    let anna = bench.first("anna").await;
    ship(&anna, &bench.build("one"), "development")
        .await
        .unwrap();
    let server = server(&bench, &anna.workspace.root).await;
    let (objects, key) = bundle(&server).await;
    let stored = std::fs::read(bench.storage().join(&key)).unwrap();
    let url = format!("{objects}/{key}");
    let client = Client::new();
    let whole = client.get(&url).send().await.unwrap();
    assert_eq!(whole.status(), 200);
    let head = whole.headers().clone();
    assert_eq!(
        head[header::CACHE_CONTROL],
        "public, max-age=31536000, immutable"
    );
    assert_eq!(head[header::CONTENT_TYPE], "application/zip");
    assert_eq!(
        head[header::CONTENT_LENGTH],
        stored.len().to_string().as_str()
    );
    assert!(head.get(header::CONTENT_ENCODING).is_none());
    assert_eq!(whole.bytes().await.unwrap(), stored);

    let part = client.get(&url).header(header::RANGE, "bytes=100-");
    let part = part.send().await.unwrap();
    assert_eq!(part.status(), 206);
    let range = format!("bytes 100-{}/{}", stored.len() - 1, stored.len());
    assert_eq!(part.headers()[header::CONTENT_RANGE], range.as_str());
    assert_eq!(part.bytes().await.unwrap(), stored[100..]);
    let beyond = client.get(&url).header(header::RANGE, "bytes=99999999-");
    assert_eq!(beyond.send().await.unwrap().status(), 416);
    let changed = client
        .get(&url)
        .header(header::RANGE, "bytes=100-")
        .header(header::IF_RANGE, "\"other\"");
    assert_eq!(changed.send().await.unwrap().status(), 200);
    let again = client
        .get(&url)
        .header(header::IF_NONE_MATCH, &head[header::ETAG]);
    assert_eq!(again.send().await.unwrap().status(), 304);
    let looked = client.head(&url).send().await.unwrap();
    assert_eq!(
        looked.headers()[header::CONTENT_LENGTH],
        head[header::CONTENT_LENGTH]
    );
}

/// Status of a request whose path is sent as it is.
async fn raw(server: &Server, path: &str) -> u16 {
    let mut stream = tokio::net::TcpStream::connect(server.device_addr)
        .await
        .unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let text = String::from_utf8_lossy(&answer);
    text.split(' ').nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn path_tricks_find_nothing() {
    let bench = bench();
    let anna = bench.first("anna").await;
    ship(&anna, &bench.build("one"), "development")
        .await
        .unwrap();
    let server = server(&bench, &anna.workspace.root).await;
    let (objects, key) = bundle(&server).await;
    let base = objects.split_once("/objects/").unwrap().1.to_owned();
    let base = format!("/objects/{base}");
    assert_eq!(raw(&server, &format!("{base}/{key}")).await, 200);
    let hash = "0".repeat(64);
    std::fs::write(bench.dir.path().join(&hash), "secret").unwrap();
    for path in [
        format!("{base}/metadata/timestamp.json"),
        format!("{base}/../{key}"),
        format!("{base}/bundles/../metadata/timestamp.json"),
        format!("{base}/files/..%2F..%2F{hash}"),
        format!("{base}/files/%2e%2e%2f%2e%2e%2f{hash}"),
        format!("{base}/%2e%2e/{hash}"),
        format!("{base}/files%2F..%2F../{hash}"),
        format!("{base}/files/{hash}%00"),
        format!("{base}/files/..\\..\\{hash}"),
        format!("{base}//{key}"),
        format!("{base}/{key}/"),
        format!("{base}/{}", key.to_uppercase()),
        format!("/objects/..%2F/{key}"),
        format!("/objects/{APP}/{key}"),
        format!("/objects//{key}"),
        format!("{base}/files/{hash}"),
    ] {
        assert_eq!(raw(&server, &path).await, 404, "{path}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_in_the_folder_is_not_followed() {
    let bench = bench();
    let anna = bench.first("anna").await;
    ship(&anna, &bench.build("one"), "development")
        .await
        .unwrap();
    let server = server(&bench, &anna.workspace.root).await;
    let (objects, _) = bundle(&server).await;
    let secret = bench.dir.path().join("secret");
    std::fs::write(&secret, "secret").unwrap();
    let name = "a".repeat(64);
    std::fs::create_dir_all(bench.storage().join("files")).unwrap();
    std::os::unix::fs::symlink(&secret, bench.storage().join("files").join(&name)).unwrap();
    let response = Client::new()
        .get(format!("{objects}/files/{name}"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 503);
    assert!(!response.text().await.unwrap().contains("secret"));
}
