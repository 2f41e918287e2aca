//! Two scenarios in turns, what is said of the difference, and the machine's own noise.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use pgrehearse::compare::{Change, Comparison};
use pgrehearse::report::{Outcome, Report};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::pgrehearse;

/// Scenarios of a second's phases, each a script, with a directory for what is written.
struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn new(scenarios: &[(&str, &str)]) -> Bench {
        let dir = tempfile::Builder::new()
            .prefix("turns")
            .tempdir()
            .expect("a temporary directory");
        let toml = "title = 'turns'\ndataset = 'shop'\nrows = 5000\n\
                    [load]\narrivals_per_s = 100\nconnections = 12\nwarmup = '200ms'\nbaseline = '500ms'\n\
                    recovery = '500ms'\nrecovery_limit = '5s'\n[[steps]]\nmigrate = 'up.sql'\n";
        for (name, script) in scenarios {
            let scenario = dir.path().join(name);
            std::fs::create_dir(&scenario).unwrap();
            std::fs::write(scenario.join("scenario.toml"), toml).unwrap();
            std::fs::write(scenario.join("up.sql"), script).unwrap();
        }
        Bench { dir }
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    /// The exit code, and what was said on stderr.
    fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = pgrehearse().args(self.arguments(arguments)).output();
        let output = output.expect("it starts");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), stderr)
    }

    fn arguments(&self, arguments: &[&str]) -> Vec<String> {
        let out = self.path("out");
        let always = ["--provider", "local", "--out", &out];
        let all = arguments.iter().chain(&always);
        all.map(ToString::to_string).collect()
    }

    fn report(&self, path: &str) -> Report {
        Report::read(&self.written(path)).expect("it is a report")
    }

    fn comparison(&self, path: &str) -> Comparison {
        serde_json::from_str(&self.written(path)).expect("it is a comparison")
    }

    fn written(&self, path: &str) -> String {
        let path = self.dir.path().join("out").join(path);
        let text = std::fs::read_to_string(&path);
        text.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}

const GENTLE: &str = "ALTER TABLE orders ADD COLUMN gift int;";
const LOCKS: &str = "LOCK TABLE orders IN ACCESS EXCLUSIVE MODE;\nSELECT pg_sleep(0.4);";

fn started(stderr: &str) -> Vec<&str> {
    let runs = stderr.lines().filter_map(|line| line.split_once(": run "));
    runs.map(|(name, _)| name).collect()
}

