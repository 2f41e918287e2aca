//! The completed dataset as a file.

use std::collections::BTreeMap;

use pgrehearse::seed::dataset::Description;
use pgrehearse::seed::structure::Structure;
use pgrehearse::seed::{self, Dataset, Spec, explain, infer};

use crate::server::{Server, connect};

const SCHEMA: &str = r#"
    CREATE TABLE countries (code char(2) PRIMARY KEY, name text NOT NULL UNIQUE);
    CREATE TABLE "Users" (id bigserial PRIMARY KEY, email text NOT NULL UNIQUE, "odd thing" text, country char(2) NOT NULL REFERENCES countries,
        settings jsonb NOT NULL DEFAULT '{}', created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL);
    CREATE TABLE orders (id bigserial PRIMARY KEY, user_id bigint NOT NULL REFERENCES "Users", state varchar(12) NOT NULL DEFAULT 'new',
        total numeric(10,2) NOT NULL, tags text[]);
    CREATE TABLE lines (order_id bigint REFERENCES orders, no int, PRIMARY KEY (order_id, no));
    CREATE TABLE by_kind (kind text NOT NULL, day date NOT NULL) PARTITION BY LIST (kind);
    CREATE TABLE by_kind_a PARTITION OF by_kind FOR VALUES IN ('a') PARTITION BY RANGE (day);
    CREATE TABLE by_kind_a1 PARTITION OF by_kind_a FOR VALUES FROM ('2025-01-01') TO ('2025-02-01');
    CREATE TABLE never (at date) PARTITION BY RANGE (at);
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_file_that_explains_a_dataset_is_that_dataset() {
    let server = Server::start().await;
    let client = connect(&server.database("explained").await).await;
    client.batch_execute(SCHEMA).await.unwrap();
    let structure = Structure::read(&client).await.unwrap();
    let described = r#"
        infer = true
        [tables.orders]
        rows_per_main = 3
        [tables.orders.columns]
        total = { price = { min = 5, max = 10 } }
    "#;
    let description: Description = toml::from_str(described).unwrap();
    let inferred = infer::infer(&structure, &description, 1_000, 7);
    let text = explain::toml(&inferred, &structure);

    let read: Description = toml::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(
        (&read.main, read.seed, read.infer),
        (&inferred.main, 7, false)
    );
    let mut tables = read.tables;
    let empty: BTreeMap<_, _> = tables
        .extract_if(.., |_, table| table.empty.is_some())
        .map(|(name, table)| (name, table.empty.unwrap()))
        .collect();
    assert_eq!(empty, inferred.empty);
    assert_eq!(tables, inferred.tables, "{text}");

    let line = |start: &str| {
        text.lines()
            .find(|line| line.starts_with(start))
            .unwrap_or_else(|| panic!("no {start} in\n{text}"))
    };
    for (start, reason) in [
        ("total =", "# as described"),
        ("user_id =", "# foreign key orders_user_id_fkey"),
        ("email =", "# name and type text"),
        ("\"odd thing\" =", "# type text"),
    ] {
        assert!(line(start).ends_with(reason), "{}", line(start));
    }
    let order = [
        "id =",
        "email =",
        "\"odd thing\" =",
        "country =",
        "settings =",
        "created_at =",
        "updated_at =",
    ];
    let users = text.split("[tables.Users.columns]").nth(1).unwrap();
    let at: Vec<_> = order
        .iter()
        .map(|column| users.find(&format!("\n{column}")).expect(column))
        .collect();
    assert!(at.is_sorted(), "in the order of the table: {users}");
}

/// It may neither write nor make temporary tables, and what it prints holds nothing of what is in the database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn to_explain_a_database_in_use_it_is_only_read() {
    let server = Server::start().await;
    let config = server.database("in_use").await;
    let client = connect(&config).await;
    let sql = "CREATE TABLE people (id bigserial PRIMARY KEY, name text NOT NULL CHECK (name <> 'nobody'), at timestamptz);
        INSERT INTO people (name) VALUES ('sentinel-4711');
        REVOKE TEMPORARY ON DATABASE in_use FROM PUBLIC;
        CREATE ROLE reader LOGIN PASSWORD 'only-reads';
        GRANT SELECT ON people TO reader;";
    client.batch_execute(sql).await.unwrap();
    let mut reader = config.clone();
    reader.user("reader").password("only-reads");
    let dataset = Dataset::of_database();
    let spec = Spec {
        seed: dataset.seed,
        dataset,
        rows: 1_000,
        workers: 1,
    };
    let text = seed::explain(&reader, &spec).await.unwrap();
    assert!(text.contains("[tables.people.columns]"), "{text}");
    assert!(!text.contains("sentinel"), "{text}");
}
