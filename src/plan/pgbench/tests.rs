//! Scripts as pgbench takes them.

use super::*;

fn script(text: &str) -> Script {
    let read = read(Path::new("bench/tpcb.sql"), text, 3.0);
    read.unwrap_or_else(|problems| panic!("{problems}"))
}

/// The parameters as a workload file has them.
fn params(query: &QueryFile) -> Vec<String> {
    query
        .params
        .iter()
        .map(crate::seed::explain::inline)
        .collect()
}

#[track_caller]
fn refuses(text: &str, expected: &str) {
    let problems = read(Path::new("b.sql"), text, 1.0).unwrap_err();
    let said = problems.to_string();
    assert!(said.contains(expected), "{said}");
}

#[test]
fn the_built_in_script_becomes_five_queries() {
    let script = script(
        "\\set aid random(1, 100000 * :scale)
\\set bid random(1, 1 * :scale)
\\set delta random(-5000, 5000)
BEGIN;
UPDATE pgbench_accounts SET abalance = abalance + :delta WHERE aid = :aid;
SELECT abalance FROM pgbench_accounts WHERE aid = :aid;
UPDATE pgbench_tellers SET tbalance = tbalance + :delta WHERE tid = :bid;
UPDATE pgbench_branches SET bbalance = bbalance + :delta WHERE bid = :bid;
INSERT INTO pgbench_history (bid, aid, delta, mtime) VALUES (:bid, :aid, :delta, CURRENT_TIMESTAMP);
END;
",
    );
    assert_eq!(script.queries.len(), 5);
    let update = &script.queries[0];
    assert_eq!((update.name.as_str(), update.weight), ("tpcb 1", Some(3.0)));
    assert_eq!(
        update.sql,
        "UPDATE pgbench_accounts SET abalance = abalance + $1::integer WHERE aid = $2::integer"
    );
    assert_eq!(
        params(update),
        [
            "{ int = { min = -5000, max = 5000 } }",
            "{ int = { min = 1, max = 100000 } }"
        ]
    );
    assert_eq!(script.notes.len(), 2);
    assert!(script.notes[0].starts_with("bench/tpcb.sql:4: its transactions are left out"));
    assert!(script.notes[1].contains(":scale is 1"));
}

#[test]
fn variables_are_found_where_pgbench_sees_values_and_nowhere_else() {
    let script = script(
        "\\set n 3 + 4 \\
   * 2
\\set big random(1, 5000000000)
-- :comment; SELECT 1;
SELECT ':n;', \"a:n\", $$ :n $$, E'\\':n', x[1:2], now()::text /* :n */ FROM t
  WHERE id = :big OR id = :big + :n",
    );
    let [query] = &script.queries[..] else {
        panic!("{:?}", script.queries)
    };
    assert_eq!(
        query.sql,
        "SELECT ':n;', \"a:n\", $$ :n $$, E'\\':n', x[1:2], now()::text   FROM t\n  \
         WHERE id = $1::bigint OR id = $1::bigint + 11"
    );
    assert_eq!((query.name.as_str(), query.params.len()), ("tpcb", 1));
}

#[test]
fn each_distribution_becomes_the_nearest_generator() {
    let script = script(
        "\\set z random_zipfian(1, 10, 1.2)
\\set g random_gaussian(1, 99, 2.5)
\\set e random_exponential(1, 100, 5.0)
SELECT :z, :g, :e;",
    );
    let params = params(&script.queries[0]);
    assert_eq!(params[0], "{ int = { min = 1, max = 10, skew = 1.2 } }");
    assert_eq!(
        params[1],
        "{ normal = { mean = 50.0, deviation = 19.8, min = 1.0, max = 99.0 } }"
    );
    assert!(
        params[2].starts_with("{ mix = [{ weight = "),
        "{}",
        params[2]
    );
    let Param::Made(spec) = &script.queries[0].params[2] else {
        panic!("it is made")
    };
    let tables = std::collections::BTreeMap::new();
    let context = crate::seed::Context {
        tables: &tables,
        rows: std::collections::BTreeMap::new(),
        seed: 1,
        is_snapshot: false,
    };
    let generator = spec.build(&context.free("x")).unwrap();
    let mut scratch = crate::seed::Scratch::default();
    let mut low = 0;
    for row in 0..1_000 {
        match generator.value(row, &mut scratch) {
            crate::seed::Value::Int(n @ 1..=100) => low += usize::from(n <= 20),
            other => panic!("{other:?}"),
        }
    }
    // 1 - e^-1 of all, over 1 - e^-5.
    assert!((580..690).contains(&low), "{low}");
}

#[test]
fn what_cannot_be_done_is_refused_by_name_and_line() {
    refuses(
        "SELECT 1;\n\\sleep 10 ms\n",
        "b.sql:2: \\sleep has no place",
    );
    refuses("SELECT 1 AS a \\gset", "b.sql:1: \\gset has no place");
    refuses("SELECT 1 AS a\n\\gset\n", "b.sql:2: \\gset has no place");
    refuses("\\if :x\nSELECT 1;\n\\endif", "b.sql:3: \\endif");
    refuses(
        "\\set x random(1, 9) * 2\nSELECT :x;",
        "b.sql:1: \\set x: a random number",
    );
    refuses(
        "\\set x hash(1)\nSELECT :x;",
        "b.sql:1: \\set x: hash with 1 arguments",
    );
    refuses("\\set x random(9, 1)\nSELECT :x;", "the lower one first");
    refuses(
        "SELECT 1;\n\nSELECT :y;",
        "b.sql:3: the variable :y is not set",
    );
    refuses("SELECT 1;\nSELEC 2;", "b.sql:2: not SQL");
    refuses("BEGIN;\nEND;", "it holds no statement");
}

#[test]
fn a_weight_comes_after_the_file() {
    for (argument, file, weight) in [
        ("a.sql@5", "a.sql", 5.0),
        ("a.sql", "a.sql", 1.0),
        ("me@home/a.sql", "me@home/a.sql", 1.0),
    ] {
        assert_eq!(file_and_weight(argument), (file.into(), weight));
    }
}
