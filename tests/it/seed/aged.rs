//! Tables that look used.

use pgrehearse::seed;
use pgrehearse::talk::Talk;

use super::{check, contents, spec, written};
use crate::server::{Server, connect};

const ROWS: u64 = 20_000;

const SCHEMA: &str = "
    CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, note text,
                    joined text GENERATED ALWAYS AS (name || note) STORED, touched int NOT NULL DEFAULT 0);
    CREATE INDEX ON t (name);
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN NEW.touched := OLD.touched + 1; RETURN NEW; END $$;
    CREATE TRIGGER touch BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch();";

fn dataset(aged: &str) -> tempfile::TempDir {
    let description = format!(
        "main = \"t\"\n[tables.t]\n{aged}\n[tables.t.columns]\nid = {{ sequence = {{}} }}\n\
         name = {{ full_name = {{}} }}\nnote = {{ text = {{ min = 20, max = 90 }} }}"
    );
    written(SCHEMA, &description)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_aged_table_has_dead_and_moved_rows_and_the_same_content() {
    let server = Server::start().await;
    let mut all = Vec::new();
    for (name, workers, aged) in [
        ("young", 1, ""),
        ("old", 2, "aged = { dead = 0.1, updated = 0.3 }"),
    ] {
        let config = server.database(name).await;
        let dir = dataset(aged);
        let spec = spec(dir.path(), ROWS, workers);
        let seeded = seed::fill(&config, &spec, &Talk::silent()).await.unwrap();
        let client = connect(&config).await;
        all.push((contents(&client, seeded.rows.keys()).await, config, client));
    }
    assert_eq!(all[0].0, all[1].0);

    let (young, old) = (&all[0].2, &all[1].2);
    let dead = |low: u32, high: u32| {
        format!(
            "SELECT n_dead_tup BETWEEN {low} AND {high} FROM pg_stat_user_tables WHERE relname = 't'"
        )
    };
    check(young, "no row of a new table is dead", &dead(0, 0)).await;
    check(old, "a tenth of the rows is dead", &dead(1_700, 2_300)).await;
    let live = "SELECT reltuples BETWEEN 19000 AND 21000 FROM pg_class WHERE relname = 't'";
    check(old, "the statistics are of these rows", live).await;
    // The first 3 000 rows that came lie within the first sixth of a new table.
    let moved = "SELECT count(*) FROM t WHERE id <= 3000
                 AND (ctid::text::point)[0] > (SELECT relpages / 5 FROM pg_class WHERE relname = 't')";
    let moved_in = async |client: &tokio_postgres::Client| -> i64 {
        client.query_one(moved, &[]).await.unwrap().get(0)
    };
    assert_eq!(moved_in(young).await, 0);
    let moved = moved_in(old).await;
    assert!(
        (600..1_500).contains(&moved),
        "{moved} of 3000 rows lie elsewhere"
    );

    let update = "UPDATE t SET note = 'x' WHERE id = 1 RETURNING touched = 1";
    check(old, "its triggers fire again", update).await;
}
