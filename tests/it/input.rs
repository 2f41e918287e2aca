//! Mistakes in arguments and files, as a user meets them: an exit code and a message that says what to do.

use std::net::TcpListener;
use std::path::Path;

use crate::support::pgrehearse;

/// What the command said on stderr, and its exit code.
fn said(arguments: &[&str]) -> (i32, String) {
    let output = pgrehearse().args(arguments).output().unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// The arguments are refused with this code, and the message has all of this in it.
fn refused(arguments: &[&str], code: i32, words: &[&str]) {
    let (actual, stderr) = said(arguments);
    assert_eq!(actual, code, "{stderr}");
    for word in words {
        assert!(stderr.contains(word), "{word:?} is not in: {stderr}");
    }
}

/// A scenario of its own in a directory, made from `scenario.toml` and `up.sql`.
fn scenario(toml: &str, script: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("scenario.toml"), toml).unwrap();
    std::fs::write(dir.path().join("up.sql"), script).unwrap();
    dir
}

fn path(dir: &tempfile::TempDir) -> &str {
    dir.path().to_str().unwrap()
}

#[test]
fn every_mistake_in_a_scenario_is_told_at_once_with_its_place() {
    let toml = "title = \"x\"\ndataset = \"shop\"\nrowz = 5\n[load]\nconections = 4\narrivals_per_s = \"many\"\n\
                [[steps]]\nmigrate = \"gone.sql\"\n";
    let dir = scenario(toml, "");
    refused(
        &["explain", path(&dir)],
        2,
        &[
            "scenario.toml:3",
            "rowz",
            "did you mean",
            "scenario.toml:5",
            "`connections`",
            "scenario.toml:6",
            "\"many\"",
            "scenario.toml:8",
            "gone.sql",
        ],
    );
}

#[test]
fn a_query_that_names_a_missing_column_is_refused_before_anything_starts() {
    let toml = "title = \"x\"\ndataset = \"shop\"\n[[steps]]\nmigrate = \"up.sql\"\n\
                [apps.v1]\nqueries = [{ name = \"q\", sql = \"SELECT statuss FROM orders WHERE id = $1\", params = [{ column = \"orderz.id\" }] }]\n";
    let dir = scenario(toml, "SELECT 1;");
    refused(
        &["run", path(&dir), "--out", path(&dir)],
        2,
        &["scenario.toml:6", "statuss", "status", "orderz"],
    );
}

#[test]
fn a_made_parameter_that_has_no_value_is_refused_before_anything_starts() {
    let query = |params: &str| {
        format!(
            "[[apps.v1.queries]]\nname = \"q\"\nsql = \"SELECT $1::int\"\nparams = [{params}]\n"
        )
    };
    let toml = format!(
        "title = \"x\"\ndataset = \"shop\"\n[[steps]]\nmigrate = \"up.sql\"\n{}{}",
        query("{ int = { min = 5, max = 1 } }"),
        query("{ reference = { column = \"orderz.id\" } }").replace("v1", "v2"),
    );
    let dir = scenario(&toml, "SELECT 1;");
    refused(
        &["run", path(&dir), "--out", path(&dir)],
        2,
        &[
            "scenario.toml:8: apps.v1.queries[0].params[0] = { int = { min = 5, max = 1 } }: min = 5 is above max = 1",
            "scenario.toml:12: apps.v2.queries[0].params[0]",
            "the dataset has no table orderz; did you mean `orders`?",
        ],
    );
}

/// A dataset with one mistake, as `explain` tells it.
fn mistaken_dataset(generators: &str, words: &[&str]) {
    let toml = "title = \"x\"\ndataset = \"./data\"\n[[steps]]\nmigrate = \"up.sql\"\n";
    let dir = scenario(toml, "SELECT 1;");
    let data = dir.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let schema = "CREATE TABLE people (id int PRIMARY KEY, boss_id int, name text NOT NULL);";
    std::fs::write(data.join("schema.sql"), schema).unwrap();
    let description = format!(
        "about = \"x\"\nmain = \"people\"\n[tables.people.columns]\nid = {{ sequence = {{}} }}\n{generators}"
    );
    std::fs::write(data.join("dataset.toml"), description).unwrap();
    refused(&["explain", path(&dir)], 2, words);
}

#[test]
fn an_unknown_generator_is_told_with_its_place_and_the_one_that_is_meant() {
    mistaken_dataset(
        "name = { ful_name = {} }\nboss_id = { int = { min = 1, max = 9, skev = 1 } }\n",
        &[
            "data/dataset.toml:5: tables.people.columns.name: unknown name `ful_name`; did you mean `full_name`?",
            "data/dataset.toml:6: tables.people.columns.boss_id.int.skev: unknown key `skev`; did you mean `skew`?",
        ],
    );
}

