//! A scenario on disk with one mistake after the other.

mod adversaries;
mod repositories;
mod snapshots;

use std::fs;

use super::*;
use crate::migrations::Transaction;
use crate::rehearse::workload::{Migrate, Protocol, QueryKind};

const SCHEMA: &str = "CREATE TABLE orders (id integer PRIMARY KEY, status text);\n";

const DATASET: &str = r#"
about = "orders"
main = "orders"
[tables.orders.columns]
id = { sequence = {} }
status = { choice = { paid = 1, shipped = 1 } }
"#;

const WORKLOAD: &str = r#"
[apps.v1]
owner = "checkout"
[[apps.v1.queries]]
name = "get"
weight = 3
sql = "SELECT id, status FROM orders WHERE id = $1"
params = [{ column = "orders.id", skew = 0.5 }]
[[apps.v1.queries]]
name = "set"
sql = "UPDATE orders SET status = $2 WHERE id = $1"
params = [{ column = "orders.id" }, { choice = { paid = 1 } }]
"#;

const SCENARIO: &str = r#"title = "t"
dataset = "shop"
[[steps]]
migrate = "up.sql"
"#;

/// A directory with one dataset and one scenario.
struct Bench(tempfile::TempDir);

impl Bench {
    fn new(scenario: &str) -> Bench {
        let bench = Bench(tempfile::tempdir().unwrap());
        bench.write("seeds/shop/schema.sql", SCHEMA);
        bench.write("seeds/shop/dataset.toml", DATASET);
        bench.write("seeds/shop/workload.toml", WORKLOAD);
        bench.write("scenarios/x/up.sql", "ALTER TABLE orders ADD note text;\n");
        bench.write("scenarios/x/scenario.toml", scenario);
        bench
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn args(&self) -> cli::Run {
        cli::Run {
            scenarios: vec!["x".to_owned()],
            runs: 1,
            out: self.0.path().join("out"),
            ..Default::default()
        }
    }

    fn plan(&self, args: &cli::Run) -> Plan {
        resolve(self.0.path(), args).unwrap().remove(0)
    }

    /// The problems, with paths from the directory on.
    fn problems(&self, args: &cli::Run) -> Vec<String> {
        let Err(Problems(problems)) = resolve(self.0.path(), args) else {
            return Vec::new();
        };
        let here = format!("{}/", self.0.path().display());
        let problems = problems.iter().map(|p| p.to_string().replace(&here, ""));
        problems.map(|p| p.replace("scenarios/x/", "")).collect()
    }
}

/// The problems of the small scenario with `more` written below it.
fn check(more: &str, expected: &[&str]) {
    let bench = Bench::new(&format!("{SCENARIO}{more}"));
    assert_eq!(bench.problems(&bench.args()), expected, "{more}");
}

#[test]
fn a_small_scenario_is_filled_up_with_defaults() {
    let bench = Bench::new(SCENARIO);
    let plan = bench.plan(&bench.args());
    assert_eq!((plan.name.as_str(), plan.title.as_str()), ("x", "t"));
    assert_eq!((plan.seed.rows, plan.seed.seed), (1_000_000, 42));
    assert_eq!(plan.rehearse.load.arrivals_per_s, 400.0);
    assert_eq!(plan.rehearse.first_app, "v1");
    let kinds: Vec<_> = plan.rehearse.apps["v1"]
        .queries
        .iter()
        .map(|q| q.kind)
        .collect();
    assert_eq!(kinds, [QueryKind::Read, QueryKind::Write]);
    let [Step::Migrate(Migrate { script, .. })] = &plan.rehearse.steps[..] else {
        panic!("{:?}", plan.rehearse.steps);
    };
    assert_eq!(
        (script.name.as_str(), script.transaction),
        ("up.sql", Transaction::WholeFile)
    );
}

#[test]
fn what_is_typed_comes_before_what_is_written() {
    let load = "[load]\nprotocol = \"simple\"\n";
    let bench = Bench::new(&format!("rows = 5\nseed = 6\n{SCENARIO}{load}"));
    let plan = bench.plan(&bench.args());
    assert_eq!((plan.seed.rows, plan.seed.seed), (5, 6));
    assert_eq!(plan.rehearse.load.protocol, Protocol::Simple);
    let args = cli::Run {
        rows: Some(7),
        seed: Some(8),
        protocol: Some(cli::Protocol::Prepared),
        ..bench.args()
    };
    let plan = bench.plan(&args);
    assert_eq!(
        (plan.seed.rows, plan.seed.seed, plan.rehearse.load.seed),
        (7, 8, 8)
    );
    assert_eq!(plan.rehearse.load.protocol, Protocol::Prepared);
}

#[test]
fn mistakes_of_every_sort_are_told_at_once() {
    let text = "title = \"t\"\ndatset = \"shop\"\ndataset = \"shop\"\nrows = 0\n[load]\nconections = 1\narrivals_per_s = 0\nwarmup = \"2\"\n[[steps]]\nmigrate = \"down.sql\"\n[budget]\nhold_ms = -1\n";
    let bench = Bench::new(text);
    let args = cli::Run {
        rows: Some(0),
        runs: 0,
        budget: vec!["hold_m=1".to_owned(), "errors=0".to_owned()],
        ..bench.args()
    };
    assert_eq!(
        bench.problems(&args),
        [
            "--runs = 0: must be at least 1",
            "--rows = 0: must be at least 1",
            "--budget = hold_m=1: unknown key `hold_m`; did you mean `hold_ms`?",
            "scenario.toml:2: datset: unknown key `datset`; did you mean `dataset`?",
            "scenario.toml:6: load.conections: unknown key `conections`; did you mean `connections`?",
            "scenario.toml:8: load.warmup = \"2\": not a duration; write it as \"500ms\", \"2s\" or \"1m\"",
            "scenario.toml:4: rows = 0: must be at least 1",
            "scenario.toml:7: load.arrivals_per_s = 0: must be above 0; leave it out for 400",
            "scenario.toml:10: steps[0].migrate = \"down.sql\": no such file: down.sql; the path is relative to the scenario",
            "scenario.toml:12: budget.hold_ms = -1: a limit is a number from 0",
        ]
    );
}

#[test]
fn a_load_that_cannot_run_is_refused() {
    check(
        "[load]\nconnections = 0\nprotocol = \"simpel\"\nbaseline = \"0s\"\nrecovery = \"40s\"\n",
        &[
            "scenario.toml:7: load.protocol = \"simpel\": unknown name `simpel`; did you mean `simple`?",
            "scenario.toml:6: load.connections = 0: must be at least 1; leave it out for 32",
            "scenario.toml:8: load.baseline = \"0s\": without a baseline there is nothing to compare with; leave it out for 5s",
            "scenario.toml:9: load.recovery = \"40s\": recovery takes at least 40s and at most 30s; make recovery_limit the longer one",
        ],
    );
}

#[test]
fn a_mistake_in_a_dataset_is_told_once() {
    let bench = Bench::new(SCENARIO);
    bench.write("scenarios/y/scenario.toml", SCENARIO);
    bench.write("scenarios/y/up.sql", "SELECT 1");
    bench.write(
        "seeds/shop/workload.toml",
        &WORKLOAD.replace("weight = 3", "weigth = 3"),
    );
    let args = cli::Run {
        scenarios: vec!["x".to_owned(), "y".to_owned()],
        ..bench.args()
    };
    let problems = bench.problems(&args);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains("unknown key `weigth`; did you mean `weight`?"));
}

