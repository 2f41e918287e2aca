//! Texts as pg_stat_statements has them.

use super::*;
use crate::seed::explain::inline;
use crate::seed::structure::{
    Action, Column, ColumnType, FilledBy, ForeignKey, Key, Table, TypeKind,
};

fn traffic(observed: &[(&str, u64)]) -> Traffic {
    let column = |text: &str, filled_by| {
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
            filled_by,
        }
    };
    let table = |columns: &[&str]| Table {
        columns: columns
            .iter()
            .enumerate()
            .map(|(at, text)| match at {
                0 => column(text, FilledBy::Sequence),
                _ => column(text, FilledBy::Default),
            })
            .collect(),
        keys: vec![Key {
            name: "pkey".to_owned(),
            primary: true,
            parts: vec![KeyPart::Column("id".to_owned())],
            predicate: None,
            nulls_equal: false,
            deferrable: false,
        }],
        ..Table::default()
    };
    let users = table(&["id int8", "email text"]);
    let mut orders = table(&["id int8", "user_id int8", "total int4", "note text"]);
    orders.foreign_keys.push(ForeignKey {
        name: "fkey".to_owned(),
        columns: vec!["user_id".to_owned()],
        parent: "users".to_owned(),
        parent_columns: vec!["id".to_owned()],
        match_full: false,
        on_delete: Action::NoAction,
        on_update: Action::NoAction,
    });
    let tables = [("users".to_owned(), users), ("orders".to_owned(), orders)];
    let structure = Structure {
        tables: tables.into(),
    };
    let filled: BTreeMap<String, TableSpec> = toml::from_str(
        "[users.columns]\nid = { sequence = {} }\nemail = { email = {} }\n[orders.columns]\nid = { sequence = {} }\n\
         user_id = { reference = { column = 'users.id' } }\ntotal = { int = { min = 1, max = 9 } }\nnote = { text = { min = 3, max = 9 } }",
    )
    .unwrap();
    let rows = [("users".to_owned(), 100), ("orders".to_owned(), 1_000)].into();
    let observed: Vec<_> = observed
        .iter()
        .map(|(sql, calls)| Observed {
            sql: (*sql).to_owned(),
            calls: *calls,
        })
        .collect();
    queries(&observed, &structure, &filled, &rows)
}

#[track_caller]
fn check(sql: &str, expected: &str, params: &[&str]) {
    let traffic = traffic(&[(sql, 1)]);
    assert_eq!(traffic.left_out, [], "{sql}");
    let query = &traffic.queries[0];
    assert_eq!(query.sql, expected);
    let found: Vec<String> = query.params.iter().map(inline).collect();
    assert_eq!(found, params, "{sql}");
}

const USER: &str = "{ column = \"users.id\", skew = 0.5 }";
const ORDER: &str = "{ column = \"orders.id\", skew = 0.5 }";
const TOTAL: &str = "{ int = { min = 1, max = 9 } }";
const NOTE: &str = "{ text = { min = 3, max = 9 } }";

#[test]
fn parameters_are_values_of_the_columns_that_they_meet() {
    check(
        "SELECT o.*, $1 AS one FROM orders o JOIN users u ON u.id = o.user_id WHERE u.email = $2 AND total BETWEEN $3 AND $4 LIMIT $5 OFFSET $6",
        "SELECT o.*, 1 AS one FROM orders o JOIN users u ON u.id = o.user_id WHERE u.email = $1 AND total BETWEEN $2 AND $3 LIMIT $4 OFFSET $5",
        &[
            "{ column = \"users.email\", skew = 0.5 }",
            TOTAL,
            TOTAL,
            "{ int = { min = 10, max = 50 } }",
            "{ int = { min = 0, max = 100, skew = 1.0 } }",
        ],
    );
    check(
        "SELECT id FROM orders WHERE user_id IN ($1, $2) AND id = ANY($3) AND (id, total) > ($4, $5) AND lower(note) = lower($6)",
        "SELECT id FROM orders WHERE user_id IN ($1, $2) AND id = ANY(ARRAY[$3]) AND (id, total) > ($4, $5) AND lower(note) = lower($6)",
        &[
            USER,
            USER,
            ORDER,
            ORDER,
            TOTAL,
            "{ column = \"orders.note\", skew = 0.5 }",
        ],
    );
    check(
        "INSERT INTO public.orders (note, user_id, total) VALUES ($1, $2, $3) RETURNING id",
        "INSERT INTO public.orders (note, user_id, total) VALUES ($1, $2, $3) RETURNING id",
        &[NOTE, USER, TOTAL],
    );
    check(
        "UPDATE orders SET total = total + $1, (note, user_id) = ($2, $3) WHERE $4 = id;",
        "UPDATE orders SET total = total + $1, (note, user_id) = ($2, $3) WHERE $4 = id",
        &[TOTAL, NOTE, USER, ORDER],
    );
}

#[test]
fn what_cannot_be_sent_is_left_out_with_its_share_of_calls() {
    let traffic = traffic(&[
        ("BEGIN", 1_000),
        ("SELECT id FROM users WHERE id = $1", 60),
        ("SELECT email FROM users WHERE id = $1", 20),
        ("INSERT INTO orders VALUES ($1, $2, $3, $4)", 10),
        ("SELECT generate_series($1, $2)", 5),
        ("SELECT oid FROM pg_class WHERE relname = $1", 3),
        ("VACUUM users", 1),
        ("SELECT interval $1", 1),
    ]);
    let names: Vec<_> = traffic
        .queries
        .iter()
        .map(|q| (q.name.as_str(), q.weight))
        .collect();
    assert_eq!(
        names,
        [("users select", Some(60.0)), ("users select 2", Some(20.0))]
    );
    let left: Vec<_> = traffic
        .left_out
        .iter()
        .map(|l| (l.why.as_str(), l.share))
        .collect();
    assert_eq!(
        left[0],
        (
            "$1 is for orders.id, where a new row needs a new value",
            0.1
        )
    );
    assert_eq!(
        left[1].0,
        "$1 is neither compared with a column nor put into one"
    );
    assert_eq!(left[2].0, "it asks the system's pg_class");
    assert_eq!(
        left[3].0,
        "it is neither SELECT nor INSERT, UPDATE or DELETE"
    );
    assert_eq!(left.len(), 5, "{left:?}");
}
