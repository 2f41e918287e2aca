//! Scenarios whose dataset is one file.

use super::*;

const DUMP: &str = "--\n-- PostgreSQL database dump\n--\nCREATE TABLE orders (id int);\n";

fn bench(dataset: &str, more: &str) -> Bench {
    let bench = Bench::new(&format!(
        "title = \"t\"\ndataset = {dataset}\n{more}[[steps]]\nwait = \"1s\"\n"
    ));
    bench.write("scenarios/x/prod.sql", DUMP);
    bench.write("scenarios/x/workload.toml", WORKLOAD);
    bench
}

#[test]
fn a_scenario_runs_on_a_dump_or_on_a_schema_alone() {
    let plan = |dataset: &str| {
        let bench = bench(dataset, "");
        let plan = bench.plan(&bench.args());
        plan.seed.dataset
    };
    let dataset = plan("{ snapshot = \"prod.sql\" }");
    assert!(dataset.snapshot().is_some());
    assert_eq!(dataset.name, "prod.sql");
    let dataset = plan("{ schema = \"../../seeds/shop/schema.sql\" }");
    assert!(dataset.snapshot().is_none() && dataset.infer);
}

#[test]
fn what_a_snapshot_cannot_do_is_told() {
    let check = |bench: &Bench, args: &cli::Run, expected: &[&str]| {
        assert_eq!(bench.problems(args), expected);
    };
    let rows = bench("{ snapshot = \"prod.sql\" }", "rows = 5\n");
    let args = cli::Run {
        rows: Some(7),
        ..rows.args()
    };
    check(
        &rows,
        &args,
        &[
            "--rows = 7: a snapshot has the rows that are in it, neither more nor fewer; leave this out, or make \
             the rows: a dataset with `schema` instead of `snapshot`",
            "scenario.toml:3: rows = 5: a snapshot has the rows that are in it, neither more nor fewer; leave this \
             out, or make the rows: a dataset with `schema` instead of `snapshot`",
        ],
    );
    let missing = bench("{ snapshot = \"prod.dump\" }", "");
    check(
        &missing,
        &missing.args(),
        &[
            "scenario.toml:2: dataset.snapshot = \"prod.dump\": no such file: prod.dump; the path is relative to the \
             scenario",
        ],
    );
    let made = bench(
        "{ snapshot = \"prod.sql\" }",
        "[[apps.v1.queries]]\nname = \"q\"\nsql = \"SELECT $1::int\"\nparams = [{ reference = { column = \"orders.id\" } }]\n",
    );
    check(
        &made,
        &made.args(),
        &[
            "scenario.toml:6: apps.v1.queries[0].params[0] = { reference = { column = \"orders.id\" } }: the rows of \
             orders come from a snapshot, which no generator can refer to; take the values from the database: \
             { column = \"orders.id\" }",
        ],
    );
}

#[test]
fn a_dataset_of_another_form_is_told_the_forms() {
    for (written, part) in [
        ("5", "a dataset: \"shop\""),
        ("{ dump = \"x\" }", "unknown"),
        ("{ snapshot = 5 }", "string"),
    ] {
        let bench = bench(written, "");
        let problems = bench.problems(&bench.args());
        assert!(problems[0].contains(part), "{written}: {problems:?}");
    }
}
