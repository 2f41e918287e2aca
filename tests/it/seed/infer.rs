//! Schemas that nobody described, filled: each with a trait of its own.

mod keys;
mod references;
mod shapes;
mod explained;
mod checks;

use pgrehearse::seed::{self, Dataset, Seeded, Spec};
use pgrehearse::talk::Talk;
use tokio_postgres::Client;

use super::definitions;
use crate::server::{Server, connect};

/// Nothing but a schema.
fn undescribed(schema: &str, rows: u64) -> (tempfile::TempDir, Spec) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("schema.sql"), schema).unwrap();
    let dataset = Dataset::read(&dir.path().join("schema.sql")).unwrap();
    let spec = Spec {
        seed: dataset.seed,
        dataset,
        rows,
        workers: 2,
    };
    (dir, spec)
}

/// Fills a schema, and checks what must be true of any: all constraints and indexes are there again as they were
/// written, which they could not be over rows that break them, and no table is empty without a reason.
async fn filled(server: &Server, name: &str, schema: &str, rows: u64) -> (Client, Seeded) {
    let (_dir, spec) = undescribed(schema, rows);
    let config = server.database(name).await;
    let seeded = seed::fill(&config, &spec, &Talk::silent()).await;
    let seeded = seeded.unwrap_or_else(|error| panic!("{name}: {error}"));
    let client = connect(&config).await;

    let as_written = connect(&server.database(&format!("{name}_as_written")).await).await;
    as_written.batch_execute(schema).await.unwrap();
    assert_eq!(
        definitions(&client).await,
        definitions(&as_written).await,
        "{name}"
    );

    for row in client.query(TABLES, &[]).await.unwrap() {
        let table: String = row.get(0);
        let sql = format!("SELECT count(*) FROM {table}");
        let rows: i64 = client.query_one(&sql, &[]).await.unwrap().get(0);
        let table = table.replace('"', "");
        let table = table.strip_prefix("public.").unwrap_or(&table);
        let why = seeded.empty.get(table);
        assert_eq!(
            rows == 0,
            why.is_some(),
            "{name}: {table} has {rows} rows, {:?}",
            seeded.empty
        );
    }
    (client, seeded)
}

const TABLES: &str = "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')";

/// No table stays empty.
async fn full(server: &Server, name: &str, schema: &str, rows: u64) -> (Client, Seeded) {
    let (client, seeded) = filled(server, name, schema, rows).await;
    assert!(seeded.empty.is_empty(), "{name}: {:?}", seeded.empty);
    (client, seeded)
}

/// One value that must be true.
async fn holds(client: &Client, what: &str, sql: &str) {
    super::check(client, what, sql).await;
}
