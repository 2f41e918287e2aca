//! Datasets, right and wrong.

use std::path::Path;

use super::*;
use crate::input::Problems;
use crate::seed::Spec;

/// Reads a dataset of two files.
pub(in crate::seed) fn read(schema: &str, description: &str) -> Result<Dataset, Problems> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("schema.sql"), schema).unwrap();
    std::fs::write(dir.path().join("dataset.toml"), description).unwrap();
    Dataset::read(dir.path())
}

const SCHEMA: &str = "
    CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL, nick text);
    CREATE TABLE orders (id int PRIMARY KEY, user_id int NOT NULL, made_at date NOT NULL DEFAULT now());
    CREATE TABLE items (order_id int NOT NULL);";

/// Without a mistake. Users are described on lines 4 to 8.
const RIGHT: &str = r#"about = "x"
main = "orders"

[tables.users]
rows_per_main = 0.5
[tables.users.columns]
id = { sequence = {} }
email = { email = {} }

[tables.orders.columns]
id = { sequence = {} }
user_id = { reference = { column = "users.id" } }

[tables.items]
children_of = { table = "orders", min = 1, max = 4, mean = 2.5 }
[tables.items.columns]
order_id = { parent = {} }
"#;

/// The problems of `RIGHT` with one part of it replaced, without the directory.
fn check(part: &str, by: &str, expected: &[&str]) {
    assert!(RIGHT.contains(part), "{part}");
    let Problems(problems) = read(SCHEMA, &RIGHT.replacen(part, by, 1)).unwrap_err();
    let found: Vec<_> = problems
        .into_iter()
        .map(|mut problem| {
            let file = problem.file.as_ref().unwrap().file_name().unwrap();
            problem.file = Some(file.into());
            problem.to_string()
        })
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn a_wrong_number_of_rows_is_found_where_it_is() {
    check(
        "rows_per_main = 0.5",
        "rows_per_main = 0",
        &["dataset.toml:5: tables.users.rows_per_main = 0: must be above 0 and at most 1000000"],
    );
    check(
        "rows_per_main = 0.5",
        "",
        &["dataset.toml:4: tables.users: needs one of rows, rows_per_main and children_of"],
    );
    check(
        "main = \"orders\"",
        "main = \"order\"",
        &[
            "dataset.toml:2: main = \"order\": no table of this name is described; did you mean `orders`?",
            "dataset.toml:10: tables.orders: needs one of rows, rows_per_main and children_of",
        ],
    );
    check(
        "rows_per_main",
        "row_per_main",
        &[
            "dataset.toml:5: tables.users.row_per_main: unknown key `row_per_main`; did you mean `rows_per_main`?",
            "dataset.toml:4: tables.users: needs one of rows, rows_per_main and children_of",
        ],
    );
    check(
        "mean = 2.5",
        "mean = 9",
        &[
            "dataset.toml:15: tables.items.children_of.mean = 9: must lie between min = 1 and max = 4",
        ],
    );
    check(
        "table = \"orders\"",
        "table = \"items\"",
        &[
            "dataset.toml:15: tables.items.children_of = { table = \"items\", min = 1, max = 4, mean = 2.5 }: its parents are, in the end, its own children",
        ],
    );
}

#[test]
fn a_wrong_column_or_generator_is_found_where_it_is() {
    check(
        "{ email = {} }",
        "{ choice = { a = 0 } }",
        &[
            "dataset.toml:8: tables.users.columns.email = { choice = { a = 0 } }: the weights sum to zero: give one choice a weight above 0",
        ],
    );
    check(
        "users.id",
        "user.id",
        &[
            "dataset.toml:12: tables.orders.columns.user_id = { reference = { column = \"user.id\" } }: the dataset has no table user; did you mean `users`?",
        ],
    );
    check(
        "users.id",
        "orders.user_id",
        &[
            "dataset.toml:12: tables.orders.columns.user_id = { reference = { column = \"orders.user_id\" } }: references go round in a circle at orders.user_id",
        ],
    );
    check(
        "user_id = { reference = { column = \"users.id\" } }",
        "user_ids = { reference = { column = \"users.id\" } }",
        &[
            "dataset.toml:12: tables.orders.columns.user_ids = { reference = { column = \"users.id\" } }: schema.sql gives orders no such column; did you mean `user_id`?",
            "dataset.toml:10: tables.orders.columns: column user_id is NOT NULL and has no default: it needs a generator",
        ],
    );
    check(
        "[tables.items.columns]\norder_id = { parent = {} }",
        "[tables.items.columns]\norder_id = { paren = {} }",
        &[
            "dataset.toml:17: tables.items.columns.order_id: unknown name `paren`; did you mean `parent`?",
        ],
    );
}

#[test]
fn a_schema_that_is_not_sql_is_found_with_its_line() {
    let problems = read("CREATE TABLE users (id int);\nCREATE TABEL x ();", RIGHT).unwrap_err();
    assert!(
        problems.to_string().contains("schema.sql:2: not SQL"),
        "{problems}"
    );
}

fn spec(rows: u64) -> Spec {
    Spec {
        dataset: read(SCHEMA, RIGHT).unwrap(),
        rows,
        seed: 42,
        workers: 2,
    }
}

#[test]
fn rows_follow_the_main_table() {
    let rows = spec(10_000).table_rows();
    assert_eq!((rows["orders"], rows["users"]), (10_000, 5_000));
    assert!(
        (24_500..25_500).contains(&rows["items"]),
        "{}",
        rows["items"]
    );
    assert_eq!(spec(1).table_rows()["users"], 1);
}

#[test]
fn the_key_names_the_content_and_nothing_else() {
    let key = spec(10).key();
    assert_eq!(key.len(), 16);
    assert_eq!(key, spec(10).key());
    let changed = |change: fn(&mut Spec)| {
        let mut spec = spec(10);
        change(&mut spec);
        spec.key() != key
    };
    assert!(!changed(|spec| spec.workers = 7));
    assert!(!changed(
        |spec| spec.dataset.about = "other words".to_owned()
    ));
    assert!(changed(|spec| spec.rows = 11));
    assert!(changed(|spec| spec.seed = 43));
    assert!(changed(|spec| match &mut spec.dataset.source {
        Source::Schema { sql, .. } => sql.push(' '),
        Source::Migrations(_) | Source::Snapshot(_) => unreachable!(),
    }));
    assert!(changed(|spec| {
        let users = spec.dataset.tables.get_mut("users");
        users.expect("it is described").rows_per_main = Some(0.6);
    }));
}

#[test]
fn the_shop_can_be_read() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds/shop");
    let shop = Dataset::read(&dir).unwrap();
    assert_eq!((shop.name.as_str(), shop.main.as_str()), ("shop", "orders"));
    assert!(shop.workload_path().is_some());
}

