//! Datasets in real databases.

mod types;
mod encodings;
mod structure;
mod infer;
mod failures;
mod aged;
mod snapshot;
mod like;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pgrehearse::provision::Choice;
use pgrehearse::rehearse::load::params::{ParamSource, ParamValue};
use pgrehearse::rehearse::workload::{Param, Protocol};
use pgrehearse::seed::{self, Context, Dataset, Spec};
use pgrehearse::talk::Talk;
use tokio_postgres::Client;
use tokio_postgres::types::ToSql;

use crate::server::{Server, connect};

fn shop() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds/shop")
}

fn spec(dir: &Path, rows: u64, workers: usize) -> Spec {
    let dataset = Dataset::read(dir).unwrap();
    Spec {
        seed: dataset.seed,
        dataset,
        rows,
        workers,
    }
}

/// A dataset of two files in a directory of its own.
fn written(schema: &str, description: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("schema.sql"), schema).unwrap();
    std::fs::write(dir.path().join("dataset.toml"), description).unwrap();
    dir
}

/// The query gives one value, and it is true.
async fn check(client: &Client, what: &str, sql: &str) {
    let holds: Option<bool> = client.query_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(holds, Some(true), "{what}");
}

/// Number of rows and a checksum of them, in whatever order they lie, for each table.
async fn contents(
    client: &Client,
    tables: impl Iterator<Item = &String>,
) -> BTreeMap<String, (i64, i64)> {
    let mut contents = BTreeMap::new();
    for table in tables {
        let sql = format!(
            "SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric % 1000000007), 0)::bigint \
             FROM {table} t"
        );
        let row = client.query_one(&sql, &[]).await.unwrap();
        contents.insert(table.clone(), (row.get(0), row.get(1)));
    }
    contents
}