#[test]
fn steps_that_cannot_be_done_are_refused() {
    check(
        "[[steps]]\ndeploy = \"v3\"\n[[steps]]\nwait = \"1s\"\noverlap = \"1s\"\n[[steps]]\nwait = \"1s\"\nmigrate = \"up.sql\"\n",
        &[
            "scenario.toml:6: steps[1].deploy = \"v3\": no application version `v3`; did you mean `v1`?",
            "scenario.toml:9: steps[2].overlap = \"1s\": only a deploy step has an overlap",
            "scenario.toml:10: steps[3]: a step is exactly one of migrate, deploy and wait",
        ],
    );
    let bench = Bench::new("title = \"t\"\ndataset = \"shop\"\n");
    assert_eq!(
        bench.problems(&bench.args()),
        [
            "scenario.toml: steps: a scenario needs at least one step; write [[steps]] with migrate = \"up.sql\""
        ]
    );
}

#[test]
fn scripts_that_cannot_be_run_are_refused() {
    let bench = Bench::new(SCENARIO);
    bench.write("scenarios/x/up.sql", "-- later\n");
    assert_eq!(
        bench.problems(&bench.args()),
        ["up.sql: it holds no statement; write the migration, or leave the step out"]
    );
    bench.write("scenarios/x/up.sql", "SELECT 1;\nALTER TABEL orders;\n");
    let problems = bench.problems(&bench.args());
    assert!(
        problems[0].starts_with("up.sql:2: not SQL that Postgres understands"),
        "{problems:?}"
    );
    fs::remove_file(bench.0.path().join("scenarios/x/up.sql")).unwrap();
    bench.write("scenarios/x/ups.sql", "SELECT 1");
    assert_eq!(
        bench.problems(&bench.args()),
        [
            "scenario.toml:4: steps[0].migrate = \"up.sql\": no such file: up.sql; did you mean `ups.sql`?"
        ]
    );
}

