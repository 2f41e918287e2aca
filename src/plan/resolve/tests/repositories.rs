//! A repository on disk: what of its migrations is rehearsed, on what, and each mistake with its place.

use super::Bench;
use crate::cli;
use crate::plan::Plan;
use crate::rehearse::workload::Step;
use crate::seed::Source;

/// Three migrations in goose's layout.
fn repository() -> Bench {
    let bench = Bench::new("");
    for (name, sql) in [
        ("1_users", "CREATE TABLE users (id int PRIMARY KEY);"),
        ("2_orders", "CREATE TABLE orders (id int PRIMARY KEY);"),
        ("3_note", "ALTER TABLE orders ADD note text;"),
    ] {
        let text = format!("-- +goose Up\n{sql}\n-- +goose Down\nSELECT 1;\n");
        bench.write(&format!("db/migrations/{name}.sql"), &text);
    }
    bench
}

fn args(repository: cli::Repository) -> cli::Run {
    cli::Run {
        runs: 1,
        out: "rehearsals".into(),
        repository,
        ..cli::Run::default()
    }
}

fn migrations() -> cli::Repository {
    cli::Repository {
        migrations: Some("db/migrations".into()),
        ..cli::Repository::default()
    }
}

fn plan(bench: &Bench, repository: cli::Repository) -> Plan {
    let mut plans = super::resolve(bench.0.path(), &args(repository)).unwrap();
    assert_eq!(plans.len(), 1);
    plans.remove(0)
}

fn problems(bench: &Bench, repository: cli::Repository) -> String {
    let problems = super::resolve(bench.0.path(), &args(repository)).unwrap_err();
    problems.to_string()
}

/// The scripts that are rehearsed, and the versions that are deployed.
fn steps(plan: &Plan) -> Vec<&str> {
    let name = |step: &'_ Step| match step {
        Step::Migrate(migrate) => migrate.script.name.clone().leak() as &str,
        Step::Command(command) => command.line.clone().leak(),
        Step::Deploy { app, .. } => app.clone().leak(),
        Step::Wait(_) => "wait",
    };
    plan.rehearse.steps.iter().map(name).collect()
}

/// The names of what runs before and after the tables are filled.
fn base(plan: &Plan) -> (Vec<&str>, Vec<&str>) {
    let Source::Migrations(migrations) = &plan.seed.dataset.source else {
        panic!("{:?}", plan.seed.dataset.source);
    };
    let names = |parts: &'_ [crate::migrations::Part]| -> Vec<&'static str> {
        let name = |part: &crate::migrations::Part| part.name.clone().leak() as &'static str;
        parts.iter().map(name).collect()
    };
    (names(&migrations.before), names(&migrations.after))
}

#[test]
fn the_newest_migration_is_rehearsed_on_what_those_before_make() {
    let plan = plan(&repository(), migrations());
    assert_eq!(plan.name, "3_note");
    assert_eq!(steps(&plan), ["3_note.sql", "v2"]);
    assert_eq!(base(&plan), (vec!["1_users.sql", "2_orders.sql"], vec![]));
    assert!(plan.derived.is_some() && plan.seed.dataset.infer);
}

#[test]
fn rows_go_through_what_comes_after_the_version_to_fill_at() {
    let repository = repository();
    let at = |version: &str| cli::Repository {
        seed_at: Some(version.to_owned()),
        ..migrations()
    };
    let (before, after) = (vec!["1_users.sql"], vec!["2_orders.sql"]);
    assert_eq!(base(&plan(&repository, at("1"))), (before, after));
    // The rehearsed one does not come before itself.
    assert_eq!(
        problems(&repository, at("3")),
        "--seed-at = 3: no migration before has this version; there are: 1, 2"
    );
}