/// Everything that `pg_get_*def` says of a schema, and which of it is valid.
async fn definitions(client: &Client) -> Vec<String> {
    let sql = "SELECT pg_get_indexdef(indexrelid) || indisvalid::text FROM pg_index
                 WHERE indrelid > 16384 AND indrelid::regclass::text !~ 'toast'
               UNION ALL SELECT conname || conrelid::regclass || pg_get_constraintdef(oid) || convalidated::text
                 FROM pg_constraint WHERE conrelid > 16384 AND contype <> 'n'
               UNION ALL SELECT tgname || tgrelid::regclass || tgenabled::text FROM pg_trigger WHERE NOT tgisinternal
               ORDER BY 1";
    let rows = client.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_number_of_workers_changes_no_row_and_the_schema_is_as_written() {
    let server = Server::start().await;
    let mut all = Vec::new();
    for workers in [1, 2, 16] {
        let config = server.database(&format!("shop{workers}")).await;
        let spec = spec(&shop(), 60_000, workers);
        let seeded = seed::fill(&config, &spec, &Talk::silent()).await.unwrap();
        let client = connect(&config).await;
        let contents = contents(&client, seeded.rows.keys()).await;
        for (table, (rows, _)) in &contents {
            assert_eq!(seeded.rows[table], rows.unsigned_abs(), "rows of {table}");
        }
        all.push((contents, definitions(&client).await));
    }
    assert_eq!(all[0], all[1]);
    assert_eq!(all[0], all[2]);

    let config = server.database("as_written").await;
    let client = connect(&config).await;
    let sql = std::fs::read_to_string(shop().join("schema.sql")).unwrap();
    client.batch_execute(&sql).await.unwrap();
    assert_eq!(all[0].1, definitions(&client).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filled_shop_is_what_an_application_expects() {
    let server = Server::start().await;
    let config = server.database("shop").await;
    let spec = spec(&shop(), 20_000, 2);
    let seeded = seed::fill(&config, &spec, &Talk::silent()).await.unwrap();
    let client = connect(&config).await;

    let ratio = spec.estimated_bytes() as f64 / seeded.bytes as f64;
    assert!((0.5..2.0).contains(&ratio), "estimate / truth = {ratio}");

    for (what, sql) in [
        (
            "identity goes on after the last row",
            "SELECT nextval('orders_id_seq') = 20001",
        ),
        (
            "serial goes on after the last row",
            "SELECT nextval('events_id_seq') = max(id) + 1 FROM events",
        ),
        (
            "no country is missing",
            "SELECT count(*) = 0 FROM users WHERE country IS NULL",
        ),
        (
            "most notes are missing",
            "SELECT avg((note IS NULL)::int) BETWEEN 0.7 AND 0.8 FROM orders",
        ),
        (
            "orders have 1 to 8 items",
            "SELECT min(n) = 1 AND max(n) = 8 FROM (SELECT count(*) n FROM order_items GROUP BY order_id) c",
        ),
        (
            "a few products sell most",
            "SELECT (SELECT sum(n) FROM (SELECT count(*) n FROM order_items GROUP BY product_id ORDER BY 1 DESC LIMIT 40) c) > 0.3 * (SELECT count(*) FROM order_items)",
        ),
        (
            "addresses repeat their user's country",
            "SELECT bool_and(a.country = u.country) FROM addresses a JOIN users u ON u.id = a.user_id",
        ),
        (
            "later orders are placed later",
            "SELECT corr(id, extract(epoch FROM placed_at)) > 0.99 AND max(placed_at) < '2026-01-01' FROM orders",
        ),
        (
            "tables are analyzed",
            "SELECT reltuples BETWEEN 19900 AND 20100 FROM pg_class WHERE relname = 'orders'",
        ),
    ] {
        check(&client, what, sql).await;
    }
    // From 16 on a table is extended by more pages than it needs; those stay empty.
    for table in seeded.rows.keys() {
        let sql = format!(
            "SELECT count(DISTINCT (ctid::text::point)[0]) <= \
             (SELECT relallvisible FROM pg_class WHERE oid = '{table}'::regclass) FROM {table}"
        );
        check(&client, &format!("{table} is frozen"), &sql).await;
    }
    every_query_runs(&client, &spec).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Docker engine with postgres images"]
async fn every_supported_version_is_filled_with_the_same_rows() {
    let mut all = BTreeMap::new();
    for major in [13, 15, 17, 18] {
        let server = Server::start_on(Choice::Docker, Some(major)).await;
        let config = server.database("shop").await;
        let spec = spec(&shop(), 20_000, 2);
        let seeded = seed::fill(&config, &spec, &Talk::silent()).await.unwrap();
        assert_eq!(seeded.rows, spec.table_rows(), "PostgreSQL {major}");
        let client = connect(&config).await;
        let version = client.query_one("SHOW server_version", &[]).await.unwrap();
        let version: String = version.get(0);
        assert!(version.starts_with(&major.to_string()), "{version}");
        let contents = contents(&client, seeded.rows.keys()).await;
        for (table, (rows, _)) in &contents {
            assert_eq!(
                seeded.rows[table],
                rows.unsigned_abs(),
                "PostgreSQL {major}: {table}"
            );
        }
        all.insert(major, (contents, definitions(&client).await));
        every_query_runs(&client, &spec).await;
    }
    for (major, found) in &all {
        assert_eq!(found, &all[&13], "PostgreSQL {major} and 13");
    }
}

/// Each query of the shop's workload, with its parameters made as the load makes them.
async fn every_query_runs(client: &Client, spec: &Spec) {
    let path = spec.dataset.workload_path().unwrap();
    let workload: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
    let queries = workload["apps"]["v1"]["queries"].as_array().unwrap();
    assert!(queries.len() >= 10);
    let context = Context::new(spec);
    for query in queries {
        let name = query["name"].as_str().unwrap();
        let params: Vec<Param> = query["params"].clone().try_into().unwrap();
        let mut sources = Vec::new();
        for (at, param) in params.iter().enumerate() {
            let place = format!("{name}.${at}");
            let protocol = Protocol::Prepared;
            let source = ParamSource::resolve(client, param, &context, &place, protocol).await;
            sources.push(source.unwrap());
        }
        let statement = client
            .prepare(query["sql"].as_str().unwrap())
            .await
            .unwrap();
        let mut hits = 0;
        for arrival in 0..40 {
            let value = |source| ParamValue {
                source,
                number: arrival,
            };
            let values: Vec<_> = sources.iter().map(value).collect();
            let params: Vec<_> = values.iter().map(|v| v as &(dyn ToSql + Sync)).collect();
            let sql_returns = !statement.columns().is_empty();
            hits += match sql_returns {
                true => client.query(&statement, &params).await.unwrap().len() as u64,
                false => client.execute(&statement, &params).await.unwrap(),
            };
        }
        assert!(
            hits >= 30,
            "{name} found or changed {hits} rows in 40 calls"
        );
    }
}