#[test]
fn a_directory_may_hold_a_dump_or_nothing_but_a_schema() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("schema.sql", SCHEMA);
    let dataset = Dataset::read(dir.path()).unwrap();
    assert!(dataset.infer && dataset.tables.is_empty() && dataset.snapshot().is_none());

    write("prod.sql", "--\n-- PostgreSQL database dump\n");
    write("dataset.toml", "snapshot = \"prod.sql\"\n");
    let dataset = Dataset::read(dir.path()).unwrap();
    assert_eq!(dataset.snapshot().unwrap().format, source::Format::Sql);
    assert!(!dataset.infer);

    write(
        "dataset.toml",
        "main = \"orders\"\nsnapshot = \"prod.sql\"\n",
    );
    let Problems(problems) = Dataset::read(dir.path()).unwrap_err();
    assert!(
        problems[0]
            .to_string()
            .ends_with("main = \"orders\": a snapshot has its own rows: leave this out")
    );
    write("dataset.toml", "snapshot = \"other.sql\"\n");
    let Problems(problems) = Dataset::read(dir.path()).unwrap_err();
    let text = problems[0].to_string();
    assert!(
        text.contains("dataset.toml:1: snapshot = \"other.sql\": cannot read it"),
        "{text}"
    );
}

#[test]
fn the_key_of_a_snapshot_is_its_content_alone() {
    let dir = tempfile::tempdir().unwrap();
    let key = |name: &str, content: &str, seed: u64| {
        let path = dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        let dataset = Dataset::of_snapshot(&path).unwrap();
        let (rows, workers) = (seed, 1);
        let spec = Spec {
            dataset,
            rows,
            seed,
            workers,
        };
        spec.key()
    };
    assert_eq!(key("a.sql", "SELECT 1", 1), key("b.sql", "SELECT 1", 2));
    assert_ne!(key("a.sql", "SELECT 1", 1), key("b.sql", "SELECT 2", 1));
}
