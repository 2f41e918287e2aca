//! Datasets with the shape of a database.

use std::collections::BTreeMap;
use std::path::Path;

use pgrehearse::provision::Choice;
use pgrehearse::seed::{self, Dataset, Spec, like};
use pgrehearse::talk::Talk;
use tokio_postgres::Client;

use crate::server::{Server, connect};
use crate::support::pgrehearse;

/// Tables with skew, gaps and order; the values of which nothing may be told are easy to find.
const ORIGINAL: &str = r#"
    SELECT setseed(0.42);
    CREATE TYPE status AS ENUM ('new', 'paid', 'sent', 'back', 'lost');
    CREATE TABLE users (
        id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        email text NOT NULL UNIQUE,
        name varchar(80),
        country char(2) NOT NULL,
        city text,
        born date,
        is_admin bool NOT NULL,
        score smallint,
        token uuid NOT NULL,
        settings jsonb NOT NULL,
        created_at timestamptz NOT NULL,
        deleted_at timestamptz,
        always_null text,
        ratio float8,
        address inet,
        raw bytea,
        tags int[],
        wake_up time NOT NULL,
        took interval
    );
    CREATE TABLE follows (
        follower int NOT NULL REFERENCES users,
        followed int NOT NULL REFERENCES users,
        PRIMARY KEY (follower, followed)
    );
    CREATE TABLE products (
        sku text PRIMARY KEY,
        title text NOT NULL,
        price numeric(10,2) NOT NULL,
        weight numeric,
        category varchar(20) NOT NULL,
        stock bigint,
        note text
    );
    CREATE TABLE "Orders" (
        id bigserial PRIMARY KEY,
        user_id int NOT NULL REFERENCES users,
        sku text REFERENCES products,
        status status NOT NULL,
        quantity int NOT NULL,
        total numeric(12,2),
        large numeric(18,4),
        placed_at timestamp NOT NULL,
        day date NOT NULL,
        coupon text,
        comment text,
        payload jsonb,
        raw json
    );
    CREATE TABLE profiles (
        user_id int PRIMARY KEY REFERENCES users,
        bio text NOT NULL,
        lang char(5)
    );
    CREATE TABLE nothing (id int);
    INSERT INTO users (email, name, country, city, born, is_admin, score, token, settings, created_at, deleted_at,
                       ratio, address, raw, tags, wake_up, took)
    SELECT 'xyzzy' || i || '@sentinel.example',
        CASE WHEN random() < 0.1 THEN NULL ELSE repeat('Quux', 1 + (random() * 6)::int) || i END,
        (ARRAY['QX','QY','QZ'])[1 + floor(3 * random() ^ 3)::int],
        CASE WHEN random() < 0.3 THEN NULL ELSE 'Sentinelville ' || floor(900 * random() ^ 2) END,
        CASE WHEN random() < 0.5 THEN NULL ELSE date '1907-06-05' + floor(random() * 9000)::int END,
        random() < 0.07, floor(random() * 300) + 20011, gen_random_uuid(),
        jsonb_build_object('plugh', repeat('z', (random() * 40)::int)),
        timestamptz '2003-04-05' + i * interval '10 minutes', 
        CASE WHEN random() < 0.93 THEN NULL ELSE timestamptz '2004-04-05' + random() * interval '300 days' END,
        CASE WHEN random() < 0.2 THEN NULL ELSE 987654 + floor(random() * 70) END,
        ('11.22.' || floor(random() * 200) || '.' || floor(random() * 200))::inet,
        CASE WHEN random() < 0.5 THEN NULL ELSE decode(repeat(md5(i::text), 1 + (random() * 3)::int), 'hex') END,
        ARRAY[987654 + i, 2, 3, 4], time '00:00' + floor(random() * 1440) * interval '1 minute',
        CASE WHEN random() < 0.5 THEN NULL ELSE random() * interval '1 day' END
    FROM generate_series(1, 20000) i;
    INSERT INTO follows SELECT DISTINCT 1 + floor(20000 * random())::int, 1 + floor(20000 * random())::int
        FROM generate_series(1, 10000);
    INSERT INTO products
    SELECT 'SKU-XYZZY-' || i, 'Frobnitz ' || repeat('x', (random() * 30)::int) || i, 4242.42 + round((random() * 900)::numeric, 2),
        CASE WHEN random() < 0.2 THEN NULL ELSE round((random() * 7)::numeric, 3) END,
        'cat-xyzzy-' || floor(12 * random() ^ 2), floor(random() * 50) + 987654321987,
        CASE WHEN random() < 0.6 THEN NULL ELSE repeat('xyzzy ', (random() * 60)::int) END
    FROM generate_series(1, 5000) i;
    INSERT INTO "Orders" (user_id, sku, status, quantity, total, large, placed_at, day, coupon, comment, payload, raw)
    SELECT 1 + floor(20000 * random() ^ 2)::int,
        CASE WHEN random() < 0.15 THEN NULL ELSE 'SKU-XYZZY-' || 1 + floor(5000 * random() ^ 3)::int END,
        (enum_range(NULL::status))[1 + floor(4 * random() ^ 2)::int],
        987654 + floor(40 * random() ^ 4)::int,
        CASE WHEN random() < 0.05 THEN NULL ELSE round((random() * 30000)::numeric, 2) END,
        round((random() * 90000000)::numeric, 4),
        timestamp '2003-04-05' + i * interval '7 minutes', date '2003-04-05' + i / 300,
        CASE WHEN random() < 0.8 THEN NULL ELSE 'XYZZY' || floor(40 * random() ^ 2) END,
        CASE WHEN random() < 0.4 THEN NULL ELSE repeat('plugh ', (random() * 100)::int) || i END,
        CASE WHEN random() < 0.25 THEN NULL ELSE jsonb_build_object('frobnitz', i, 'xyzzy', repeat('y', (random() * 200)::int)) END,
        json_build_object('frobnitz', i)
    FROM generate_series(1, 40000) i;
    INSERT INTO profiles SELECT id, 'plugh ' || repeat('b', (random() * 300)::int) || id, 'qx_QX' FROM users WHERE id % 3 = 0;
    ANALYZE;
