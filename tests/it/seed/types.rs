//! Every type of column, and tables that need care.

use pgrehearse::seed::{self, Context, Scratch, Spec, Value};
use pgrehearse::talk::Talk;

use super::{check, spec, written};
use crate::server::{Server, connect};

const ALL_TYPES: &str = "
    CREATE TYPE mood AS ENUM ('good', 'bad');
    CREATE DOMAIN percent AS smallint CHECK (VALUE BETWEEN 0 AND 100);
    CREATE TABLE \"Odd Table\" (
        id bigint PRIMARY KEY, i2 percent, r real, f double precision, n numeric, n2 numeric(6, 2),
        v varchar(80), c char(5), u uuid, ut text, d date, ts timestamp, tz timestamptz, j json, jb jsonb,
        m mood, b bytea, ip inet, ok boolean, doubled bigint GENERATED ALWAYS AS (id * 2) STORED,
        defaulted text NOT NULL DEFAULT 'x', left_out text
    );
    CREATE INDEX on_lower ON \"Odd Table\" (lower(v)) WHERE ok;
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''no''; END';
    CREATE TRIGGER never BEFORE INSERT ON \"Odd Table\" FOR EACH ROW EXECUTE FUNCTION refuse();
    CREATE TABLE parts (id int, at date NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
    CREATE TABLE parts_old PARTITION OF parts FOR VALUES FROM (MINVALUE) TO ('2024-01-01');
    CREATE TABLE parts_new PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO (MAXVALUE);
    CREATE INDEX parts_at ON parts (at);";

const ALL_TYPES_FILLED: &str = r#"
about = "every type"
main = "Odd Table"
[tables.parts]
rows_per_main = 2
[tables.parts.columns]
id = { sequence = {} }
at = { timestamp = { from = "2023-01-01T00:00:00Z", until = "2025-01-01T00:00:00Z" } }
[tables."Odd Table".columns]
id = { sequence = { start = -5 } }
i2 = { int = { min = 0, max = 100 } }
r = { decimal = { min = -1.5, max = 1.5 } }
f = { int = { min = -3, max = 3 } }
n = { decimal = { min = -10000.0, max = 10000.0, scale = 5 } }
n2 = { price = { min = 1.0, max = 9999.99 } }
v = { full_name = {} }
c = { postcode = {} }
u = { uuid = {} }
ut = { uuid = {} }
d = { timestamp = { from = "1969-01-01T00:00:00Z", until = "2030-01-01T00:00:00Z" } }
ts = { timestamp = { from = "1969-01-01T00:00:00Z", until = "2030-01-01T00:00:00Z" } }
tz = { nullable = { nulls = 0.5, value = { timestamp = { from = "1969-01-01T00:00:00Z", until = "2030-01-01T00:00:00Z" } } } }
j = { json = { a = { bool = {} }, b = { json = { c = { uuid = {} } } } } }
jb = { json = { a = { decimal = { min = -1.0, max = 1.0 } }, b = { last_name = {} } } }
m = { choice = { good = 1, bad = 1 } }
b = { email = {} }
ip = { choice = { "10.0.0.1" = 1, "::1" = 1 } }
ok = { bool = { true = 0.9 } }
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_type_is_read_back_as_it_was_made() {
    let server = Server::start().await;
    let config = server.database("types").await;
    let dir = written(ALL_TYPES, ALL_TYPES_FILLED);
    let spec = spec(dir.path(), 500, 2);
    let seeded = seed::fill(&config, &spec, &Talk::silent()).await.unwrap();
    assert_eq!(seeded.rows["parts"], 1_000);
    let client = connect(&config).await;
    let made = defined_values(&spec, "n");
    let sql = "SELECT n::text FROM \"Odd Table\" ORDER BY id";
    let found: Vec<String> = client
        .query(sql, &[])
        .await
        .unwrap()
        .iter()
        .map(|r| r.get(0))
        .collect();
    assert_eq!(found, made);
    for (what, sql) in [
        (
            "as many rows as asked for",
            "SELECT count(*) = 500 AND min(id) = -5 FROM \"Odd Table\"",
        ),
        (
            "defaults and computed columns are filled",
            "SELECT bool_and(defaulted = 'x' AND doubled = 2 * id AND left_out IS NULL) FROM \"Odd Table\"",
        ),
        (
            "dates lie where they were put",
            "SELECT min(d) >= '1969-01-01' AND max(d) <= '2030-01-01' AND min(d) < '1975-01-01' FROM \"Odd Table\"",
        ),
        (
            "json is an object",
            "SELECT bool_and(jsonb_typeof(jb) = 'object' AND j->'b'->>'c' ~ '^[0-9a-f-]{36}$') FROM \"Odd Table\"",
        ),
        (
            "uuids are of version 4",
            "SELECT bool_and(u::text ~ '^.{14}4.{4}[89ab]' AND ut ~ '^.{14}4') FROM \"Odd Table\"",
        ),
        (
            "half the moments are missing",
            "SELECT count(tz) BETWEEN 200 AND 300 FROM \"Odd Table\"",
        ),
        (
            "both partitions have rows",
            "SELECT (SELECT count(*) FROM parts_old) > 300 AND (SELECT count(*) FROM parts_new) > 300",
        ),
        (
            "partitions have their indexes again",
            "SELECT count(*) = 6 FROM pg_index WHERE indrelid::regclass::text ~ '^parts' AND indisvalid",
        ),
    ] {
        check(&client, what, sql).await;
    }
    let refused = client
        .batch_execute("INSERT INTO \"Odd Table\" (id) VALUES (9999)")
        .await;
    assert!(refused.is_err(), "the trigger is back");
}

/// What a decimal column of the main table holds, by its generator alone.
fn defined_values(spec: &Spec, column: &str) -> Vec<String> {
    let context = Context::new(spec);
    let generator = context.build("Odd Table", column).unwrap();
    let mut scratch = Scratch::default();
    let text = |row| match generator.value(row, &mut scratch) {
        Value::Decimal { unscaled, scale: 5 } => {
            let sign = if unscaled < 0 { "-" } else { "" };
            let digits = unscaled.unsigned_abs();
            format!("{sign}{}.{:05}", digits / 100_000, digits % 100_000)
        }
        other => panic!("{other:?}"),
    };
    (0..spec.rows).map(text).collect()
}
