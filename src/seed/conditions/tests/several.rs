//! Checks over several columns, or with several ways to meet them.

use std::collections::{BTreeMap, BTreeSet};

use super::{INT, check, narrow, narrowed, spec, table};

#[test]
fn columns_come_in_order() {
    let times = "a = { timestamp = { from = '2024-01-01T00:00:00Z', until = '2025-12-01T00:00:00Z' } }
                 b = { timestamp = { from = '2024-01-01T00:00:00Z', until = '2025-12-01T00:00:00Z' } }";
    let columns = ["a timestamptz", "b timestamptz"];
    check(
        &columns,
        "(b > a)",
        times,
        &["b {after:{column:a,min_s:1,max_s:2592000}}"],
    );
    check(
        &columns,
        "((b IS NULL) OR (a <= b))",
        times,
        &["b {after:{column:a,max_s:2592000}}"],
    );
    let numbers = "a = { int = { min = 0, max = 100 } }\nb = { int = { min = 0, max = 100 } }";
    let columns = ["a int4", "b int4"];
    check(
        &columns,
        "(a < b)",
        numbers,
        &["a {int:{min:0,max:50}}", "b {int:{min:51,max:100}}"],
    );
    check(
        &columns,
        "(a <> b)",
        numbers,
        &["a {int:{min:0,max:50}}", "b {int:{min:51,max:100}}"],
    );
    check(&columns, "(a = b)", numbers, &["b {same:{column:a}}"]);
}

#[test]
fn what_leaves_a_choice_becomes_cases() {
    let two = "a = { nullable = { nulls = 0.2, value = { int = { min = 1, max = 9 } } } }
               b = { nullable = { nulls = 0.2, value = { int = { min = 1, max = 9 } } } }";
    let columns = ["a int4", "b int4"];
    let (a, b) = ("a {int:{min:1,max:9}}", "b {int:{min:1,max:9}}");
    let one_of_two = [
        format!("{a}, b {{null:{{}}}}"),
        format!("a {{null:{{}}}}, {b}"),
    ];
    for sql in [
        "(num_nonnulls(a, b) = 1)",
        "((a IS NULL) <> (b IS NULL))",
        "(((a IS NULL) AND (b IS NOT NULL)) OR ((a IS NOT NULL) AND (b IS NULL)))",
    ] {
        let (mut lines, unmet) = narrowed(&table(&columns, &[sql]), two);
        lines.sort_by_key(|line| line.starts_with("a {null"));
        assert_eq!(lines, one_of_two, "{sql}");
        assert_eq!(unmet, []);
    }
    let states = "state = { choice = { open = 1, paid = 2 } }
                  paid_at = { null = {} }";
    let (lines, _) = narrowed(
        &table(
            &["state text not null", "paid_at timestamptz"],
            &["((state = 'paid'::text) = (paid_at IS NOT NULL))"],
        ),
        states,
    );
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[0].contains("state {choice:{paid:2.0}}") && lines[0].contains("paid_at {timestamp"),
        "{lines:?}"
    );
    assert_eq!(lines[1], "state {choice:{open:1.0}}");
    // One column alone is mixed.
    check(
        &["x int4"],
        "((x = 3) OR ((x >= 10) AND (x <= 12)))",
        INT,
        &[
            "x {mix:[{weight:1.0,value:{int:{min:3,max:3}}},{weight:1.0,value:{int:{min:10,max:12}}}]}",
        ],
    );
    // A way that needs no change is enough.
    check(
        &["x int4", "y int4"],
        "((x > 1000) OR (y > 0))",
        "x = { int = { min = 1, max = 2 } }\ny = { int = { min = 1, max = 2 } }",
        &[],
    );
}

#[test]
fn what_the_user_wrote_stays_and_what_is_wrong_with_it_is_told() {
    let table = table(&["x int4"], &["(x > 0)"]);
    let mut after = spec(INT);
    let fixed = BTreeSet::from(["x".to_owned()]);
    let unmet = narrow(&table, &mut after, &fixed, &mut BTreeMap::new());
    assert_eq!(after, spec(INT));
    assert_eq!(
        (unmet[0].check.as_str(), unmet[0].sql.as_str()),
        ("c0", "(x > 0)")
    );
    assert!(unmet[0].hint.contains("written for x"), "{unmet:?}");
}
