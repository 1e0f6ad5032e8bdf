//! What differs between two bundles, by their inventories.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::inventory::Inventory;

/// Difference between two inventories; lists are sorted by path.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Files that only the new one has.
    pub added: Vec<PathSize>,
    /// Files that only the old one has.
    pub removed: Vec<PathSize>,
    /// Files with other content.
    pub changed: Vec<Changed>,
    /// Number of files with the same content.
    pub unchanged: usize,
    /// Bytes of the new one's added and changed files.
    pub bytes: u64,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathSize {
    /// Path in the bundle.
    pub path: String,
    /// Bytes.
    pub size: u64,
}

/// A file with other content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// Path in the bundle.
    pub path: String,
    /// Bytes before.
    pub old_size: u64,
    /// Bytes now.
    pub new_size: u64,
}

impl Difference {
    /// Whether the content of both is the same.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

/// Compares two inventories. Both are sorted by path, each path once, as [`Inventory::parse`] ensures.
pub fn compare(old: &Inventory, new: &Inventory) -> Difference {
    let mut difference = Difference::default();
    let (mut olds, mut news) = (old.files.iter().peekable(), new.files.iter().peekable());
    loop {
        let order = match (olds.peek(), news.peek()) {
            (Some(o), Some(n)) => o.path.cmp(&n.path),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return difference,
        };
        let old = if order.is_le() { olds.next() } else { None };
        let new = if order.is_ge() { news.next() } else { None };
        match (old, new) {
            (Some(o), Some(n)) if o.sha256 == n.sha256 && o.size == n.size => {
                difference.unchanged += 1;
            }
            (Some(o), Some(n)) => {
                difference.bytes = difference.bytes.saturating_add(n.size);
                let path = n.path.clone();
                difference.changed.push(Changed {
                    path,
                    old_size: o.size,
                    new_size: n.size,
                });
            }
            (Some(o), None) => {
                difference.removed.push(PathSize {
                    path: o.path.clone(),
                    size: o.size,
                });
            }
            (None, Some(n)) => {
                difference.bytes = difference.bytes.saturating_add(n.size);
                difference.added.push(PathSize {
                    path: n.path.clone(),
                    size: n.size,
                });
            }
            (None, None) => return difference,
        }
    }
}
