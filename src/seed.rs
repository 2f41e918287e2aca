//! Fills a database: a dataset's schema, its rows, then its constraints and indexes.

pub mod dataset;
pub mod schema;
pub mod structure;
mod conditions;
pub mod infer;
pub mod explain;
pub mod size;
pub mod cells;
pub mod context;
pub mod generators;
pub mod words;
pub mod skew;
mod unique;
mod permutation;
pub mod fan;
pub mod dice;
pub mod digits;
pub mod value;
pub mod encode;
pub mod template;
pub mod snapshot;
pub mod like;
mod layout;
pub mod copy;
mod trial;
mod kept;
mod after;
mod age;
mod jobs;
mod session;

mod error;
mod choice;
mod schemas;
mod fill;

pub use context::Context;
pub use dataset::{Dataset, Source};
pub use error::Error;
pub use fill::{Seeded, explain, fill, rows};
pub use generators::{Generator, GeneratorSpec};
pub use schemas::{Schemas, schemas};
pub use value::{Scratch, Value};

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

/// What to fill and how much.
#[derive(Clone, Debug)]
pub struct Spec {
    pub dataset: Dataset,
    /// Rows of the dataset's main table; the others follow in proportion.
    pub rows: u64,
    /// The seed that, with table, column and row number, determines every value.
    pub seed: u64,
    /// Streams of COPY at once. Changes no value.
    pub workers: usize,
}

/// Counts up whenever the same dataset, rows and seed give other rows, or other pages, than before.
const FORMAT: u32 = 5;

impl Spec {
    /// Names the content: two specs have the same key if and only if they give the same rows.
    pub fn key(&self) -> String {
        let schema = match &self.dataset.source {
            // The rows are what they are, whatever else is asked for.
            Source::Snapshot(snapshot) => {
                let content = serde_json::json!({"format": FORMAT, "dump": snapshot.digest()});
                return content_key(&content);
            }
            Source::Schema { sql, .. } => serde_json::json!(sql),
            Source::Migrations(migrations) => migrations.content(),
        };
        let content = serde_json::json!({
            "format": FORMAT,
            "schema": schema,
            "main": self.dataset.main,
            "tables": self.dataset.tables,
            "rows": self.rows,
            "seed": self.seed,
        });
        content_key(&content)
    }

    /// The rows that every table of the dataset will have, exactly. Of a snapshot they are not known before it is
    /// restored.
    pub fn table_rows(&self) -> BTreeMap<String, u64> {
        size::table_rows(self)
    }

    /// What the filled database takes on disk, indexes and all, roughly.
    pub fn estimated_bytes(&self) -> u64 {
        if let Some(snapshot) = self.dataset.snapshot() {
            return snapshot.bytes();
        }
        size::estimated_bytes(self)
    }
}

/// A name for a content: 16 hexadecimal digits of its SHA-256.
pub fn content_key(content: &serde_json::Value) -> String {
    let digest = Sha256::digest(content.to_string());
    digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