"#;

/// What `pg_stats` says of a column: parts of NULL, different values as a part of the rows that have one, width.
type Stats = BTreeMap<String, (f64, f64, f64)>;

async fn stats(client: &Client) -> Stats {
    let sql = "SELECT tablename || '.' || attname, null_frac::float8, avg_width::float8,
                 CASE WHEN n_distinct < 0 THEN -n_distinct * reltuples ELSE n_distinct END::float8
               FROM pg_stats JOIN pg_class ON relname = tablename AND relnamespace = 'public'::regnamespace
               WHERE schemaname = 'public'";
    let rows = client.query(sql, &[]).await.unwrap();
    let of = |row: &tokio_postgres::Row| (row.get(0), (row.get(1), row.get(3), row.get(2)));
    rows.iter().map(of).collect()
}

fn within(copy: f64, original: f64, part: f64) -> bool {
    (copy - original).abs() <= part * original + 1e-9
}

/// `pgrehearse seed --like`, and what it wrote.
fn written(url: &str, out: &Path, more: &[&str]) -> (String, String) {
    let output = pgrehearse()
        .args(["seed", "--like", url, "--out"])
        .arg(out)
        .args(more)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let read = |name: &str| std::fs::read_to_string(out.join(name)).unwrap();
    (read("dataset.toml"), read("schema.sql") + &said)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_the_shape_has_the_statistics_of_the_original_and_none_of_its_values() {
    let server = Server::start_on(Choice::Local, None).await;
    let original = server.database("original").await;
    let client = connect(&original).await;
    client.batch_execute(ORIGINAL).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("shape");
    let url = server.url("original");
    let (described, rest) = {
        let (url, out) = (url.clone(), out.clone());
        tokio::task::spawn_blocking(move || written(&url, &out, &[]))
            .await
            .unwrap()
    };
    for value in [
        "xyzzy", "Xyzzy", "XYZZY", "Sentinel", "sentinel", "Quux", "plugh", "Frobnitz", "frobnitz",
        "QX", "qx_", "4242", "98765", "20011", "1907", "2003", "2004",
    ] {
        assert!(!described.contains(value), "{value} in\n{described}");
        assert!(!rest.contains(value), "{value} in\n{rest}");
    }

    let dataset = Dataset::read(&out).unwrap_or_else(|problems| panic!("{problems}\n{described}"));
    assert_eq!(dataset.main, "Orders");
    let spec = Spec {
        seed: 7,
        dataset,
        rows: 40_000,
        workers: 2,
    };
    let copy = server.database("copy").await;
    let seeded = seed::fill(&copy, &spec, &Talk::silent()).await;
    let seeded = seeded.unwrap_or_else(|error| panic!("{error}\n{described}"));
    for (table, rows) in [
        ("Orders", 40_000),
        ("users", 20_000),
        ("products", 5_000),
        ("profiles", 6_666),
    ] {
        let found = seeded.rows[table] as f64;
        assert!(
            within(found, f64::from(rows), 0.01),
            "{found} rows in {table}, not {rows}"
        );
    }
    assert!(seeded.rows.get("nothing").is_none_or(|rows| *rows == 0));

    let copied = connect(&copy).await;
    copied.batch_execute("ANALYZE").await.unwrap();
    let (originals, copies) = (stats(&client).await, stats(&copied).await);
    assert!(originals.len() >= 30, "{} columns", originals.len());
    let mut off = Vec::new();
    for (column, (nulls, distinct, width)) in &originals {
        let (n, d, w) = copies.get(column).copied().unwrap_or((9.0, 9.0, 9.0));
        let fits = (n - nulls).abs() <= 0.02 && within(d, *distinct, 0.1) && within(w, *width, 0.1);
        if !fits {
            off.push(format!(
                "{column}: NULL {nulls} -> {n}, distinct {distinct} -> {d}, width {width} -> {w}"
            ));
        }
    }
    assert!(off.is_empty(), "{}\n{described}", off.join("\n"));

    common_values_are_as_common(&client, &copied).await;
}

async fn common_values_are_as_common(client: &Client, copied: &Client) {
    let most = "SELECT tablename || '.' || attname, most_common_freqs[1]::float8 FROM pg_stats
                WHERE schemaname = 'public' AND most_common_freqs[1] IS NOT NULL AND attname <> 'score'";
    let commonest: BTreeMap<String, f64> = copied
        .query(most, &[])
        .await
        .unwrap()
        .iter()
        .map(|r| (r.get(0), r.get(1)))
        .collect();
    for row in client.query(most, &[]).await.unwrap() {
        let (column, part): (String, f64) = (row.get(0), row.get(1));
        if part < 0.05 {
            continue;
        }
        let found = commonest.get(&column).copied().unwrap_or(0.0);
        assert!((found - part).abs() < 0.02, "{column}: {part} -> {found}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_is_only_read_and_what_cannot_be_read_is_named() {
    let server = Server::start_on(Choice::Local, None).await;
    let config = server.database("guarded").await;
    let client = connect(&config).await;
    client
        .batch_execute(
            "CREATE TABLE open (a int, b text); INSERT INTO open SELECT i, 'kept-' || i % 2 FROM generate_series(1, 5000) i;
             CREATE TABLE secret (a int); INSERT INTO secret SELECT generate_series(1, 100);
             CREATE TABLE raw (a int); INSERT INTO raw VALUES (1);
             ANALYZE open; ANALYZE secret;
             DELETE FROM open WHERE a > 4000; SELECT pg_stat_force_next_flush();
             CREATE ROLE reader LOGIN; GRANT SELECT ON open, raw TO reader",
        )
        .await
        .unwrap_or(());
    let mut reader = config.clone();
    reader.user("pgrehearse_load");
    client
        .batch_execute(
            "SET ROLE NONE; REVOKE ALL ON secret FROM PUBLIC; ALTER TABLE secret OWNER TO postgres",
        )
        .await
        .unwrap();
    let found = like::read(&reader, false).await.unwrap();
    let notes = found.notes.join("\n");
    assert!(notes.contains("secret: no right to SELECT"), "{notes}");
    assert!(notes.contains("raw: it was never analyzed"), "{notes}");
    let text = like::dataset_toml(&found);
    assert!(!text.contains("kept-"), "{text}");
    let kept = like::read(&reader, true).await.unwrap();
    let text = like::dataset_toml(&kept);
    assert!(
        text.contains("\"kept-0\" = 0.5") || text.contains("kept-0 = 0.5"),
        "{text}"
    );
}
