//! Numbers for names: channels, places, plugins, reasons, rollouts. Remembered, and read from the database once a day.

use std::collections::HashMap;
use std::sync::Arc;

use headgate_core::Result;
use headgate_core::status::Place;
use headgate_tuf::UtcTime;
use sqlx::SqliteConnection;

use super::open::problem;
use crate::telemetry::rules::{Rollout, Scope};
use crate::telemetry::words::OTHER;

/// Most names that are remembered; beyond, memory begins anew.
const MOST: usize = 200_000;
/// A word that was not used for so many days does not count for the limits, days.
const FADES: u32 = 30;

/// What a word says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Place,
    Plugin,
    Reason,
}

impl Kind {
    fn number(self) -> i64 {
        match self {
            Self::Place => 0,
            Self::Plugin => 1,
            Self::Reason => 2,
        }
    }

    /// Most of them in one channel. Devices send what they like, and each makes roll-ups of its own: whatever comes
    /// beyond is counted together.
    fn limit(self) -> i64 {
        match self {
            Self::Place => 1_000,
            Self::Plugin => 500,
            Self::Reason => 200,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Word {
    scope: i64,
    kind: Kind,
    dialect: &'static str,
    platform: &'static str,
    text: String,
}

/// Names that are known.
#[derive(Debug, Default)]
pub(super) struct Names {
    scopes: HashMap<(String, String, String), Scope>,
    words: HashMap<Word, (i64, u32)>,
    rollouts: HashMap<(i64, u32, String), (Arc<Rollout>, u32)>,
    /// Where the limit was reached, on that day.
    full: HashMap<(i64, Kind), u32>,
}

impl Names {
    /// Forgets everything: after a transaction that failed, numbers may not be in the database.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Keeps memory bounded.
    pub(super) fn trim(&mut self) {
        if self.scopes.len() + self.words.len() + self.rollouts.len() > MOST {
            self.clear();
        }
    }

    /// Number of a channel.
    pub(super) async fn scope(
        &mut self,
        db: &mut SqliteConnection,
        workspace: &str,
        unit: &str,
        channel: &str,
    ) -> Result<Scope> {
        let key = (workspace.to_owned(), unit.to_owned(), channel.to_owned());
        if let Some(scope) = self.scopes.get(&key) {
            return Ok(*scope);
        }
        let workspace: i64 = sqlx::query_scalar(
            "INSERT INTO workspace (name) VALUES (?) ON CONFLICT (name) DO UPDATE SET name = name RETURNING id",
        )
        .bind(workspace)
        .fetch_one(&mut *db)
        .await
        .map_err(problem)?;
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO scope (workspace, unit, channel) VALUES (?, ?, ?)
             ON CONFLICT (workspace, unit, channel) DO UPDATE SET unit = unit RETURNING id",
        )
        .bind(workspace)
        .bind(unit)
        .bind(channel)
        .fetch_one(&mut *db)
        .await
        .map_err(problem)?;
        let scope = Scope { id, workspace };
        self.scopes.insert(key, scope);
        Ok(scope)
    }

    /// Number of a place; `native` is cut already.
    pub(super) async fn place(
        &mut self,
        db: &mut SqliteConnection,
        scope: Scope,
        place: &Place,
        native: &str,
        day: u32,
    ) -> Result<i64> {
        let word = Word {
            scope: scope.id,
            kind: Kind::Place,
            dialect: place.dialect.text(),
            platform: read_platform(place),
            text: native.to_owned(),
        };
        self.word(db, word, day).await
    }

    /// Number of a plugin; `version` is cut already.
    pub(super) async fn plugin(
        &mut self,
        db: &mut SqliteConnection,
        scope: Scope,
        place: &Place,
        version: &str,
        day: u32,
    ) -> Result<i64> {
        let word = Word {
            scope: scope.id,
            kind: Kind::Plugin,
            dialect: place.dialect.text(),
            platform: "",
            text: version.to_owned(),
        };
        self.word(db, word, day).await
    }

    /// Number of a reason, which is cut already.
    pub(super) async fn reason(
        &mut self,
        db: &mut SqliteConnection,
        scope: Scope,
        code: &str,
        day: u32,
    ) -> Result<i64> {
        let word = Word {
            scope: scope.id,
            kind: Kind::Reason,
            dialect: "",
            platform: "",
            text: code.to_owned(),
        };
        self.word(db, word, day).await
    }

    async fn word(&mut self, db: &mut SqliteConnection, mut word: Word, day: u32) -> Result<i64> {
        if let Some((id, used)) = self.words.get(&word)
            && *used >= day
        {
            return Ok(*id);
        }
        let full = (word.scope, word.kind);
        if !self.words.contains_key(&word) && word.text != OTHER {
            let is_full = self.full.get(&full).is_some_and(|d| *d >= day)
                || self.beyond(db, &word, day).await?;
            if is_full {
                self.full.insert(full, day);
                word.text = OTHER.to_owned();
                if let Some((id, used)) = self.words.get(&word)
                    && *used >= day
                {
                    return Ok(*id);
                }
            }
        }
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO word (scope, kind, dialect, platform, text, used) VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT (scope, kind, dialect, platform, text) DO UPDATE SET used = MAX(used, excluded.used) RETURNING id",
        )
        .bind(word.scope)
        .bind(word.kind.number())
        .bind(word.dialect)
        .bind(word.platform)
        .bind(&word.text)
        .bind(day)
        .fetch_one(db)
        .await
        .map_err(problem)?;
        self.words.insert(word, (id, day));
        Ok(id)
    }

    /// Whether a word is new and one too many.
    async fn beyond(&self, db: &mut SqliteConnection, word: &Word, day: u32) -> Result<bool> {
        let known: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM word WHERE scope = ? AND kind = ? AND dialect = ? AND platform = ? AND text = ?)",
        )
        .bind(word.scope)
        .bind(word.kind.number())
        .bind(word.dialect)
        .bind(word.platform)
        .bind(&word.text)
        .fetch_one(&mut *db)
        .await
        .map_err(problem)?;
        if known {
            return Ok(false);
        }
        let count: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM word WHERE scope = ? AND kind = ? AND used >= ?",
        )
        .bind(word.scope)
        .bind(word.kind.number())
        .bind(day.saturating_sub(FADES))
        .fetch_one(db)
        .await
        .map_err(problem)?;
        Ok(count >= word.kind.limit())
    }

    /// A release in an attempt.
    pub(super) async fn rollout(
        &mut self,
        db: &mut SqliteConnection,
        scope: Scope,
        build: u32,
        attempt: &str,
        day: u32,
    ) -> Result<Arc<Rollout>> {
        let key = (scope.id, build, attempt.to_owned());
        if let Some((rollout, used)) = self.rollouts.get(&key)
            && *used >= day
        {
            return Ok(Arc::clone(rollout));
        }
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO rollout (scope, build, attempt, used, opened) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (scope, attempt, build) DO UPDATE SET used = MAX(used, excluded.used) RETURNING id",
        )
        .bind(scope.id)
        .bind(build)
        .bind(attempt)
        .bind(day)
        .bind(started(attempt).unwrap_or_default())
        .fetch_one(db)
        .await
        .map_err(problem)?;
        // What an install came to before it was offered the release is nothing, so 'since' has no meaning for it.
        let rollout = Arc::new(rollout(id, build, attempt.to_owned(), 0));
        self.rollouts.insert(key, (Arc::clone(&rollout), day));
        Ok(rollout)
    }
}

/// A rollout as it is stored.
pub(super) fn rollout(id: i64, build: u32, attempt: String, since: i64) -> Rollout {
    Rollout {
        id,
        build,
        started: started(&attempt),
        attempt,
        since,
    }
}

/// When an attempt began, Unix seconds; nothing when its text is no time.
fn started(attempt: &str) -> Option<i64> {
    UtcTime::parse(attempt).ok().map(UtcTime::unix)
}

fn read_platform(place: &Place) -> &'static str {
    match place.platform {
        headgate_core::Platform::Ios => "ios",
        headgate_core::Platform::Android => "android",
    }
}
