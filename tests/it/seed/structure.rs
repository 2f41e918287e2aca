//! What the catalogue says of tables, read back.

use pgrehearse::seed::structure::{
    Action, FilledBy, KeyPart, Strategy, Structure, Table, TypeKind,
};

use crate::server::{Server, connect};

const SCHEMA: &str = r#"
CREATE EXTENSION citext;
CREATE SCHEMA other;
CREATE TYPE mood AS ENUM ('sad', 'so so', 'happy');
CREATE TYPE pair AS (a int, b varchar(5)[]);
CREATE DOMAIN positive AS numeric(8,2) NOT NULL CONSTRAINT above CHECK (VALUE > 0);
CREATE TABLE "User.s" (id bigserial PRIMARY KEY, "eMail" citext NOT NULL, dropped int);
ALTER TABLE "User.s" DROP COLUMN dropped;
CREATE UNIQUE INDEX one_mail ON "User.s" (lower("eMail"::text)) WHERE "eMail" <> 'id';
CREATE TABLE other.things (
    tenant int, id int GENERATED ALWAYS AS IDENTITY, name varchar(20)[] NOT NULL, feel mood DEFAULT 'happy',
    cost positive, double_cost numeric GENERATED ALWAYS AS (cost * 2) STORED, both_of pair, during tstzrange,
    PRIMARY KEY (tenant, id), CHECK (name[1] <> ''),
    EXCLUDE USING gist (during WITH &&)
);
CREATE TABLE uses (
    id uuid PRIMARY KEY, tenant int, thing int, user_id bigint REFERENCES "User.s" ON DELETE CASCADE,
    FOREIGN KEY (tenant, thing) REFERENCES other.things MATCH FULL
);
CREATE INDEX by_thing ON uses (thing, lower(tenant::text)) WHERE thing > 0;
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER noted AFTER INSERT OR DELETE ON uses FOR EACH ROW EXECUTE FUNCTION f();
CREATE TABLE log (at timestamptz NOT NULL, kind text) PARTITION BY RANGE (at, lower(kind));
CREATE TABLE log_2025 PARTITION OF log FOR VALUES FROM ('2025-01-01', MINVALUE) TO ('2026-01-01', MINVALUE);
CREATE TABLE log_rest PARTITION OF log DEFAULT;
CREATE TABLE base (a int);
CREATE TABLE derived (b int) INHERITS (base);
CREATE VIEW seen AS SELECT 1;
CREATE TEMP TABLE passing (a int);
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_structure_is_what_the_schema_says() {
    let server = Server::start().await;
    let client = connect(&server.database("structure").await).await;
    client.batch_execute(SCHEMA).await.unwrap();
    let structure = Structure::read(&client).await.unwrap();

    let names: Vec<_> = structure.tables.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "base",
            "derived",
            "log",
            "log_2025",
            "log_rest",
            "other.things",
            "public.User.s",
            "uses"
        ]
    );
    columns_and_types(&structure.tables["other.things"]);

    let key = &structure.tables["public.User.s"].keys[1];
    assert_eq!(
        key.predicate.as_deref(),
        Some("(\"eMail\" <> 'id'::citext)")
    );
    assert!(matches!(&key.parts[0], KeyPart::Expression { columns, .. } if *columns == ["eMail"]));
    let keys = &structure.tables["uses"].foreign_keys;
    assert_eq!(keys.len(), 2);
    assert!(keys[0].match_full && keys[0].parent_columns == ["tenant", "id"]);
    assert_eq!(keys[1].parent, "public.User.s");
    assert_eq!(
        (keys[1].on_delete, keys[1].on_update),
        (Action::Cascade, Action::NoAction)
    );
    indexes_and_triggers(&structure.tables["uses"]);

    let by = structure.tables["log"].partitioned_by.as_ref().unwrap();
    assert_eq!((by.strategy, by.parts.len()), (Strategy::Range, 2));
    assert!(matches!(&by.parts[1], KeyPart::Expression { columns, .. } if *columns == ["kind"]));
    let of = structure.tables["log_2025"].partition_of.as_ref().unwrap();
    assert!(
        of.parent == "log" && of.bound.contains("'2025-01-01"),
        "{of:?}"
    );
    assert_eq!(structure.tables["derived"].inherits, ["base"]);
}

fn indexes_and_triggers(uses: &Table) {
    let [index] = &uses.indexes[..] else {
        panic!("{:?}", uses.indexes)
    };
    assert_eq!(
        (index.name.as_str(), index.method.as_str()),
        ("by_thing", "btree")
    );
    assert_eq!(index.parts[0], KeyPart::Column("thing".to_owned()));
    assert!(
        matches!(&index.parts[1], KeyPart::Expression { columns, .. } if *columns == ["tenant"])
    );
    assert_eq!(index.predicate.as_deref(), Some("(thing > 0)"));
    assert!(index.valid && !uses.keys[0].deferrable && !uses.has_rules);
    let [trigger] = &uses.triggers[..] else {
        panic!("{:?}", uses.triggers)
    };
    assert!(trigger.on_insert && trigger.on_delete && !trigger.on_update);
}

fn columns_and_types(things: &Table) {
    let columns: Vec<_> = things
        .columns
        .iter()
        .map(|c| (c.name.as_str(), c.ty.sql.as_str(), c.not_null, c.filled_by))
        .collect();
    let by_default = FilledBy::Default;
    assert_eq!(
        columns,
        [
            ("tenant", "integer", true, by_default),
            ("id", "integer", true, FilledBy::Sequence),
            ("name", "character varying(20)[]", true, by_default),
            ("feel", "mood", false, by_default),
            ("cost", "positive", true, by_default),
            ("double_cost", "numeric", false, FilledBy::Generated),
            ("both_of", "pair", false, by_default),
            ("during", "tstzrange", false, by_default),
        ]
    );
    let kind = |column: &str| &things.column(column).unwrap().ty.kind;
    let TypeKind::Array(element) = kind("name") else {
        panic!("{:?}", kind("name"))
    };
    assert_eq!(element.sql, "character varying(20)");
    assert_eq!(
        element.kind,
        TypeKind::Base {
            name: "varchar".into(),
            modifier: 24
        }
    );
    let labels = ["sad", "so so", "happy"].map(str::to_owned).to_vec();
    assert_eq!(*kind("feel"), TypeKind::Enum(labels));
    let TypeKind::Domain { of, checks, .. } = kind("cost") else {
        panic!("{:?}", kind("cost"))
    };
    assert_eq!(
        (of.sql.as_str(), checks[0].name.as_str()),
        ("numeric(8,2)", "above")
    );
    assert_eq!(checks[0].sql, "(VALUE > (0)::numeric)");
    let TypeKind::Composite(fields) = kind("both_of") else {
        panic!("{:?}", kind("both_of"))
    };
    assert_eq!(fields[1].1.sql, "character varying(5)[]");
    assert!(matches!(kind("during"), TypeKind::Range(of) if of.sql == "timestamp with time zone"));
    assert_eq!(things.checks[0].columns, ["name"]);
    assert_eq!(things.exclusions[0].parts[0].1, "&&");
}
