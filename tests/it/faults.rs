//! What is left when a rehearsal is stopped or killed: a report, and nothing else.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use pgrehearse::report::{Outcome, Report};
use rustix::process::{Pid, Signal, kill_process};

/// A run in the background with a cache of its own, so that what it leaves can be told from other tests'.
struct Background {
    child: Child,
    /// What its reports are called.
    name: PathBuf,
    cache: Rc<tempfile::TempDir>,
    out: tempfile::TempDir,
}

impl Background {
    /// Starts a run and waits until it says `until` on stderr.
    fn start_until(until: &str) -> Background {
        Background::start_with(Rc::new(tempfile::tempdir().unwrap()), "5000", until)
    }

    fn start_with(cache: Rc<tempfile::TempDir>, rows: &str, until: &str) -> Background {
        Background::start_scenario("create-index", cache, rows, until)
    }

    /// A migration that waits for a lock, as soon as it does. It would wait for longer than any test takes.
    fn start_until_migration_waits() -> Background {
        let cache = tempfile::Builder::new().prefix("waits").tempdir();
        let cache = Rc::new(cache.unwrap());
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/idle-in-transaction");
        let text = std::fs::read_to_string(shipped.join("scenario.toml")).unwrap();
        assert!(text.contains("hold_ms = 2_000"), "{text}");
        let text = text.replace("hold_ms = 2_000", "hold_ms = 60_000");
        std::fs::write(cache.path().join("scenario.toml"), text).unwrap();
        std::fs::copy(shipped.join("up.sql"), cache.path().join("up.sql")).unwrap();
        let scenario = cache.path().to_str().unwrap().to_owned();
        let background = Background::start_scenario(&scenario, cache, "5000", "step 1");
        background.until_migration_waits();
        background
    }

    fn start_scenario(
        scenario: &str,
        cache: Rc<tempfile::TempDir>,
        rows: &str,
        until: &str,
    ) -> Background {
        let out = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_pgrehearse"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args([
                "run",
                scenario,
                "--rows",
                rows,
                "--provider",
                "local",
                "--cache-dir",
            ])
            .arg(cache.path())
            .arg("--out")
            .arg(out.path())
            .stdout(std::fs::File::create(out.path().join("stdout")).unwrap())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let stderr = BufReader::new(child.stderr.take().expect("it is piped"));
        let mut said = Vec::new();
        let mut stderr = stderr.lines().map_while(Result::ok);
        while let Some(line) = stderr.next() {
            let found = line.contains(until);
            said.push(line);
            if found {
                // A pipe that nobody reads would hold the process up.
                std::thread::spawn(move || stderr.count());
                return Background {
                    child,
                    name: Path::new(scenario).file_name().unwrap().into(),
                    cache,
                    out,
                };
            }
        }
        // Stderr has ended, and so has the process.
        child.wait().unwrap();
        panic!("it never said {until:?}: {said:?}");
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("a process id");
        kill_process(Pid::from_raw(pid).expect("it is not 0"), signal).expect("it runs");
    }

    /// Directories of servers that are still there.
    fn leftovers(&self) -> usize {
        std::fs::read_dir(self.cache.path().join("runs")).map_or(0, |entries| entries.count())
    }

    fn report(&self) -> Report {
        let path = self.out.path().join(&self.name).join("report.json");
        let text = std::fs::read_to_string(path);
        Report::read(&text.expect("a report was written")).expect("it is a report")
    }

    fn stdout(&self) -> String {
        std::fs::read_to_string(self.out.path().join("stdout")).unwrap()
    }

    /// The directory of the server that runs.
    fn server(&self) -> PathBuf {
        let mut runs = std::fs::read_dir(self.cache.path().join("runs")).unwrap();
        runs.next().expect("a server runs").unwrap().path()
    }

    fn until_migration_waits(&self) {
        let mut config = tokio_postgres::Config::new();
        config
            .host_path(self.server().join("s"))
            .user("postgres")
            .dbname("app");
        let waits = async {
            let client = crate::server::connect(&config).await;
            // Long enough for samples to have seen it.
            let sql = "SELECT FROM pg_stat_activity WHERE application_name = 'pgrehearse migration'
                       AND wait_event_type = 'Lock' AND query_start < clock_timestamp() - interval '300 ms'";
            let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
            let mut polls = tokio::time::interval(Duration::from_millis(20));
            while client.query(sql, &[]).await.unwrap().is_empty() {
                assert!(tokio::time::Instant::now() < deadline, "it never waits");
                polls.tick().await;
            }
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(waits);
    }
}

impl Drop for Background {
    /// Whatever a test found out, nothing goes on running.
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.signal(Signal::INT);
            let _ = self.child.wait();
        }
    }
}

/// Processes whose command line names the directory.
fn processes_in(dir: &Path) -> Vec<String> {
    let needle = dir.display().to_string();
    let commands = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let commands =
        commands.filter_map(|entry| std::fs::read_to_string(entry.path().join("cmdline")).ok());
    commands
        .filter(|command| command.contains("postgres") && command.contains(&needle))
        .collect()
}

fn stops_with_a_report(signal: Signal, until: &str, runs_recorded: usize) {
    let mut background = Background::start_until(until);
    background.signal(signal);
    let status = background.child.wait().expect("it ends");
    assert_eq!(status.code(), Some(4));
    let report = background.report();
    assert_eq!(report.outcome, Outcome::Interrupted);
    assert_eq!(report.runs.len(), runs_recorded);
    assert_eq!(background.leftovers(), 0);
    assert_eq!(processes_in(background.cache.path()), [] as [String; 0]);
}

