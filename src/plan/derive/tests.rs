//! What is derived from small schemas.

use super::*;
use crate::plan::statement::parse_query;
use crate::rehearse::workload::QueryKind;
use crate::seed::structure::{
    Action, Column, ColumnType, FilledBy, ForeignKey, Index, Key, KeyPart, PartitionOf, Table,
    Trigger, TypeKind,
};

/// Tables with a key `id` by a sequence, and columns as `name type`.
#[derive(Default)]
struct Given {
    structure: Structure,
    rows: BTreeMap<String, u64>,
}

impl Given {
    fn table(&mut self, name: &str, rows: u64, columns: &[&str]) -> &mut Table {
        let mut table = Table {
            columns: columns.iter().map(|text| column(text)).collect(),
            ..Table::default()
        };
        table.columns[0].filled_by = FilledBy::Sequence;
        table.keys.push(Key {
            name: format!("{name}_pkey"),
            primary: true,
            parts: parts(&[&table.columns[0].name]),
            predicate: None,
            nulls_equal: false,
            deferrable: false,
        });
        self.rows.insert(name.to_owned(), rows);
        let tables = &mut self.structure.tables;
        tables.insert(name.to_owned(), table);
        tables.get_mut(name).unwrap()
    }

    /// The queries; each is one statement that uses all its parameters, and no name comes twice.
    fn queries(&self, always: &[&str]) -> Vec<QueryFile> {
        let always = always.iter().map(|name| (*name).to_owned()).collect();
        let queries = queries(&self.structure, &BTreeMap::new(), &self.rows, &always);
        let names: BTreeSet<&String> = queries.iter().map(|query| &query.name).collect();
        assert_eq!(names.len(), queries.len());
        for query in &queries {
            let parsed = parse_query(&query.sql).unwrap_or_else(|m| panic!("{}: {m:?}", query.sql));
            let used: Vec<usize> = (1..=query.params.len()).collect();
            assert_eq!(parsed.params, used, "{}", query.sql);
        }
        queries
    }
}

fn column(text: &str) -> Column {
    let (name, ty) = text.split_once(' ').unwrap();
    Column {
        name: name.to_owned(),
        ty: ColumnType {
            sql: ty.to_owned(),
            kind: TypeKind::Base {
                name: ty.to_owned(),
                modifier: -1,
            },
        },
        not_null: true,
        default: None,
        filled_by: FilledBy::Default,
    }
}

fn parts(names: &[&str]) -> Vec<KeyPart> {
    let part = |name: &&str| KeyPart::Column((*name).to_owned());
    names.iter().map(part).collect()
}

fn index(names: &[&str]) -> Index {
    Index {
        name: names.join("_"),
        method: "btree".to_owned(),
        parts: parts(names),
        predicate: None,
        valid: true,
    }
}

fn reference(column: &str, parent: &str, on_delete: Action) -> ForeignKey {
    ForeignKey {
        name: format!("{column}_fkey"),
        columns: vec![column.to_owned()],
        parent: parent.to_owned(),
        parent_columns: vec!["id".to_owned()],
        match_full: false,
        on_delete,
        on_update: Action::NoAction,
    }
}

fn shop() -> Given {
    let mut given = Given::default();
    given.table("users", 1_000, &["id int8", "email text"]);
    let orders = given.table(
        "orders",
        100_000,
        &["id int8", "user_id int8", "at timestamptz"],
    );
    orders
        .foreign_keys
        .push(reference("user_id", "users", Action::NoAction));
    orders.indexes.push(index(&["user_id", "at"]));
    orders.indexes.push(index(&["at"]));
    given
}

fn named<'q>(queries: &'q [QueryFile], name: &str) -> &'q QueryFile {
    let names: Vec<_> = queries.iter().map(|query| &query.name).collect();
    let found = queries.iter().find(|query| query.name == name);
    found.unwrap_or_else(|| panic!("{name}: {names:?}"))
}

#[test]
fn lists_go_by_indexes_in_their_order() {
    let queries = shop().queries(&[]);
    assert_eq!(
        named(&queries, "orders by user_id").sql,
        "SELECT id, user_id, at FROM orders WHERE user_id = $1 ORDER BY at DESC LIMIT 20"
    );
    assert_eq!(
        named(&queries, "orders recent by at").sql,
        "SELECT id, user_id, at FROM orders WHERE at <= $1 ORDER BY at DESC LIMIT 20"
    );
    assert_eq!(
        named(&queries, "orders with users by user_id").sql,
        "SELECT c.id, c.user_id, c.at, p.id, p.email FROM orders AS c JOIN users AS p ON p.id = c.user_id \
         WHERE p.id = $1 LIMIT 20"
    );
    assert_eq!(queries[0].name, "orders by id");
}

