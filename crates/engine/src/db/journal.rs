//! `journal.sqlite`: what storage cannot give back.

use std::path::{Path, PathBuf};

use headgate_core::{Code, Problem, Result};
use headgate_registry::HighWater;
use headgate_tuf::UtcTime;
use sqlx::{Row, SqlitePool, migrate::Migrator, sqlite::SqliteRow, sqlite::SqliteSynchronous};

use super::{journal_error, open};
use crate::{Home, Workspace, keys::VaultChoice};

static MIGRATOR: Migrator = sqlx::migrate!("migrations/journal");

const KIND: open::Kind = open::Kind {
    name: "journal.sqlite",
    code: Code::LocalJournal,
    synchronous: SqliteSynchronous::Full,
    migrator: &MIGRATOR,
};

const BACKUP_EVERY: std::time::Duration = std::time::Duration::from_secs(3600);

/// A key that this computer made or imported.
pub(crate) struct OwnKey {
    pub(crate) public: String,
    pub(crate) label: String,
    pub(crate) created: UtcTime,
}

/// The journal.
#[derive(Clone)]
pub(crate) struct Journal {
    pub(super) pool: SqlitePool,
    backup: PathBuf,
}

impl Journal {
    /// Opens the journal. A damaged one is restored from the last backup, which is told; without a
    /// backup it is reported and left as it is.
    pub(crate) async fn open(home: &Home) -> Result<(Self, Option<Problem>)> {
        let path = home.journal();
        let backup = home.backups().join("journal.sqlite");
        let mut lost = None;
        if !open::has_content(&path) && open::is_sound(&backup, &KIND).await {
            let what = format!("{} is missing or empty.", path.display());
            let problem = Problem::new(Code::LocalJournal, what);
            lost = Some(restore(&path, &backup, problem)?);
        }
        let (pool, notice) = match open::open(&path, &KIND, Some(&home.backups())).await {
            Ok(pool) => (pool, None),
            Err(problem)
                if problem.code == Code::LocalJournal && open::is_sound(&backup, &KIND).await =>
            {
                let notice = restore(&path, &backup, problem)?;
                (
                    open::open(&path, &KIND, Some(&home.backups())).await?,
                    Some(notice),
                )
            }
            Err(problem) => return Err(problem),
        };
        let journal = Self { pool, backup };
        journal.back_up_if_old().await;
        Ok((journal, notice.or(lost)))
    }

    /// Copies the journal. Called after what nothing else could give back: a pinned root, a key's record.
    pub(super) async fn back_up(&self) {
        // What was asked for is done; a missing copy is worth a warning, not a failure.
        if let Err(error) = open::backup(&self.pool, &self.backup).await {
            tracing::warn!(%error, "the journal could not be backed up");
        }
    }

