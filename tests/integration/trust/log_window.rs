//! The audit log as the window gets it, and the file that it saves.

use std::path::PathBuf;

use headgate_ipc::{App, Host, dto};

use super::log_words::history;

/// A person who saves where the dialog proposes, in one folder.
struct Saves(PathBuf);

#[async_trait::async_trait]
impl Host for Saves {
    async fn pick_folder(&self, _: &str) -> Option<PathBuf> {
        None
    }
    async fn pick_file(&self, _: &str, _: &str, _: &[&str]) -> Option<PathBuf> {
        None
    }
    async fn save_file(&self, _: &str, name: &str, _: &str, _: &str) -> Option<PathBuf> {
        Some(self.0.join(name))
    }
    fn quit(&self) {}
}

#[tokio::test]
async fn the_window_gets_the_log_newest_first_and_saves_it() {
    let r = history().await;
    let folder = r.bench.dir.path().to_owned();
    let app = App::new(r.anna.console.clone(), Box::new(Saves(folder)));
    let workspace = r.anna.workspace.id.clone();
    let ask = |read: &str| dto::ActivityRequest {
        workspace: workspace.clone(),
        read: read.into(),
    };
    assert_eq!(
        app.activity(ask("cached")).await.unwrap_err().code,
        "storage.missing",
        "it was never read here"
    );
    assert_eq!(
        app.activity(ask("often")).await.unwrap_err().code,
        "usage.argument"
    );
    let log = app.activity(ask("new")).await.unwrap();
    assert_eq!(log.verdict.state, "verified");
    assert_eq!(
        log.verdict.head.as_deref(),
        Some(log.entries[0].hash.as_str())
    );
    assert_eq!(
        (log.entries[0].kind.as_str(), log.entries[0].group.as_str()),
        ("freshness", "freshness")
    );
    let halt = log.entries.iter().find(|e| e.kind == "halt").unwrap();
    assert_eq!(
        (halt.number, halt.reason.as_str()),
        (6, "crashes on native 4.1.0")
    );
    assert_eq!(
        (halt.version.as_deref(), halt.build),
        (Some("4.2.5"), Some(1))
    );
    assert_eq!(
        (halt.unit.as_deref(), halt.channel.as_deref()),
        (Some("main"), Some("production"))
    );
    assert!(halt.says.iter().any(|s| s.strong && s.text == "production"));
    let cached = app.activity(ask("cached")).await.unwrap();
    assert_eq!(cached.entries.len(), log.entries.len());
    for (format, begins) in [("csv", "entry,at,by,"), ("jsonl", "{\"headgate_log\":1,")] {
        let saved = app.activity_export(dto::ActivityExport {
            workspace: workspace.clone(),
            format: format.into(),
        });
        let saved = saved.await.unwrap();
        let path = saved.path.unwrap();
        assert!(
            path.ends_with(&format!("com.acme.field-log-2026-06-01.{format}")),
            "{path}"
        );
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.starts_with(begins), "{}", &text[..80]);
    }
}
