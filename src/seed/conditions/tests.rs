//! Generators that checks limit: of one column here, of several below.

mod several;

use super::*;
use crate::seed::generators::GeneratorSpec;
use crate::seed::structure::FilledBy;

/// Columns as `name type`, with ` not null`, and checks as the server writes them.
fn table(columns: &[&str], checks: &[&str]) -> Table {
    let column = |text: &&str| {
        let (text, not_null) = match text.strip_suffix(" not null") {
            Some(text) => (text, true),
            None => (*text, false),
        };
        let (name, ty) = text.split_once(' ').unwrap();
        Column {
            name: name.to_owned(),
            ty: ty_of(ty),
            not_null,
            default: None,
            filled_by: FilledBy::Default,
        }
    };
    Table {
        columns: columns.iter().map(column).collect(),
        checks: checks
            .iter()
            .enumerate()
            .map(|(n, sql)| check_of(n, sql))
            .collect(),
        ..Table::default()
    }
}

fn check_of(n: usize, sql: &str) -> Check {
    Check {
        name: format!("c{n}"),
        sql: sql.to_owned(),
        columns: atom::columns(&Expr::parse(sql)),
    }
}

fn ty_of(text: &str) -> ColumnType {
    let kind = match text.split_once(':') {
        Some(("enum", labels)) => TypeKind::Enum(labels.split('|').map(str::to_owned).collect()),
        Some(("array", of)) => TypeKind::Array(Box::new(ty_of(of))),
        Some(("domain", rest)) => {
            let (of, check) = rest.split_once(':').unwrap();
            TypeKind::Domain {
                of: Box::new(ty_of(of)),
                not_null: false,
                checks: vec![check_of(9, check)],
            }
        }
        Some((name, modifier)) => TypeKind::Base {
            name: name.to_owned(),
            modifier: modifier.parse::<i32>().unwrap() + 4,
        },
        None => TypeKind::Base {
            name: text.to_owned(),
            modifier: -1,
        },
    };
    ColumnType {
        sql: text.to_owned(),
        kind,
    }
}

fn spec(columns: &str) -> TableSpec {
    TableSpec {
        columns: toml::from_str::<BTreeMap<String, GeneratorSpec>>(columns).unwrap(),
        ..TableSpec::default()
    }
}

fn line(column: &str, generator: &GeneratorSpec) -> String {
    let json = serde_json::to_string(generator).unwrap();
    format!("{column} {}", json.replace('"', ""))
}

/// The generators that come out, those that changed, as JSON without quotes; then the cases.
fn narrowed(table: &Table, columns: &str) -> (Vec<String>, Vec<Unmet>) {
    let before = spec(columns);
    let mut after = before.clone();
    let mut why = BTreeMap::new();
    let unmet = narrow(table, &mut after, &BTreeSet::new(), &mut why);
    let mut lines = Vec::new();
    for (column, generator) in &after.columns {
        if before.columns.get(column) != Some(generator) {
            assert!(why[column].contains("CHECK c"), "{why:?}");
            lines.push(line(column, generator));
        }
    }
    for case in &after.cases {
        let changes = case
            .columns
            .iter()
            .map(|(column, generator)| line(column, generator));
        lines.push(changes.collect::<Vec<_>>().join(", "));
    }
    (lines, unmet)
}

fn check(columns: &[&str], sql: &str, described: &str, expected: &[&str]) {
    let (lines, unmet) = narrowed(&table(columns, &[sql]), described);
    assert_eq!(lines, expected, "{sql}");
    assert_eq!(unmet, [], "{sql}");
}

const INT: &str = "x = { int = { min = -5, max = 100 } }";
const TEXT: &str = "x = { text = { min = 0, max = 80 } }";

#[test]
fn numbers_are_limited() {
    let int = ["x int4 not null"];
    check(&int, "(x > 0)", INT, &["x {int:{min:1,max:100}}"]);
    check(
        &int,
        "((x >= 3) AND (x <= 7))",
        INT,
        &["x {int:{min:3,max:7}}"],
    );
    check(&int, "(x >= 1000)", INT, &["x {int:{min:1000,max:1105}}"]);
    check(&int, "(x <> 0)", INT, &["x {int:{min:1,max:100}}"]);
    check(
        &int,
        "(x = ANY (ARRAY[2, 3]))",
        INT,
        &["x {literal:{any:[2,3]}}"],
    );
    check(&int, "(x >= '-5'::integer)", INT, &[]);
    check(&int, "(NOT (x < 0))", INT, &["x {int:{min:0,max:100}}"]);
    let decimal = "x = { decimal = { min = -1.0, max = 50.0 } }";
    check(
        &["x numeric"],
        "(x > (0)::numeric)",
        decimal,
        &["x {decimal:{min:0.01,max:50.0}}"],
    );
    check(
        &["x numeric"],
        "(x <= 0.5)",
        decimal,
        &["x {decimal:{min:-1.0,max:0.5}}"],
    );
    check(&["x int8"], "(x > 0)", "x = { sequence = {} }", &[]);
    check(
        &["x int8"],
        "(x = 1)",
        "x = { sequence = {} }",
        &["x {int:{min:1,max:1}}"],
    );
}