    /// Copies the journal when the last copy is older than an hour.
    pub(crate) async fn back_up_if_old(&self) {
        if is_old(&self.backup) {
            self.back_up().await;
        }
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    pub(crate) async fn workspaces(&self) -> Result<Vec<Workspace>> {
        let rows =
            sqlx::query("SELECT * FROM workspace WHERE ready = 1 ORDER BY sandbox, name, id")
                .fetch_all(&self.pool)
                .await;
        rows.map_err(journal_error)?.iter().map(workspace).collect()
    }

    /// Workspaces whose first root waits for signatures.
    pub(crate) async fn waiting_workspaces(&self) -> Result<Vec<Workspace>> {
        let rows = sqlx::query(
            "SELECT * FROM workspace WHERE ready = 0
             AND EXISTS (SELECT 1 FROM approval WHERE approval.workspace = workspace.id AND approval.state = 'open')
             ORDER BY name, id",
        )
        .fetch_all(&self.pool)
        .await;
        rows.map_err(journal_error)?.iter().map(workspace).collect()
    }

    /// The newest open request of a workspace that is not made yet.
    pub(crate) async fn first_request(&self, workspace: &str) -> Result<Option<String>> {
        let row = sqlx::query_scalar(
            "SELECT approval.id FROM approval JOIN workspace ON workspace.id = approval.workspace
             WHERE workspace.id = ? AND workspace.ready = 0 AND approval.state = 'open'
             ORDER BY approval.created DESC, approval.id LIMIT 1",
        )
        .bind(workspace)
        .fetch_optional(&self.pool)
        .await;
        row.map_err(journal_error)
    }

    pub(crate) async fn workspace(&self, id: &str) -> Result<Option<Workspace>> {
        let row = sqlx::query("SELECT * FROM workspace WHERE id = ?")
            .bind(id)
            .fetch_optional(&self.pool)
            .await;
        row.map_err(journal_error)?
            .as_ref()
            .map(workspace)
            .transpose()
    }

    /// Adds a workspace; `ready` = false until its first commit is in storage.
    pub(crate) async fn add_workspace(
        &self,
        w: &Workspace,
        now: UtcTime,
        ready: bool,
    ) -> Result<()> {
        sqlx::query(
            "INSERT INTO workspace (id, app, name, storage, public_url, sandbox, root, vault, vault_why, created, ready)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&w.id)
        .bind(&w.app)
        .bind(&w.name)
        .bind(&w.storage)
        .bind(&w.public_url)
        .bind(w.sandbox)
        .bind(&w.root)
        .bind(w.vault.to_text())
        .bind(&w.vault_why)
        .bind(now.unix())
        .bind(ready)
        .execute(&self.pool)
        .await
        .map_err(journal_error)?;
        self.back_up().await;
        Ok(())
    }

    /// A workspace of this app and place whose first publish has not come to its end.
    pub(crate) async fn unfinished(&self, app: &str, storage: &str) -> Result<Option<Workspace>> {
        let row =
            sqlx::query("SELECT * FROM workspace WHERE ready = 0 AND app = ? AND storage = ?")
                .bind(app)
                .bind(storage)
                .fetch_optional(&self.pool)
                .await;
        row.map_err(journal_error)?
            .as_ref()
            .map(workspace)
            .transpose()
    }

    pub(crate) async fn forget_unfinished(&self, id: &str) -> Result<()> {
        let done = sqlx::query("DELETE FROM workspace WHERE ready = 0 AND id = ?")
            .bind(id)
            .execute(&self.pool)
            .await;
        done.map(drop).map_err(journal_error)
    }

    /// Replaces the pinned root of a workspace that is not published yet: its owners sign it after it is recorded.
    pub(crate) async fn set_root(&self, id: &str, root: &[u8]) -> Result<()> {
        let done = sqlx::query("UPDATE workspace SET root = ? WHERE id = ? AND ready = 0")
            .bind(root)
            .bind(id)
            .execute(&self.pool)
            .await;
        done.map(drop).map_err(journal_error)
    }

    pub(crate) async fn set_ready(&self, id: &str) -> Result<()> {
        let done = sqlx::query("UPDATE workspace SET ready = 1 WHERE id = ? AND ready = 0")
            .bind(id)
            .execute(&self.pool)
            .await;
        if done.map_err(journal_error)?.rows_affected() > 0 {
            self.back_up().await;
        }
        Ok(())
    }

    pub(crate) async fn marks(&self, workspace: &str) -> Result<HighWater> {
        let row = sqlx::query("SELECT marks FROM workspace WHERE id = ?")
            .bind(workspace)
            .fetch_optional(&self.pool)
            .await;
        let Some(row) = row.map_err(journal_error)? else {
            return Ok(HighWater::default());
        };
        let text: String = row.try_get(0).map_err(journal_error)?;
        serde_json::from_str(&text).map_err(|e| {
            Problem::new(
                Code::LocalJournal,
                format!("The versions seen of {workspace} cannot be read: {e}."),
            )
        })
    }

    /// Records what was seen. Versions only rise, until a freshness key is taken out of the root.
    pub(crate) async fn set_marks(&self, workspace: &str, marks: &HighWater) -> Result<()> {
        let mut merged = self.marks(workspace).await?;
        if !merged.freshness.is_subset(&marks.freshness) {
            merged.versions.remove("snapshot");
            merged.versions.remove("timestamp");
        }
        merged.freshness.clone_from(&marks.freshness);
        for (role, version) in &marks.versions {
            let seen = merged.versions.entry(role.clone()).or_default();
            *seen = (*seen).max(*version);
        }
        let text = serde_json::to_string(&merged)
            .map_err(|e| Problem::new(Code::Internal, e.to_string()))?;
        let done = sqlx::query("UPDATE workspace SET marks = ? WHERE id = ?")
            .bind(text)
            .bind(workspace)
            .execute(&self.pool)
            .await;
        done.map(drop).map_err(journal_error)
    }

    pub(crate) async fn own_keys(&self, workspace: &str) -> Result<Vec<OwnKey>> {
        let rows = sqlx::query("SELECT public, label, created FROM own_key WHERE workspace = ? ORDER BY created, keyid")
            .bind(workspace)
            .fetch_all(&self.pool)
            .await
            .map_err(journal_error)?;
        let read = |row: &SqliteRow| {
            Ok(OwnKey {
                public: row.try_get(0)?,
                label: row.try_get(1)?,
                created: UtcTime::from_unix(row.try_get(2)?),
            })
        };
        rows.iter()
            .map(read)
            .collect::<Result<_, sqlx::Error>>()
            .map_err(journal_error)
    }

    pub(crate) async fn add_own_key(
        &self,
        workspace: &str,
        keyid: &str,
        public: &str,
        label: &str,
        now: UtcTime,
    ) -> Result<()> {
        sqlx::query("INSERT OR IGNORE INTO own_key (workspace, keyid, public, label, created) VALUES (?, ?, ?, ?, ?)")
            .bind(workspace)
            .bind(keyid)
            .bind(public)
            .bind(label)
            .bind(now.unix())
            .execute(&self.pool)
            .await
            .map_err(journal_error)?;
        self.back_up().await;
        Ok(())
    }

    pub(crate) async fn setting(&self, key: &str) -> Result<Option<String>> {
        let row = sqlx::query("SELECT value FROM setting WHERE key = ?")
            .bind(key)
            .fetch_optional(&self.pool)
            .await;
        row.map_err(journal_error)?
            .map(|r| r.try_get(0).map_err(journal_error))
            .transpose()
    }

    pub(crate) async fn set_setting(&self, key: &str, value: &str) -> Result<()> {
        sqlx::query("INSERT INTO setting (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value")
            .bind(key)
            .bind(value)
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(journal_error)
    }
}

fn workspace(row: &SqliteRow) -> Result<Workspace> {
    let read = || -> Result<_, sqlx::Error> {
        Ok(Workspace {
            id: row.try_get("id")?,
            app: row.try_get("app")?,
            name: row.try_get("name")?,
            storage: row.try_get("storage")?,
            public_url: row.try_get("public_url")?,
            sandbox: row.try_get("sandbox")?,
            root: row.try_get("root")?,
            vault: VaultChoice::parse(&row.try_get::<String, _>("vault")?),
            vault_why: row.try_get("vault_why")?,
        })
    };
    read().map_err(journal_error)
}

fn is_old(backup: &Path) -> bool {
    let age = std::fs::metadata(backup)
        .and_then(|m| m.modified())
        .map(|m| m.elapsed().unwrap_or_default());
    age.map_or(true, |age| age > BACKUP_EVERY)
}

/// Moves the damaged file aside and puts the backup in its place.
fn restore(path: &Path, backup: &Path, problem: Problem) -> Result<Problem> {
    let io = |e: std::io::Error| {
        Problem::new(
            Code::LocalDisk,
            format!("The journal's backup cannot be restored: {e}."),
        )
    };
    let mut aside = path.with_extension("sqlite.damaged");
    for n in 2.. {
        if !aside.exists() {
            break;
        }
        aside = path.with_extension(format!("sqlite.damaged-{n}"));
    }
    if path.exists() {
        std::fs::rename(path, &aside).map_err(io)?;
    }
    for suffix in ["-wal", "-shm"] {
        let side = std::path::PathBuf::from(format!("{}{suffix}", path.display()));
        if side.exists() {
            std::fs::rename(&side, format!("{}{suffix}", aside.display())).map_err(io)?;
        }
    }
    std::fs::copy(backup, path).map_err(io)?;
    Ok(problem
        .holds("The registry in storage is unchanged. The journal was restored from its last backup; the damaged file is kept.")
        .remedy("Look at the list of jobs: work of the last hour may be missing there, not in storage.")
        .detail(aside.display()))
}
