//! Partitions, inheritance, types, names and moments.

use super::{full, holds};
use crate::server::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_lie_within_the_partitions_that_are_there() {
    let server = Server::start().await;
    let schema = "
        CREATE TABLE events (id bigserial, at timestamptz NOT NULL, kind text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
        CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2025-02-01');
        CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2025-02-01') TO ('2025-03-01');
        CREATE TABLE uses (id bigserial PRIMARY KEY, event_id bigint NOT NULL, event_at timestamptz NOT NULL,
            FOREIGN KEY (event_id, event_at) REFERENCES events);
        CREATE TABLE by_region (id bigint, region text NOT NULL, city text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
        CREATE TABLE by_region_eu PARTITION OF by_region FOR VALUES IN ('de', 'fr');
        CREATE TABLE by_region_us PARTITION OF by_region FOR VALUES IN ('us') PARTITION BY HASH (id);
        CREATE TABLE by_region_us_0 PARTITION OF by_region_us FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE by_region_us_1 PARTITION OF by_region_us FOR VALUES WITH (MODULUS 2, REMAINDER 1);
        CREATE TABLE two_levels (id bigint, n int NOT NULL, day date NOT NULL) PARTITION BY LIST (n);
        CREATE TABLE two_levels_1 PARTITION OF two_levels FOR VALUES IN (1) PARTITION BY RANGE (day);
        CREATE TABLE two_levels_1a PARTITION OF two_levels_1 FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
        CREATE TABLE two_levels_2 PARTITION OF two_levels FOR VALUES IN (7, 8) PARTITION BY RANGE (day);
        CREATE TABLE two_levels_2a PARTITION OF two_levels_2 FOR VALUES FROM ('2025-06-01') TO ('2025-07-01');
        CREATE TABLE numbers (n int NOT NULL, x text) PARTITION BY RANGE (n);
        CREATE TABLE numbers_1 PARTITION OF numbers FOR VALUES FROM (MINVALUE) TO (100);
        CREATE TABLE numbers_2 PARTITION OF numbers FOR VALUES FROM (500) TO (1000);
        CREATE TABLE rest (at date NOT NULL) PARTITION BY RANGE (at);
        CREATE TABLE rest_all PARTITION OF rest DEFAULT;
        CREATE TABLE animals (id serial PRIMARY KEY, name text NOT NULL);
        CREATE TABLE dogs (breed text) INHERITS (animals);
    ";
    let (client, _) = full(&server, "parts", schema, 1_000).await;
    holds(&client, "every partition has rows",
        "SELECT (SELECT count(*) > 0 FROM events_1) AND (SELECT count(*) > 0 FROM events_2) AND (SELECT count(*) > 0 FROM by_region_us_1)
            AND (SELECT count(*) > 0 FROM two_levels_1a) AND (SELECT count(*) > 0 FROM two_levels_2a)
            AND (SELECT count(*) > 0 FROM numbers_1) AND (SELECT count(*) > 0 FROM numbers_2)").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn columns_hold_what_their_names_and_types_say() {
    let server = Server::start().await;
    let schema = r#"
        CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE EXTENSION ltree; CREATE EXTENSION btree_gist;
        CREATE TYPE state AS ENUM ('open', 'done'); CREATE TYPE pair AS (a int, b text);
        CREATE DOMAIN email_address AS citext; CREATE DOMAIN amount AS numeric(6,2);
        CREATE TABLE everything (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            a smallint, b real, c double precision, d money, e bytea, f time, g timetz, h interval, i cidr, j inet, k macaddr, l macaddr8,
            m bit(5), n varbit(9), o xml, p tsvector, q tsquery, r point, s box, t circle, u polygon, v path, w lseg, x line, y pg_lsn,
            z int4range, aa tstzrange, ab numrange, ac daterange, ad int8range, ae jsonb, af json, ag text[], ah int[], ai state[],
            aj hstore, ak ltree, al pair, am email_address, an amount, ao "char", ap name, aq oid, ar uuid[], at_ jsonpath,
            total_x2 numeric GENERATED ALWAYS AS (an * 2) STORED);
        CREATE TABLE required (id bigserial PRIMARY KEY, a state NOT NULL, b state[] NOT NULL, c pair NOT NULL, d bytea NOT NULL, e int4range NOT NULL,
            f hstore NOT NULL, g tsvector NOT NULL, h bit(3) NOT NULL, i int4multirange NOT NULL DEFAULT '{}', j amount NOT NULL, k interval NOT NULL);
        CREATE TABLE bookings (id bigserial PRIMARY KEY, room int NOT NULL, during tstzrange NOT NULL, EXCLUDE USING gist (room WITH =, during WITH &&));
        CREATE TABLE "UserAccounts" ("userId" bigserial PRIMARY KEY, "firstName" varchar(30) NOT NULL, "eMail" varchar(80), "createdAt" timestamptz NOT NULL,
            "updatedAt" timestamptz NOT NULL, "deletedAt" timestamptz, "countryCode" char(2) NOT NULL, "isActive" boolean NOT NULL DEFAULT true,
            "passwordDigest" varchar(60) NOT NULL, latitude numeric(9,6), status varchar(10) NOT NULL DEFAULT 'new', rating numeric(2,1), pct numeric(3,3),
            birthday date, website_url text, locale varchar(5), starts_on date NOT NULL, ends_on date NOT NULL, big numeric, neg numeric(5,-2));
    "#;
    // Negative scales and multiranges came after 13.
    let (client, _) = full(&server, "types", schema, 800).await;
    for (what, sql) in [
        (
            "moments are in order",
            r#"SELECT bool_and("createdAt" < "updatedAt" AND "deletedAt" IS NULL OR "createdAt" < "deletedAt") FROM "UserAccounts""#,
        ),
        (
            "most are not deleted",
            r#"SELECT avg(("deletedAt" IS NULL)::int) BETWEEN 0.8 AND 0.97 FROM "UserAccounts""#,
        ),
        (
            "what starts ends later",
            r#"SELECT bool_and(starts_on < ends_on) FROM "UserAccounts""#,
        ),
        (
            "addresses of mail",
            r#"SELECT bool_and("eMail" ~ '@') FROM "UserAccounts""#,
        ),
        (
            "the default is a common status",
            r#"SELECT avg((status = 'new')::int) > 0.2 FROM "UserAccounts""#,
        ),
        (
            "countries by two letters",
            r#"SELECT bool_and("countryCode" ~ '^[A-Z]{2}$') FROM "UserAccounts""#,
        ),
    ] {
        holds(&client, what, sql).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checks_hold_and_one_that_cannot_be_met_empties_its_table_alone() {
    let server = Server::start().await;
    let schema = "
        CREATE DOMAIN percent AS int CHECK (VALUE BETWEEN 0 AND 100);
        CREATE TABLE rules (id bigserial PRIMARY KEY, price numeric NOT NULL CHECK (price > 0), off percent NOT NULL,
            kind text NOT NULL CHECK (kind IN ('a', 'b')), starts_at timestamptz NOT NULL, ends_at timestamptz NOT NULL, CHECK (ends_at > starts_at),
            slug varchar(40) NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9-]+$'), note text CHECK (length(note) <= 20));
        CREATE TABLE never (id bigserial PRIMARY KEY, a int NOT NULL, at timestamptz, CHECK (a > 5 AND a < 3));
        CREATE TABLE after_never (id bigserial PRIMARY KEY, never_id bigint NOT NULL REFERENCES never, at timestamptz);
    ";
    let (_, seeded) = super::filled(&server, "checked", schema, 1_000).await;
    let empty: Vec<_> = seeded.empty.keys().collect();
    assert_eq!(empty, ["after_never", "never"], "{:?}", seeded.empty);
    assert!(
        seeded.empty["never"].contains("never_a_check"),
        "{:?}",
        seeded.empty
    );
    assert!(
        seeded.empty["after_never"].contains("never"),
        "{:?}",
        seeded.empty
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_has_what_generated_columns_take_out_of_it() {
    let server = Server::start().await;
    let schema = "
        CREATE TYPE phase AS ENUM ('new', 'done');
        CREATE FUNCTION at_utc(text) RETURNS timestamptz IMMUTABLE LANGUAGE sql AS $$ SELECT $1::timestamptz $$;
        CREATE FUNCTION as_phase(text) RETURNS phase IMMUTABLE LANGUAGE sql AS $$ SELECT $1::phase $$;
        CREATE TABLE jobs (key varchar(250) PRIMARY KEY, doc jsonb NOT NULL,
            is_gone bool NOT NULL GENERATED ALWAYS AS ((doc ->> 'gone')::bool) STORED,
            namespace varchar(40) NOT NULL GENERATED ALWAYS AS (doc ->> 'namespace') STORED,
            phase phase NOT NULL GENERATED ALWAYS AS (as_phase(doc #>> '{state, current}')) STORED,
            begun timestamptz NOT NULL GENERATED ALWAYS AS (at_utc(doc -> 'state' ->> 'begun')) STORED,
            tries int NOT NULL GENERATED ALWAYS AS ((doc ->> 'tries')::int) STORED,
            words tsvector NOT NULL GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, (doc ->> 'namespace') || (doc ->> 'title'))) STORED);
    ";
    let (client, _) = full(&server, "documents", schema, 1_000).await;
    holds(&client, "the values differ",
        "SELECT count(DISTINCT phase) = 2 AND count(DISTINCT is_gone) = 2 AND count(DISTINCT begun) > 100 FROM jobs").await;
}