fn check_query(query: &str, expected: &[&str]) {
    check(
        &format!("[[apps.v1.queries]]\nname = \"q\"\n{query}\n"),
        expected,
    );
}

#[test]
fn queries_that_do_not_fit_the_data_are_refused() {
    check_query(
        "sql = \"\"\"\nSELECT id\nFROM orders WHERE stats = 1\"\"\"",
        &[
            "scenario.toml:9: apps.v1.queries[0].sql: no column `stats` in orders; did you mean `status`?",
        ],
    );
    check_query(
        "sql = \"SELECT 1 FROM users\"",
        &["scenario.toml:7: apps.v1.queries[0].sql: no table `users` in the dataset"],
    );
    check_query(
        "sql = \"SELECT * FROM orders WHERE id = $1\"\nparams = [{ column = \"users.id\" }]",
        &[
            "scenario.toml:8: apps.v1.queries[0].params[0].column = \"users.id\": no table `users` in the dataset",
        ],
    );
    check_query(
        "sql = \"SELECT * FROM orders WHERE id = $1\"\nparams = [{ column = \"orders.ids\", skew = -1 }]",
        &[
            "scenario.toml:8: apps.v1.queries[0].params[0].skew = -1: a skew is a number from 0, seldom above 1",
            "scenario.toml:8: apps.v1.queries[0].params[0].column = \"orders.ids\": no column `ids` in table `orders`; did you mean `id`?",
        ],
    );
    check_query(
        "sql = \"SELECT $1::int\"\nparams = [{ itn = { min = 1, max = 2 } }]",
        &["scenario.toml:8: apps.v1.queries[0].params[0]: unknown name `itn`; did you mean `int`?"],
    );
}

#[test]
fn queries_that_cannot_be_run_are_refused() {
    check_query(
        "sql = \"SELEC 1\"",
        &[
            "scenario.toml:7: apps.v1.queries[0].sql: not SQL that Postgres understands: expected command, found IDENT",
        ],
    );
    check_query(
        "sql = \"SELECT $1::int, $3::int\"\nparams = [{ column = \"orders.id\" }]",
        &[
            "scenario.toml:7: apps.v1.queries[0].sql: the SQL uses $3, but 1 parameters are given; add to `params`",
        ],
    );
    check_query(
        "sql = \"SELECT 1\"\nparams = [{ column = \"orders.id\" }]",
        &[
            "scenario.toml:7: apps.v1.queries[0].sql: the SQL does not use $1, for which a parameter is given; leave it out of `params`",
        ],
    );
    check_query(
        "weight = 0\nsql = \"SELECT 1\"",
        &[
            "scenario.toml:5: apps.v1.queries: the weights sum to zero: no query would ever come; give at least one query a weight above 0",
        ],
    );
    check_query(
        "weight = -1\nsql = \"SELECT 1\"\n[[apps.v1.queries]]\nname = \"q\"\nsql = \"SELECT 2\"",
        &[
            "scenario.toml:7: apps.v1.queries[0].weight = -1: a weight is a number from 0",
            "scenario.toml:10: apps.v1.queries[1].name = \"q\": two queries of this version share the name",
        ],
    );
}