#[test]
fn an_index_that_is_not_valid_is_not_gone_by() {
    let mut given = shop();
    let orders = given.structure.tables.get_mut("orders").unwrap();
    orders.indexes[1].valid = false;
    let queries = given.queries(&[]);
    assert!(
        queries
            .iter()
            .all(|query| query.name != "orders recent by at")
    );
}

#[test]
fn most_of_the_traffic_reads_and_large_tables_have_more_of_it() {
    let queries = shop().queries(&[]);
    let weight = |query: &QueryFile| query.weight.unwrap();
    let kind = |query: &&QueryFile| parse_query(&query.sql).unwrap().kind == QueryKind::Read;
    let reads: f64 = queries.iter().filter(kind).map(weight).sum();
    let all: f64 = queries.iter().map(weight).sum();
    assert!(
        (85.0..=90.0).contains(&(100.0 * reads / all)),
        "{reads} of {all}"
    );
    let (orders, users) = (
        named(&queries, "orders by id"),
        named(&queries, "users by id"),
    );
    assert!(weight(orders) > 1.5 * weight(users));
}

#[test]
fn a_row_is_deleted_only_where_nothing_depends_on_it() {
    let deletes = |given: &Given, table: &str| {
        let name = format!("{table} delete and insert");
        given.queries(&[]).iter().any(|query| query.name == name)
    };
    for action in [Action::NoAction, Action::Restrict, Action::Cascade] {
        let mut given = shop();
        let orders = given.structure.tables.get_mut("orders").unwrap();
        orders.foreign_keys[0].on_delete = action;
        assert!(!deletes(&given, "users"), "{action:?}");
        assert!(deletes(&given, "orders"), "{action:?}");
    }
    let mut given = shop();
    let orders = given.structure.tables.get_mut("orders").unwrap();
    orders.triggers.push(Trigger {
        name: "keep".to_owned(),
        on_insert: false,
        on_update: false,
        on_delete: true,
    });
    assert!(!deletes(&given, "orders"));
}

#[test]
fn a_large_schema_gives_so_many_queries_and_all_of_the_tables_that_must_be_in() {
    let mut given = Given::default();
    for number in 0..100 {
        let name = format!("t{number}");
        given.table(&name, 1_000 + number, &["id int8", "note text"]);
    }
    let small = given.table("small", 3, &["id int8", "a text", "b text"]);
    small.indexes.push(index(&["a"]));
    small.indexes.push(index(&["b"]));
    let part = given.table("part", 1_000_000, &["id int8"]);
    part.partition_of = Some(PartitionOf {
        parent: "t1".to_owned(),
        bound: "DEFAULT".to_owned(),
    });
    given.table("empty", 0, &["id int8"]);

    let queries = given.queries(&["small"]);
    assert_eq!(queries.len(), QUERIES_MAX);
    for name in [
        "small by id",
        "small by a",
        "small by b",
        "small insert",
        "small delete and insert",
        "t99 by id",
    ] {
        named(&queries, name);
    }
    let has = |start: &str| queries.iter().any(|query| query.name.starts_with(start));
    assert!(!has("part") && !has("empty") && !has("t0 "));
    let least = given.queries(&[]);
    assert!(!least.iter().any(|query| query.name == "small insert"));
}

#[test]
fn names_are_quoted_where_they_must_be() {
    let mut given = Given::default();
    given.table("crm.Order", 1_000, &["id int8", "left text", "userId int8"]);
    let queries = given.queries(&[]);
    assert_eq!(
        named(&queries, "Order by id").sql,
        "SELECT id, \"left\", \"userId\" FROM crm.\"Order\" WHERE id = $1"
    );
    let update = named(&queries, "Order update left");
    assert_eq!(
        update.sql,
        "UPDATE crm.\"Order\" SET \"left\" = \"left\" WHERE id = $1"
    );
}

#[test]
fn the_same_schema_gives_the_same_file() {
    use crate::plan::scenario::{AppFile, WorkloadFile};
    let file = |queries| WorkloadFile {
        apps: BTreeMap::from([(
            "v1".to_owned(),
            AppFile {
                owner: None,
                extends: None,
                queries,
            },
        )]),
    };
    let first = file(shop().queries(&[]));
    let text = crate::plan::written::to_toml(&first);
    let read: WorkloadFile = toml::from_str(&text).unwrap();
    assert_eq!(format!("{first:?}"), format!("{read:?}"));
    assert_eq!(
        text,
        crate::plan::written::to_toml(&file(shop().queries(&[])))
    );
}