#[test]
fn the_file_says_what_is_not_typed() {
    let bench = repository();
    bench.write(
        "pgrehearse.toml",
        "migrations = \"db/migrations\"\nrows = 5\nretries = 2\nlock_timeout_ms = 50\n[budget]\nerrors = 0\n",
    );
    let plan_of = |repository| plan(&bench, repository);
    let written = plan_of(cli::Repository::default());
    assert_eq!((written.seed.rows, written.budget.errors), (5, Some(0)));
    let Step::Migrate(migrate) = &written.rehearse.steps[0] else {
        panic!("{:?}", written.rehearse.steps);
    };
    assert_eq!(migrate.retries, 2);
    bench.write("schema.sql", "CREATE TABLE orders (id int PRIMARY KEY);");
    let typed = plan_of(cli::Repository {
        base: Some("schema.sql".into()),
        ..cli::Repository::default()
    });
    assert!(matches!(typed.seed.dataset.source, Source::Schema { .. }));
}

#[test]
fn a_workload_of_ones_own_takes_the_place_of_the_derived_one() {
    let bench = repository();
    let app = "[apps.v1]\n[[apps.v1.queries]]\nname = \"q\"\nsql = \"SELECT 1\"\n";
    bench.write("own.toml", app);
    bench.write("a.sql", "\\set id random(1, 9)\nSELECT :id;\n");
    bench.write("b.sql", "BEGIN;\nSELECT 2;\nEND;\n");
    let with = |files: &[&str]| cli::Repository {
        workload: files.iter().map(ToString::to_string).collect(),
        ..migrations()
    };
    let own = plan(&bench, with(&["own.toml"]));
    // It has one version, so there is none to deploy.
    assert_eq!(
        (steps(&own), own.derived.is_none()),
        (vec!["3_note.sql"], true)
    );
    let scripts = plan(&bench, with(&["a.sql@3", "b.sql"]));
    let queries = &scripts.rehearse.apps["v1"].queries;
    let weights: Vec<f64> = queries.iter().map(|query| query.weight).collect();
    assert_eq!(weights, [3.0, 1.0], "{queries:?}");
    assert!(scripts.about.contains("b.sql: "), "{}", scripts.about);
    let problem = problems(&bench, with(&["gone.toml"]));
    assert!(
        problem.starts_with("--workload = gone.toml: cannot read it"),
        "{problem}"
    );
}

#[test]
fn a_command_needs_to_be_told_what_it_finds() {
    let bench = repository();
    let command = cli::Repository {
        command: Some("make migrate".to_owned()),
        ..cli::Repository::default()
    };
    let problem = problems(&bench, command.clone());
    assert!(
        problem.contains("give --base, a schema or a dump"),
        "{problem}"
    );
    let plan = plan(
        &bench,
        cli::Repository {
            migrations: Some("db/migrations".into()),
            ..command
        },
    );
    assert_eq!(plan.name, "make-migrate");
    assert_eq!(steps(&plan), ["make migrate", "v2"]);
}

#[test]
fn what_is_not_there_is_named() {
    let bench = repository();
    for (repository, expected) in [
        (
            cli::Repository {
                migrations: Some("gone".into()),
                ..cli::Repository::default()
            },
            "--migrations = gone: no such directory",
        ),
        (
            cli::Repository {
                layout: Some("gose".to_owned()),
                ..migrations()
            },
            "--layout = gose: no such layout; did you mean `goose`?",
        ),
        (
            cli::Repository {
                base: Some("gone.sql".into()),
                ..migrations()
            },
            "--base = gone.sql: no such file",
        ),
        (
            cli::Repository {
                since: Some("main".to_owned()),
                ..migrations()
            },
            "--since = main: ",
        ),
    ] {
        let problem = problems(&bench, repository);
        assert!(problem.starts_with(expected), "{problem}");
    }
    // A scenario that is named has nothing to do with the repository's file.
    bench.write("pgrehearse.toml", "migrations = \"gone\"\n");
    let named = cli::Run {
        scenarios: vec!["nothing".to_owned()],
        ..args(cli::Repository::default())
    };
    let problem = super::resolve(bench.0.path(), &named)
        .unwrap_err()
        .to_string();
    assert!(problem.starts_with("SCENARIO = nothing"), "{problem}");
    let none = Bench::new("");
    let problem = problems(&none, cli::Repository::default());
    assert!(problem.contains("there is no pgrehearse.toml"), "{problem}");
}