#[test]
fn a_reference_to_a_missing_table_is_told_with_its_place_and_the_one_that_is_meant() {
    mistaken_dataset(
        "name = { full_name = {} }\nboss_id = { reference = { column = \"peeple.id\" } }\n",
        &[
            "data/dataset.toml:6: tables.people.columns.boss_id = { reference = { column = \"peeple.id\" } }: \
             the dataset has no table peeple; did you mean `people`?",
        ],
    );
}

#[test]
fn an_empty_script_and_one_that_is_no_sql_are_refused_with_their_line() {
    let toml = "title = \"x\"\ndataset = \"shop\"\n[[steps]]\nmigrate = \"up.sql\"\n";
    refused(
        &["explain", path(&scenario(toml, "-- nothing\n"))],
        2,
        &["up.sql", "no statement"],
    );
    refused(
        &[
            "explain",
            path(&scenario(toml, "SELECT 1;\nALTER TABEL x;\n")),
        ],
        2,
        &["up.sql:2"],
    );
}

#[test]
fn no_rows_and_an_unknown_scenario_and_a_mistyped_limit_are_refused() {
    refused(
        &["explain", "create-index", "--rows", "0"],
        2,
        &["--rows", "at least 1"],
    );
    refused(
        &["explain", "create-indx"],
        2,
        &["create-indx", "create-index"],
    );
    refused(
        &["explain", "create-index", "--budget", "blocked_querys=1"],
        2,
        &["blocked_querys", "blocked_queries"],
    );
}

#[test]
fn more_rows_than_the_disk_holds_are_refused_with_the_figure() {
    let out = tempfile::tempdir().unwrap();
    // 10^12 orders need about 0.7 PB, and the run a copy.
    let arguments = [
        "run",
        "create-index",
        "--rows",
        "1000000000000",
        "--out",
        path(&out),
    ];
    refused(&arguments, 3, &["--rows 1000000000000", "PB", "are free"]);
}

#[test]
fn an_out_directory_that_cannot_be_written_is_refused_before_anything_starts() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    refused(
        &["run", "create-index", "--out", file.to_str().unwrap()],
        2,
        &["--out", "file"],
    );
}

#[test]
fn a_port_in_use_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let out = tempfile::tempdir().unwrap();
    let arguments = [
        "run",
        "create-index",
        "--rows",
        "1000",
        "--port",
        &port,
        "--out",
        path(&out),
    ];
    refused(&arguments, 3, &[&port, "in use"]);
}

#[test]
fn a_password_in_a_url_is_never_printed() {
    let out = tempfile::tempdir().unwrap();
    let url = "postgres://someone:hunter2@127.0.0.1:1/app";
    let (code, stderr) = said(&["run", "create-index", "--url", url, "--out", path(&out)]);
    assert!(code == 2 || code == 3, "{stderr}");
    assert!(!stderr.contains("hunter2"), "{stderr}");
    for entry in walk(out.path()) {
        assert!(
            !std::fs::read_to_string(&entry).unwrap().contains("hunter2"),
            "{}",
            entry.display()
        );
    }
}

#[test]
fn a_report_of_a_newer_version_names_both_versions() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("report.json");
    std::fs::write(
        &file,
        r#"{ "schema_version": 99, "tool_version": "7.0.0" }"#,
    )
    .unwrap();
    refused(
        &["report", file.to_str().unwrap()],
        2,
        &["99", "7.0.0", "1"],
    );
    refused(&["report", "no-such-file.json"], 2, &["no-such-file.json"]);
    std::fs::write(&file, "{}").unwrap();
    refused(
        &["compare", file.to_str().unwrap(), file.to_str().unwrap()],
        2,
        &["report.json"],
    );
}

#[test]
fn the_shipped_scenarios_are_listed_explained_and_have_schemas() {
    let print = |arguments: &[&str]| {
        let output = pgrehearse().args(arguments).output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(0),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    let list = print(&["run", "--list"]);
    for name in std::fs::read_dir("scenarios")
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
    {
        assert!(list.contains(name.to_str().unwrap()), "{list}");
    }
    let plans = print(&["explain", "--all"]);
    assert!(
        plans.lines().all(|line| line.chars().count() <= 80),
        "{plans}"
    );
    for of in ["scenario", "dataset", "report", "comparison"] {
        let schema: serde_json::Value = serde_json::from_str(&print(&["schema", of])).unwrap();
        assert!(schema["properties"].is_object(), "{of}");
    }
}

fn walk(dir: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                walk(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

#[test]
fn a_server_older_than_supported_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let bindir = tempfile::tempdir().unwrap();
    for program in ["postgres", "initdb"] {
        let program = bindir.path().join(program);
        std::fs::write(&program, "#!/bin/sh\necho 'postgres (PostgreSQL) 12.22'\n").unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let out = tempfile::tempdir().unwrap();
    refused(
        &[
            "run",
            "create-index",
            "--bindir",
            path(&bindir),
            "--out",
            path(&out),
        ],
        2,
        &["12", "13"],
    );
    refused(
        &["explain", "create-index", "--postgres", "12"],
        2,
        &["--postgres", "12", "13"],
    );
}