#[test]
fn a_version_has_the_queries_of_the_one_it_extends() {
    let v2 = "[apps.v2]\nextends = \"v1\"\n[[apps.v2.queries]]\nname = \"get\"\nsql = \"SELECT id, note FROM orders\"\n";
    let bench = Bench::new(&format!("{SCENARIO}[[steps]]\ndeploy = \"v2\"\n{v2}"));
    let plan = bench.plan(&bench.args());
    let app = &plan.rehearse.apps["v2"];
    let names: Vec<_> = app
        .queries
        .iter()
        .map(|q| (q.name.as_str(), q.weight))
        .collect();
    assert_eq!(names, [("get", 1.0), ("set", 1.0)]);
    assert_eq!(app.queries[0].sql, "SELECT id, note FROM orders");
    assert_eq!(app.owner.as_deref(), Some("checkout"));
}

#[test]
fn a_version_cannot_extend_a_stranger_or_itself() {
    check(
        "[apps.v2]\nextends = \"v1x\"\n[apps.v3]\nextends = \"v4\"\n[apps.v4]\nextends = \"v3\"\n",
        &[
            "scenario.toml:6: apps.v2.extends = \"v1x\": no application version `v1x`; did you mean `v1`?",
            "scenario.toml:5: apps.v2: this version has no queries",
            "scenario.toml:8: apps.v3.extends = \"v4\": a version cannot extend itself, nor in a circle",
            "scenario.toml:7: apps.v3: this version has no queries",
            "scenario.toml:10: apps.v4.extends = \"v3\": a version cannot extend itself, nor in a circle",
            "scenario.toml:9: apps.v4: this version has no queries",
        ],
    );
}

#[test]
fn a_dataset_or_first_version_that_is_not_there_is_told() {
    let bench = Bench::new(&SCENARIO.replace("shop", "shp"));
    assert_eq!(
        bench.problems(&bench.args()),
        ["scenario.toml:2: dataset = \"shp\": no such dataset; did you mean `shop`?"]
    );
    let bench = Bench::new(SCENARIO);
    fs::remove_file(bench.0.path().join("seeds/shop/workload.toml")).unwrap();
    let problems = bench.problems(&bench.args());
    assert!(
        problems[0].contains("apps.v1: no application version `v1`"),
        "{problems:?}"
    );
    assert_eq!(problems.len(), 1);
}

#[test]
fn the_hash_follows_what_is_rehearsed_and_not_what_is_allowed() {
    let hash = |more: &str, script: &str| {
        let bench = Bench::new(&format!("{SCENARIO}{more}"));
        bench.write("scenarios/x/up.sql", script);
        bench.plan(&bench.args()).hash
    };
    let plain = hash("", "SELECT 1");
    assert_eq!(
        plain,
        hash("[budget]\nerrors = 0\n", "-- a comment\nSELECT 1;\n")
    );
    assert_ne!(plain, hash("", "SELECT 2"));
    assert_ne!(plain, hash("[load]\nconnections = 3\n", "SELECT 1"));
}

#[test]
fn the_shipped_scenarios_are_without_mistake() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let args = cli::Run {
        all: true,
        runs: 1,
        out: "rehearsals".into(),
        ..Default::default()
    };
    let plans = resolve(root, &args).unwrap_or_else(|problems| panic!("{problems}"));
    assert!(plans.len() >= 9, "{}", plans.len());
    for plan in plans {
        assert!(
            plan.about.len() > 100,
            "{} says too little of itself",
            plan.name
        );
    }
}
