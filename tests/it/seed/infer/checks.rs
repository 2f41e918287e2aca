//! CHECK constraints of all kinds: the constraints that are there again after the load prove that every row meets them.

use super::{filled, full, holds};
use crate::server::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checks_of_the_common_shapes_are_met() {
    let server = Server::start().await;
    let schema = r#"
        CREATE DOMAIN positive AS int CHECK (VALUE > 0);
        CREATE DOMAIN country_code AS text CHECK (VALUE ~ '^[A-Z]{2}$') NOT NULL;
        CREATE TABLE products (
            id bigserial PRIMARY KEY, made_at timestamptz NOT NULL,
            price numeric(10,2) NOT NULL CHECK (price > 0), rate float8 CHECK (rate BETWEEN 0 AND 1),
            stars smallint CHECK (stars IN (1, 2, 3, 4, 5)), weight int NOT NULL CHECK (weight <> 0 AND weight < 50),
            sku varchar(20) NOT NULL UNIQUE CHECK (sku ~ '^[A-Z]{3}-[0-9]{6}$'),
            label text NOT NULL CHECK (char_length(label) BETWEEN 3 AND 12), code char(3) NOT NULL CHECK (code = upper(code)),
            status text NOT NULL CHECK (status IN ('draft', 'live', 'gone')), kind varchar(10) CHECK (kind <> ''),
            mail text NOT NULL CHECK (mail LIKE '%_@__%.__%'), site text CHECK (site ~* '^https?://'),
            lower_name text NOT NULL CHECK (lower_name = lower(lower_name)), seats positive NOT NULL, many positive[],
            origin country_code, tags text[] NOT NULL CHECK (cardinality(tags) > 0),
            roles text[] NOT NULL CHECK (roles <@ ARRAY['admin', 'guest']),
            meta jsonb NOT NULL CHECK (jsonb_typeof(meta) = 'object'), list jsonb CHECK (jsonb_typeof(list) = 'array'),
            made_on date CHECK (made_on >= '2010-01-01'), born date CHECK (born < now()), active bool NOT NULL CHECK (active),
            takes interval CHECK (takes > '0'), num int CHECK (num % 5 = 0), parity int NOT NULL CHECK (parity % 2 = 1)
        );
    "#;
    let (client, _) = full(&server, "common", schema, 2_000).await;
    holds(
        &client,
        "labels differ",
        "SELECT count(DISTINCT label) > 50 FROM products",
    )
    .await;
    holds(
        &client,
        "prices differ",
        "SELECT count(DISTINCT price) > 50 FROM products",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checks_over_several_columns_are_met() {
    let server = Server::start().await;
    let schema = r#"
        CREATE TABLE users (id bigserial PRIMARY KEY, name text NOT NULL, made_at timestamptz NOT NULL);
        CREATE TABLE orgs (id bigserial PRIMARY KEY, name text NOT NULL, made_at timestamptz NOT NULL);
        CREATE TABLE grants (
            id bigserial PRIMARY KEY, user_id bigint REFERENCES users, org_id bigint REFERENCES orgs,
            starts_at timestamptz NOT NULL, ends_at timestamptz NOT NULL, seen_on date, CHECK (num_nonnulls(user_id, org_id) = 1),
            CHECK (ends_at > starts_at)
        );
        CREATE TABLE jobs (
            id bigserial PRIMARY KEY, state text NOT NULL CHECK (state IN ('new', 'running', 'done')),
            started_at timestamptz, ended_at timestamptz, worker text,
            CHECK ((state = 'new') = (started_at IS NULL)), CHECK (state <> 'done' OR ended_at IS NOT NULL),
            CHECK (ended_at IS NULL OR ended_at >= started_at), CHECK ((worker IS NULL) = (started_at IS NULL))
        );
        CREATE TABLE ranges (
            id bigserial PRIMARY KEY, low int NOT NULL, mid int NOT NULL, high int NOT NULL, at timestamptz NOT NULL,
            CHECK (low <= mid AND mid <= high), CHECK (low <> high),
            kind text NOT NULL, size int, CHECK (CASE WHEN kind = 'big' THEN size > 100 ELSE size < 100 END),
            CHECK (kind IN ('big', 'small'))
        );
    "#;
    let (client, _) = full(&server, "several", schema, 2_000).await;
    holds(
        &client,
        "both kinds of grants",
        "SELECT count(*) FILTER (WHERE user_id IS NULL) > 100 AND count(user_id) > 100 FROM grants",
    )
    .await;
    holds(
        &client,
        "all states",
        "SELECT count(DISTINCT state) = 3 FROM jobs",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_the_server_understands_is_found_by_trying() {
    let server = Server::start().await;
    let schema = r#"
        CREATE FUNCTION is_even_length(t text) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT length(t) % 2 = 0';
        CREATE TABLE odd (
            id bigserial PRIMARY KEY, at timestamptz NOT NULL, word text NOT NULL CHECK (is_even_length(word)),
            month date NOT NULL CHECK (date_trunc('month', month) = month),
            config jsonb NOT NULL CHECK (config ? 'version' AND (config ->> 'version')::int > 2),
            a int NOT NULL, b int NOT NULL, c int NOT NULL, CHECK (a + b = c), CHECK (a * b = 6),
            pin text CHECK (pin ~ '^(?=.*1)[0-9]{4}$'), key bytea NOT NULL CHECK (octet_length(key) = 27)
        );
    "#;
    let (client, seeded) = full(&server, "trying", schema, 1_000).await;
    holds(&client, "there are rows", "SELECT count(*) = 1000 FROM odd").await;
    assert!(seeded.tables["odd"].columns.contains_key("word"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_that_cannot_be_met_leaves_its_table_empty_and_is_named() {
    let server = Server::start().await;
    let schema = r#"
        CREATE TABLE never (id bigserial PRIMARY KEY, at timestamptz NOT NULL, CONSTRAINT closed CHECK (false));
        CREATE TABLE twice (id bigserial PRIMARY KEY, a int NOT NULL, at timestamptz, CONSTRAINT split CHECK (a > 5 AND a < 3));
        CREATE TABLE of_never (id bigserial PRIMARY KEY, never_id bigint NOT NULL REFERENCES never, at timestamptz);
        CREATE TABLE maybe (id bigserial PRIMARY KEY, never_id bigint REFERENCES never, at timestamptz, x int CHECK (x > 3 AND x < 1));
    "#;
    let (client, seeded) = filled(&server, "never", schema, 500).await;
    let empty = &seeded.empty;
    assert_eq!(
        empty.keys().collect::<Vec<_>>(),
        ["never", "of_never", "twice"],
        "{empty:?}"
    );
    assert!(
        empty["never"].contains("constraint closed: CHECK (false)"),
        "{empty:?}"
    );
    assert!(
        empty["twice"].contains("split") && empty["twice"].contains("a = {"),
        "{empty:?}"
    );
    assert!(empty["of_never"].contains("never"), "{empty:?}");
    holds(
        &client,
        "without a parent",
        "SELECT count(*) = 500 AND count(never_id) = 0 AND count(x) = 0 FROM maybe",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cycles_of_required_references_and_narrow_keys_are_filled() {
    let server = Server::start().await;
    let schema = r#"
        CREATE TABLE a (id bigserial PRIMARY KEY, b_id bigint NOT NULL, at timestamptz NOT NULL);
        CREATE TABLE b (id bigserial PRIMARY KEY, c_id bigint NOT NULL, at timestamptz NOT NULL);
        CREATE TABLE c (id bigserial PRIMARY KEY, a_id bigint NOT NULL REFERENCES a, at timestamptz NOT NULL);
        ALTER TABLE a ADD FOREIGN KEY (b_id) REFERENCES b;
        ALTER TABLE b ADD FOREIGN KEY (c_id) REFERENCES c;
        CREATE TABLE one (id int PRIMARY KEY CHECK (id = 1), title text NOT NULL, at timestamptz NOT NULL);
        CREATE TABLE grades (letter char(1) NOT NULL UNIQUE CHECK (letter ~ '^[A-F]$'), at timestamptz NOT NULL, note text);
        CREATE TABLE flags (on_off bool PRIMARY KEY, at timestamptz NOT NULL, note text);
    "#;
    let (client, _) = full(&server, "cycles", schema, 1_000).await;
    holds(
        &client,
        "the cycle is as long as the others",
        "SELECT count(*) = 1000 FROM a",
    )
    .await;
    holds(
        &client,
        "as many rows as values",
        "SELECT (SELECT count(*) FROM one) = 1 AND (SELECT count(*) FROM grades) BETWEEN 1 AND 6",
    )
    .await;
}

/// Of the rows that are tried first none breaks these checks, of all rows some do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_only_the_load_shows_to_break_a_check_is_mended() {
    let server = Server::start().await;
    let schema = "
        CREATE TABLE parents (id bigserial PRIMARY KEY, at timestamptz NOT NULL, key uuid NOT NULL,
            mark int NOT NULL CHECK (hashint4(mark) % 400 <> 0));
        CREATE TABLE children (id bigserial PRIMARY KEY, parent_id bigint NOT NULL REFERENCES parents, at timestamptz NOT NULL,
            CONSTRAINT rare CHECK (hashint8(id) % 2000 <> 0));
        CREATE TABLE others (id bigserial PRIMARY KEY, parent_id bigint NOT NULL REFERENCES parents, at timestamptz NOT NULL);
    ";
    let (client, seeded) = filled(&server, "rare", schema, 20_000).await;
    let empty: Vec<_> = seeded.empty.keys().collect();
    assert_eq!(empty, ["children"], "{:?}", seeded.empty);
    assert!(
        seeded.empty["children"].contains("rare"),
        "{:?}",
        seeded.empty
    );
    holds(
        &client,
        "the others are full",
        "SELECT (SELECT count(*) FROM parents) = 20000 AND (SELECT count(*) FROM others) = 20000",
    )
    .await;
}
