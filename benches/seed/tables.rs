//! The tables that are filled: each a schema and a dataset.

use std::fmt::Write as _;

use anyhow::Result;
use pgrehearse::seed::{Dataset, Spec};

/// A table called `t`, or several of which `t` is the main one, with neither keys nor indexes.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    schema: String,
    description: String,
    /// Rows of `t` in the bench beside those that are asked for: rows are not all as wide.
    pub(crate) share: f64,
}

impl Table {
    pub(crate) fn spec(&self, rows: u64, workers: usize) -> Result<Spec> {
        let dir = tempfile::tempdir()?;
        std::fs::write(dir.path().join("schema.sql"), &self.schema)?;
        std::fs::write(dir.path().join("dataset.toml"), &self.description)?;
        let dataset = Dataset::read(dir.path()).map_err(|e| anyhow::anyhow!("{e}"))?;
        Ok(Spec {
            seed: dataset.seed,
            dataset,
            rows,
            workers,
        })
    }

    pub(crate) fn schema(&self) -> &str {
        &self.schema
    }
}

/// What an application's main table is like: 8 columns, 340 bytes.
pub(crate) fn eight() -> Table {
    Table {
        name: "8 columns",
        schema:
            "CREATE TABLE t (id bigint, key uuid, email text, name text, note text, data jsonb, \
                 created_at timestamptz, is_active bool)"
                .to_owned(),
        description: r#"
            about = "eight columns"
            main = "t"
            [tables.t.columns]
            id = { sequence = {} }
            key = { uuid = {} }
            email = { email = {} }
            name = { full_name = {} }
            note = { text = { min = 80, max = 80 } }
            is_active = { bool = { true = 0.9 } }
            [tables.t.columns.created_at.timestamp]
            from = "2024-01-01T00:00:00Z"
            until = "2026-01-01T00:00:00Z"
            increasing = true
            [tables.t.columns.data.json]
            plan = { choice = { free = 8, team = 2, business = 1 } }
            visits = { int = { min = 0, max = 10000 } }
            city = { city = {} }
            verified = { bool = { true = 0.8 } }
        "#
        .to_owned(),
        share: 1.0,
    }
}

/// 64 columns of eight types.
pub(crate) fn wide() -> Table {
    let kinds = [
        ("bigint", "{ int = { min = 0, max = 1000000 } }"),
        ("int", "{ int = { min = 0, max = 100, skew = 0.8 } }"),
        ("text", "{ choice = { new = 5, open = 3, closed = 2 } }"),
        ("numeric(12,2)", "{ price = { min = 1, max = 900 } }"),
        ("bool", "{ bool = { true = 0.5 } }"),
        (
            "timestamptz",
            "{ timestamp = { from = \"2024-01-01T00:00:00Z\", until = \"2026-01-01T00:00:00Z\" } }",
        ),
        (
            "varchar(60)",
            "{ nullable = { nulls = 0.5, value = { text = { min = 5, max = 40 } } } }",
        ),
        ("uuid", "{ uuid = {} }"),
    ];
    let mut schema = "CREATE TABLE t (id bigint".to_owned();
    let mut description =
        "about = \"wide\"\nmain = \"t\"\n[tables.t.columns]\nid = { sequence = {} }\n".to_owned();
    for column in 0..63 {
        let (ty, generator) = kinds[column % kinds.len()];
        let _ = write!(schema, ", c{column} {ty}");
        let _ = writeln!(description, "c{column} = {generator}");
    }
    schema.push(')');
    Table {
        name: "64 columns",
        schema,
        description,
        share: 0.2,
    }
}

/// Ten references to ten tables.
pub(crate) fn references() -> Table {
    let mut schema = String::new();
    let mut description = "about = \"references\"\nmain = \"t\"\n".to_owned();
    let mut columns = "id = { sequence = {} }\n".to_owned();
    let mut own = "CREATE TABLE t (id bigint".to_owned();
    for other in 0..10 {
        let _ = writeln!(schema, "CREATE TABLE p{other} (id bigint);");
        let _ = writeln!(
            description,
            "[tables.p{other}]\nrows = 1000\ncolumns = {{ id = {{ sequence = {{}} }} }}"
        );
        let _ = write!(own, ", p{other}_id bigint NOT NULL");
        let skew = if other < 5 { ", skew = 0.8" } else { "" };
        let _ = writeln!(
            columns,
            "p{other}_id = {{ reference = {{ column = \"p{other}.id\"{skew} }} }}"
        );
    }
    Table {
        name: "10 references",
        schema: format!("{schema}{own})"),
        description: format!("{description}[tables.t.columns]\n{columns}"),
        share: 1.0,
    }
}

/// Two documents of eight keys.
pub(crate) fn json() -> Table {
    let mut description =
        "about = \"json\"\nmain = \"t\"\n[tables.t.columns]\nid = { sequence = {} }\n".to_owned();
    for column in ["a", "b"] {
        let _ = write!(
            description,
            r#"
            [tables.t.columns.{column}.json]
            page = {{ int = {{ min = 0, max = 10000 }} }}
            city = {{ city = {{}} }}
            session = {{ uuid = {{}} }}
            title = {{ text = {{ min = 20, max = 60 }} }}
            kind = {{ choice = {{ view = 8, click = 2 }} }}
            total = {{ price = {{ min = 1, max = 900 }} }}
            is_bot = {{ bool = {{ true = 0.1 }} }}
            at = {{ timestamp = {{ from = "2024-01-01T00:00:00Z", until = "2026-01-01T00:00:00Z" }} }}
            "#
        );
    }
    Table {
        name: "jsonb",
        schema: "CREATE TABLE t (id bigint, a jsonb, b jsonb)".to_owned(),
        description,
        share: 0.4,
    }
}

/// What `pgbench -i` fills.
pub(crate) fn accounts() -> Table {
    Table {
        name: "pgbench_accounts",
        schema: "CREATE TABLE t (aid int NOT NULL, bid int, abalance int, filler char(84)) WITH (fillfactor = 100)"
            .to_owned(),
        description: r#"
            about = "accounts"
            main = "t"
            [tables.t.columns]
            aid = { sequence = {} }
            bid = { int = { min = 1, max = 10 } }
            abalance = { int = { min = 0, max = 0 } }
            filler = { choice = { "" = 1 } }
        "#
        .to_owned(),
        share: 1.0,
    }
}

/// Many small tables, each with a primary key, an index, and a reference to the one before it.
pub(crate) fn many(tables: u64) -> Table {
    let mut schema = String::new();
    let mut description = "about = \"many\"\nmain = \"t0\"\n".to_owned();
    for table in 0..tables {
        let other = table.saturating_sub(1);
        let _ = writeln!(
            schema,
            "CREATE TABLE t{table} (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, \
             other_id bigint REFERENCES t{other} (id), name text, at timestamptz DEFAULT now()); \
             CREATE INDEX ON t{table} (other_id);"
        );
        let rows = if table == 0 { "" } else { "rows = 100" };
        let _ = writeln!(
            description,
            "[tables.t{table}]\n{rows}\n[tables.t{table}.columns]\nid = {{ sequence = {{}} }}\n\
             other_id = {{ reference = {{ column = \"t{other}.id\" }} }}\nname = {{ full_name = {{}} }}"
        );
    }
    Table {
        name: "many",
        schema,
        description,
        share: 1.0,
    }
}