#[test]
fn ctrl_c_under_traffic_leaves_a_report_and_nothing_else() {
    stops_with_a_report(Signal::INT, "traffic:", 1);
}

#[test]
fn sigterm_before_the_first_run_leaves_a_report_and_nothing_else() {
    stops_with_a_report(Signal::TERM, "scenario create-index", 0);
}

#[test]
fn what_a_killed_process_leaves_is_removed_by_the_next_start() {
    let mut background = Background::start_until("traffic:");
    background.signal(Signal::KILL);
    background.child.wait().expect("it ends");
    assert_eq!(
        background.leftovers(),
        1,
        "the server's directory is still there"
    );
    let clean = Command::new(env!("CARGO_BIN_EXE_pgrehearse"))
        .args(["clean", "--provider", "local", "--cache-dir"])
        .arg(background.cache.path())
        .output()
        .expect("it starts");
    assert!(
        clean.status.success(),
        "{}",
        String::from_utf8_lossy(&clean.stderr)
    );
    assert_eq!(background.leftovers(), 0);
    let deadline = std::time::SystemTime::now() + Duration::from_secs(10);
    while !processes_in(background.cache.path()).is_empty() {
        assert!(
            std::time::SystemTime::now() < deadline,
            "the server still runs"
        );
        std::thread::yield_now();
    }
}

#[test]
fn a_template_whose_seeding_was_killed_is_seeded_again() {
    let mut killed =
        Background::start_with(Rc::new(tempfile::tempdir().unwrap()), "200000", "filling");
    killed.signal(Signal::KILL);
    killed.child.wait().unwrap();
    let mut again = Background::start_with(Rc::clone(&killed.cache), "200000", "run 1 of 1");
    again.signal(Signal::INT);
    again.child.wait().unwrap();
    let found = Background::start_with(Rc::clone(&again.cache), "200000", "found as template");
    drop(found);
}

#[test]
fn a_server_that_is_killed_while_it_is_seeded_leaves_no_template() {
    let cache = Rc::new(tempfile::tempdir().unwrap());
    let mut background = Background::start_with(Rc::clone(&cache), "200000", "filling");
    let templates = std::fs::read_dir(cache.path().join("local")).unwrap();
    let pids = templates.map(|entry| entry.unwrap().path().join("data/postmaster.pid"));
    let pid = pids
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .next();
    let pid = pid.expect("a template is being seeded");
    let pid = pid.lines().next().unwrap().parse().unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).expect("it runs");
    let status = background.child.wait().expect("it ends");
    assert_eq!(status.code(), Some(3), "{}", background.stdout());
    assert_eq!(background.leftovers(), 0);
    // Seeded again from the start, not found.
    let mut again = Background::start_with(cache, "200000", "filling");
    again.signal(Signal::INT);
    again.child.wait().unwrap();
}

#[test]
fn ctrl_c_while_the_migration_waits_for_a_lock_reports_the_wait() {
    let mut background = Background::start_until_migration_waits();
    background.signal(Signal::INT);
    let status = background.child.wait().expect("it ends");
    assert_eq!(status.code(), Some(4));
    let report = background.report();
    assert_eq!(report.outcome, Outcome::Interrupted);
    let run = &report.runs[0];
    let [lock] = crate::support::locks_on(run, "public.orders")[..] else {
        panic!("one lock: {:?}", run.locks)
    };
    assert!(!lock.granted && lock.wait_ms > 0.0, "{lock:?}");
    let statement = &run.steps[0].statements[0];
    assert!(statement.duration_ms >= lock.wait_ms, "{statement:?}");
    assert_eq!(processes_in(background.cache.path()), [] as [String; 0]);
}

#[test]
fn a_server_that_dies_leaves_a_report_of_what_was_measured_until_then() {
    let mut background = Background::start_until_migration_waits();
    let pid = std::fs::read_to_string(background.server().join("data/postmaster.pid")).unwrap();
    let pid = pid.lines().next().unwrap().parse().unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).expect("it runs");
    let status = background.child.wait().expect("it ends");
    assert_eq!(status.code(), Some(4));
    let report = background.report();
    assert_eq!(report.outcome, Outcome::Aborted);
    let run = &report.runs[0];
    let lock = crate::support::locks_on(run, "public.orders")[0];
    assert!(!lock.granted && lock.wait_ms > 0.0, "{lock:?}");
    for total in &run.traffic_totals {
        // What had a connection has failed with it. Only what never got one is still out.
        assert!(total.figures.censored <= total.figures.delayed, "{total:?}");
    }
    assert_eq!(background.leftovers(), 0);
    assert_eq!(processes_in(background.cache.path()), [] as [String; 0]);
}

#[test]
fn a_report_that_cannot_be_written_is_shown_all_the_same() {
    let mut background = Background::start_until("traffic:");
    let dir = background.out.path().join("create-index");
    std::fs::remove_dir_all(&dir).unwrap();
    std::fs::write(&dir, "in the way").unwrap();
    background.signal(Signal::INT);
    let status = background.child.wait().expect("it ends");
    assert_eq!(status.code(), Some(4));
    assert!(
        background.stdout().starts_with("INTERRUPTED"),
        "{}",
        background.stdout()
    );
}