#[test]
fn two_scenarios_take_turns_and_the_worse_one_fails() {
    let bench = Bench::new(&[("gentle", GENTLE), ("locks", LOCKS)]);
    let [gentle, locks] = ["gentle", "locks"].map(|name| bench.path(name));
    let (code, stderr) = bench.run(&["run", &locks, "--against", &gentle, "--runs", "2"]);
    assert_eq!(code, Some(1), "{stderr}");
    let order = ["gentle", "locks", "locks", "gentle"];
    assert_eq!(started(&stderr), order, "{stderr}");
    let [base, head] = ["locks/base/report.json", "locks/report.json"].map(|at| bench.report(at));
    assert_eq!((base.runs.len(), head.runs.len()), (2, 2));
    assert_eq!(
        (base.scenario.name.as_str(), head.scenario.name.as_str()),
        ("gentle", "locks")
    );
    assert!(base.in_turns_since.is_some());
    assert_eq!(base.in_turns_since, head.in_turns_since);
    let comparison = bench.comparison("locks/comparison.json");
    assert!(comparison.got_worse());
    let blocked = comparison
        .rows
        .iter()
        .find(|row| (row.group.as_str(), row.name.as_str()) == ("blocked queries", "longest"));
    assert_eq!(blocked.unwrap().change, Change::Worse, "{blocked:?}");

    // The other way round it got better, and what base does is no budget of head's.
    let (code, stderr) = bench.run(&["run", &gentle, "--against", &locks]);
    assert_eq!(code, Some(0), "{stderr}");
    // Without --against two scenarios are compared all the same, for information.
    let (code, stderr) = bench.run(&["run", &gentle, &locks]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(bench.comparison("locks/comparison.json").got_worse());
    assert_eq!(bench.report("gentle/report.json").runs.len(), 1);
}

#[test]
fn a_scenario_against_itself_leaves_two_reports() {
    let bench = Bench::new(&[("same", GENTLE)]);
    let same = bench.path("same");
    let (code, stderr) = bench.run(&["run", &same, "--against", &same]);
    assert_eq!(code, Some(0), "{stderr}");
    let [base, head] = ["same/base/report.json", "same/report.json"].map(|at| bench.report(at));
    assert_eq!(base.scenario, head.scenario);
    assert_ne!(base.runs[0].timeline, head.runs[0].timeline, "two runs");
    let comparison = bench.comparison("same/comparison.json");
    assert_eq!(comparison.notes, [] as [&str; 0]);
}

#[test]
fn an_interrupted_comparison_leaves_both_reports() {
    let bench = Bench::new(&[("gentle", GENTLE), ("locks", LOCKS)]);
    let [gentle, locks] = ["gentle", "locks"].map(|name| bench.path(name));
    let run = ["run", &locks, "--against", &gentle, "--runs", "50"];
    let mut child = Command::new(env!("CARGO_BIN_EXE_pgrehearse"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(bench.arguments(&run))
        .env("PGREHEARSE_CACHE_DIR", crate::support::cache_dir())
        .env_remove("PGREHEARSE_URL")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    stop_at(&mut child, "gentle: run 2 of 50");
    assert_eq!(child.wait().unwrap().code(), Some(4));
    let [base, head] = ["locks/base/report.json", "locks/report.json"].map(|at| bench.report(at));
    let completed = |report: &Report| {
        let runs = report.runs.iter();
        runs.filter(|run| run.outcome == Outcome::Completed).count()
    };
    assert_eq!((completed(&base), completed(&head)), (1, 2));
    for report in [base, head] {
        assert_eq!(report.outcome, Outcome::Interrupted);
    }
    bench.comparison("locks/comparison.json");
}

/// Waits until it says so, and asks it to stop.
fn stop_at(child: &mut Child, until: &str) {
    let mut stderr = BufReader::new(child.stderr.take().expect("it is piped")).lines();
    let said = stderr.by_ref().map_while(Result::ok);
    assert!(said.into_iter().any(|line| line.contains(until)));
    let pid = i32::try_from(child.id()).expect("a process id");
    let pid = Pid::from_raw(pid).expect("it is not 0");
    kill_process(pid, Signal::INT).expect("it runs");
    // A pipe that nobody reads would hold the process up.
    std::thread::spawn(move || stderr.count());
}

#[test]
fn a_calibration_is_kept_used_and_removed() {
    let bench = Bench::new(&[("same", GENTLE)]);
    let same = bench.path("same");
    let cache = tempfile::tempdir().unwrap();
    let cache_dir = cache.path().to_str().unwrap();
    let few = ["calibrate", &same, "--runs", "7"];
    let (code, stderr) = bench.run(&few);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(
        stderr.contains("--runs = 7: must be at least 8"),
        "{stderr}"
    );
    let enough = ["calibrate", &same, "--runs", "8", "--cache-dir", cache_dir];
    let (code, stderr) = bench.run(&enough);
    assert_eq!(code, Some(0), "{stderr}");
    let kept = || std::fs::read_dir(Path::new(cache_dir).join("calibrations"));
    assert_eq!(kept().unwrap().count(), 1);

    let report = bench.dir.path().join("out/same/calibration/report.json");
    let compare = || {
        pgrehearse()
            .arg("compare")
            .args([&report, &report])
            .args(["--format", "json", "--cache-dir", cache_dir])
            .output()
            .unwrap()
    };
    let output = compare();
    assert_eq!(output.status.code(), Some(0));
    let comparison: Comparison = serde_json::from_slice(&output.stdout).unwrap();
    let calibration = comparison.calibration.expect("there is one that fits");
    assert_eq!(
        (calibration.scenario.as_str(), calibration.runs),
        ("same", 8)
    );

    let cleaned = pgrehearse()
        .args(["clean", "--provider", "local", "--cache-dir", cache_dir])
        .output()
        .unwrap();
    assert_eq!(cleaned.status.code(), Some(0));
    assert!(kept().is_err(), "they are removed");
    let comparison: Comparison = serde_json::from_slice(&compare().stdout).unwrap();
    assert_eq!(comparison.calibration, None);
}