#[test]
fn texts_are_long_enough_and_of_the_form() {
    let text = ["x varchar:40"];
    check(
        &text,
        "(length((x)::text) > 0)",
        TEXT,
        &["x {text:{min:1,max:40}}"],
    );
    check(
        &text,
        "((x)::text <> ''::text)",
        "x = { text = { min = 2, max = 9 } }",
        &[],
    );
    check(
        &text,
        "(char_length((x)::text) = 5)",
        TEXT,
        &["x {text:{min:5,max:5}}"],
    );
    check(
        &text,
        "((x)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))",
        TEXT,
        &["x {choice:{a:1.0,b:1.0}}"],
    );
    check(
        &text,
        "((x)::text = ANY (ARRAY['a'::text, 'z'::text]))",
        "x = { choice = { a = 3, b = 1 } }",
        &["x {choice:{a:3.0,z:1.0}}"],
    );
    check(
        &text,
        "((x)::text ~ '^[A-Z]{3}$'::text)",
        TEXT,
        &["x {pattern:{regex:^[A-Z]{3}$,max:40}}"],
    );
    check(
        &text,
        "((x)::text ~~ '%@%'::text)",
        "x = { email = {} }",
        &[],
    );
    check(
        &text,
        "((x)::text = lower((x)::text))",
        "x = { email = {} }",
        &[],
    );
    check(
        &text,
        "((x)::text = lower((x)::text))",
        "x = { full_name = {} }",
        &["x {pattern:{regex:^[a-z]{6,12}$,max:40}}"],
    );
    check(
        &["x enum:on|off|gone"],
        "(x <> 'gone'::state)",
        "x = { choice = { on = 1, gone = 2 } }",
        &["x {choice:{on:1.0}}"],
    );
}

#[test]
fn other_types_are_limited() {
    check(
        &["x bool"],
        "x",
        "x = { bool = {} }",
        &["x {bool:{true:1.0}}"],
    );
    check(
        &["x bool"],
        "(NOT x)",
        "x = { bool = {} }",
        &["x {bool:{true:0.0}}"],
    );
    check(
        &["x date"],
        "(x >= '2025-03-01'::date)",
        "x = { timestamp = { from = '2024-01-01T00:00:00Z', until = '2025-12-01T00:00:00Z' } }",
        &["x {timestamp:{from:2025-03-01T00:00:00Z,until:2025-12-01T00:00:00Z}}"],
    );
    check(
        &["x jsonb"],
        "(jsonb_typeof(x) = 'array'::text)",
        "x = { json = {} }",
        &[r"x {literal:{any:[[],[1, 2],[\a\, \b\, \c\]]}}"],
    );
    check(
        &["x jsonb"],
        "(jsonb_typeof(x) = 'object'::text)",
        "x = { json = {} }",
        &[],
    );
    check(
        &["x array:text"],
        "(cardinality(x) > 0)",
        "x = { array = { min = 0, max = 3, value = { city = {} } } }",
        &["x {array:{min:1,max:3,value:{city:{}}}}"],
    );
    check(
        &["x array:text"],
        "(x <@ ARRAY['a'::text, 'b'::text])",
        "x = { array = { min = 0, max = 3, value = { city = {} } } }",
        &["x {array:{min:0,max:3,value:{choice:{a:1.0,b:1.0}}}}"],
    );
}

#[test]
fn domains_are_checked_in_columns_and_in_arrays() {
    check(
        &["x domain:int4:(VALUE > 0)"],
        "true",
        INT,
        &["x {int:{min:1,max:100}}"],
    );
    check(
        &["x array:domain:int4:(VALUE > 0)"],
        "true",
        "x = { array = { min = 0, max = 3, value = { int = { min = -5, max = 5 } } } }",
        &["x {array:{min:0,max:3,value:{int:{min:1,max:5}}}}"],
    );
}

#[test]
fn null_is_kept_where_it_may_be_and_avoided_where_not() {
    let sometimes = "x = { nullable = { nulls = 0.5, value = { int = { min = -5, max = 9 } } } }";
    check(
        &["x int4"],
        "(x > 0)",
        sometimes,
        &["x {nullable:{nulls:0.5,value:{int:{min:1,max:9}}}}"],
    );
    check(
        &["x int4"],
        "((x IS NULL) OR (x > 0))",
        sometimes,
        &["x {nullable:{nulls:0.5,value:{int:{min:1,max:9}}}}"],
    );
    check(
        &["x int4"],
        "(x IS NOT NULL)",
        sometimes,
        &["x {int:{min:-5,max:9}}"],
    );
    check(
        &["x int4"],
        "((x > 0) IS TRUE)",
        sometimes,
        &["x {int:{min:1,max:9}}"],
    );
    check(
        &["x int4"],
        "((x > 5) AND (x < 3))",
        sometimes,
        &["x {null:{}}"],
    );
    let (_, unmet) = narrowed(
        &table(&["x int4 not null"], &["((x > 5) AND (x < 3))"]),
        INT,
    );
    assert_eq!(unmet.len(), 1, "{unmet:?}");
    let (_, unmet) = narrowed(&table(&["x int4"], &["false"]), INT);
    assert!(unmet[0].hint.contains("no value can meet it"), "{unmet:?}");
}
