//! What can be typed. Nothing is decided here: `Plan::resolve` reads it, and nobody after that.

mod repository;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use repository::{Init, Repository, Workload};

const EXIT_CODES: &str = "\
Exit codes:
  0  inside the budget
  1  outside it, or a comparison got worse
  2  bad arguments, or a mistake in a scenario
  3  the environment: no engine, no server, no disk space
  4  the rehearsal could not finish";

/// A dress rehearsal for Postgres migrations: real locks, real blocking, real latency, on
/// production-sized data under load.
#[derive(Clone, Debug, Parser)]
#[command(name = "pgrehearse", version, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Rehearse scenarios and report what each migration did to the traffic
    #[command(after_help = EXIT_CODES)]
    Run(Run),
    /// Print what `run` would do, and stop
    Explain(Run),
    /// Render reports again
    Report(Report),
    /// Compare two reports; exit code 1 if the second is worse
    #[command(after_help = EXIT_CODES)]
    Compare(Compare),
    /// Measure how far this machine's figures lie apart when nothing has changed
    Calibrate(Calibrate),
    /// Write the traffic of a live database, as pg_stat_statements has counted it, as a workload.toml
    #[command(after_help = EXIT_CODES)]
    Workload(Workload),
    /// Write a pgrehearse.toml for the repository in the current directory
    Init(Init),
    /// Print the JSON Schema of a file
    Schema(Schema),
    /// Fill a database with rows, or print or write how it would be filled
    #[command(after_help = EXIT_CODES)]
    Seed(Seed),
    /// Remove seeded templates, calibrations and whatever a killed run left behind
    Clean(Clean),
}

/// What is rehearsed, where, and within which limits.
#[derive(Clone, Debug, Default, Args)]
pub struct Run {
    /// Directories with a scenario.toml, or names in ./scenarios [default: what ./pgrehearse.toml says]
    #[arg(value_name = "SCENARIO")]
    pub scenarios: Vec<String>,
    /// All scenarios in ./scenarios
    #[arg(long, conflicts_with = "scenarios")]
    pub all: bool,
    /// Of these, only scenarios whose name matches: a part of it, or a pattern with *
    #[arg(long, value_name = "PATTERN")]
    pub only: Option<String>,
    /// List the scenarios with their titles, and stop
    #[arg(long)]
    pub list: bool,
    /// Rows of the dataset's main table, or with --migrations of each large table: 1_000_000, 200k, 5M
    #[arg(long, value_name = "N", value_parser = row_count)]
    pub rows: Option<u64>,
    /// Determines data, arrivals and parameters [default: the scenario's, or else the dataset's]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Runs of each scenario, each from a fresh clone
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub runs: u32,
    /// How the traffic's queries are sent [default: the scenario's, or else prepared]
    #[arg(long, value_enum)]
    pub protocol: Option<Protocol>,
    /// Also run this scenario, in turns on the same machine, and compare; exit code 1 if SCENARIO is worse
    #[arg(long, value_name = "SCENARIO")]
    pub against: Option<String>,
    /// A limit, in place of the scenario's: blocked_writes=0, hold_ms=500
    #[arg(long, value_name = "KEY=VALUE")]
    pub budget: Vec<String>,
    /// Where reports go: each scenario gets a directory of its own in DIR
    #[arg(long, value_name = "DIR", default_value = "rehearsals")]
    pub out: PathBuf,
    /// Your production's settings, in the form of postgresql.conf; all but what must differ here
    #[arg(long, value_name = "FILE")]
    pub settings: Option<PathBuf>,
    /// A setting of the server, in place of the file's and the scenario's: work_mem=64MB
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// cold: the server starts with none of its files in the system's memory
    #[arg(long, value_enum, default_value_t)]
    pub cache: Cache,
    #[command(flatten)]
    pub repository: Repository,
    #[command(flatten)]
    pub server: Server,
}

/// What the system's memory holds of the files of a server that starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Cache {
    /// What copying has left in it
    #[default]
    Warm,
    /// Nothing
    Cold,
}

/// Where Postgres comes from.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Server")]
pub struct Server {
    /// Where Postgres comes from [default: url with --url, else auto]
    #[arg(long, value_enum)]
    pub provider: Option<Provider>,
    /// Major versions; several, as 15,17, only with Docker
    #[arg(long, value_name = "MAJOR", value_delimiter = ',')]
    pub postgres: Vec<u16>,
    /// Docker: the image's name without its tag, in place of postgres
    #[arg(long, value_name = "NAME")]
    pub image: Option<String>,
    /// Local: the directory of initdb and postgres
    #[arg(long, value_name = "DIR")]
    pub bindir: Option<PathBuf>,
    /// A server whose database is marked as disposable: postgres://user@host/database
    #[arg(long, env = "PGREHEARSE_URL", hide_env_values = true)]
    pub url: Option<String>,
    /// Also listen on this port of the loopback while a rehearsal runs
    #[arg(long, value_name = "N")]
    pub port: Option<u16>,
    /// Where templates are kept [default: the user's cache directory]
    #[arg(long, value_name = "DIR", env = "PGREHEARSE_CACHE_DIR")]
    pub cache_dir: Option<PathBuf>,
    /// What templates may take, as 50GB; the one used longest ago goes first [default: a quarter of the disk]
    #[arg(long, value_name = "SIZE", env = "PGREHEARSE_CACHE_SIZE")]
    pub cache_size: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Provider {
    /// Docker where an engine answers and has the image, else local
    Auto,
    /// A container
    Docker,
    /// Installed binaries
    Local,
    /// The server of --url
    Url,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// Prepared once per connection
    Prepared,
    /// By the simple protocol, parameters as literals: as behind pgbouncer in transaction mode
    Simple,
}

#[derive(Clone, Debug, Args)]
pub struct Report {
    /// Reports, or recordings beside them
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// terminal, json or markdown
    #[arg(long, default_value = "terminal")]
    pub format: String,
}

#[derive(Clone, Debug, Args)]
pub struct Compare {
    /// The report to compare with
    pub base: PathBuf,
    /// The report in question
    pub head: PathBuf,
    /// A smaller ratio never counts [default: 2 with fewer than four runs a side, else 1]
    #[arg(long, value_name = "RATIO")]
    pub threshold: Option<f64>,
    /// Where calibrations are kept [default: the user's cache directory]
    #[arg(long, value_name = "DIR", env = "PGREHEARSE_CACHE_DIR")]
    pub cache_dir: Option<PathBuf>,
    /// terminal, json or markdown
    #[arg(long, default_value = "terminal")]
    pub format: String,
}

/// What is run again and again, to see how much that alone changes.
#[derive(Clone, Debug, Default, Args)]
pub struct Calibrate {
    /// A directory with a scenario.toml, or a name in ./scenarios
    #[arg(default_value = "create-index")]
    pub scenario: String,
    /// Runs, twice as many as a comparison has on each side
    #[arg(long, value_name = "N", default_value_t = 14)]
    pub runs: u32,
    /// Rows of the dataset's main table [default: the scenario's]
    #[arg(long, value_name = "N", value_parser = row_count)]
    pub rows: Option<u64>,
    /// Where the report goes: to DIR/NAME/calibration, where NAME is the scenario's
    #[arg(long, value_name = "DIR", default_value = "rehearsals")]
    pub out: PathBuf,
    #[command(flatten)]
    pub server: Server,
}

/// What is filled, and with how much.
#[derive(Clone, Debug, Default, Args)]
pub struct Seed {
    /// A dataset's directory, a name in ./seeds, or a schema as SQL [default: the tables that the database of --url has]
    #[arg(value_name = "DATASET", required_unless_present_any = ["url", "like"])]
    pub dataset: Option<String>,
    /// Rows of the dataset's main table, or of each large table where all is inferred: 1_000_000, 200k, 5M
    #[arg(long, value_name = "N", value_parser = row_count, default_value = "1M")]
    pub rows: u64,
    /// Determines every value [default: the dataset's]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Streams of rows at once; changes no value [default: as many as there are cores]
    #[arg(long, value_name = "N")]
    pub workers: Option<usize>,
    /// Print the dataset file, each choice with its reason, and fill nothing
    #[arg(long)]
    pub explain: bool,
    /// Write a dataset with the shape of this database, which is only read: postgres://user@host/database
    #[arg(
        long,
        value_name = "URL",
        hide_env_values = true,
        conflicts_with_all = ["dataset", "explain", "url"]
    )]
    pub like: Option<String>,
    /// With --like: take over the most common values themselves
    #[arg(long, requires = "like")]
    pub keep_common_values: bool,
    /// With --like: the directory of the new dataset
    #[arg(long, value_name = "DIR", requires = "like")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub server: Server,
}

#[derive(Clone, Debug, Args)]
pub struct Schema {
    /// Whose schema
    #[arg(value_enum)]
    pub of: SchemaOf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// scenario.toml
    Scenario,
    /// pgrehearse.toml
    Repository,
    /// report.json
    Report,
    /// dataset.toml
    Dataset,
    /// What `compare --format json` prints
    Comparison,
}

#[derive(Clone, Debug, Default, Args)]
pub struct Clean {
    #[command(flatten)]
    pub server: Server,
}

/// A number of rows: `1_000_000`, `200k`, `1.5M`.
fn row_count(typed: &str) -> Result<u64, String> {
    let wrong = || "expected a number of rows such as 1_000_000, 200k or 5M".to_owned();
    let (digits, unit) = match typed.char_indices().last() {
        Some((at, 'k' | 'K')) => (&typed[..at], 1_000),
        Some((at, 'm' | 'M')) => (&typed[..at], 1_000_000),
        _ => (typed, 1),
    };
    let digits = digits.replace(['_', ','], "");
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    let mut rows = u64_of(whole)
        .and_then(|n| n.checked_mul(unit))
        .ok_or_else(wrong)?;
    let mut place = unit;
    for digit in fraction.chars() {
        place /= 10;
        let digit = u64::from(digit.to_digit(10).ok_or_else(wrong)?);
        // A part of a row is no row.
        if place == 0 && digit > 0 {
            return Err(wrong());
        }
        rows += place * digit;
    }
    Ok(rows)
}

fn u64_of(digits: &str) -> Option<u64> {
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn rows_are_read_as_people_write_them() {
        for (typed, rows) in [
            ("0", 0),
            ("1000", 1_000),
            ("1_000_000", 1_000_000),
            ("200k", 200_000),
            ("5M", 5_000_000),
            ("1.25M", 1_250_000),
        ] {
            assert_eq!(row_count(typed), Ok(rows), "{typed}");
        }
        for typed in [
            "",
            "k",
            "-1",
            "1.5",
            "1.0005k",
            "ten",
            "1G",
            "99999999999999M",
            "+5",
        ] {
            assert!(row_count(typed).is_err(), "{typed}");
        }
    }

    #[test]
    fn run_takes_several_scenarios_versions_and_limits() {
        let cli = Cli::parse_from([
            "pgrehearse",
            "run",
            "a",
            "b",
            "--postgres",
            "15,17",
            "--budget",
            "hold_ms=5",
            "--budget",
            "errors=0",
        ]);
        let Command::Run(run) = cli.command else {
            panic!("{cli:?}");
        };
        assert_eq!(run.scenarios, ["a", "b"]);
        assert_eq!(run.server.postgres, [15, 17]);
        assert_eq!(run.budget, ["hold_ms=5", "errors=0"]);
    }

    #[test]
    fn run_takes_scenarios_or_a_directory_of_migrations() {
        let both = ["pgrehearse", "run", "a", "--migrations", "db"];
        assert!(Cli::try_parse_from(both).is_err());
        for all in ["--all", "--list", "--only=lock"] {
            assert!(
                Cli::try_parse_from(["pgrehearse", "run", all]).is_ok(),
                "{all}"
            );
        }
        assert!(Cli::try_parse_from(["pgrehearse", "explain", "--all"]).is_ok());
    }

    #[test]
    fn the_help_gives_the_exit_codes_and_never_the_url() {
        let mut command = Cli::command();
        let help = command
            .find_subcommand_mut("run")
            .unwrap()
            .render_help()
            .to_string();
        assert!(help.contains("1  outside it"), "{help}");
        assert!(help.contains("PGREHEARSE_URL") && !help.contains("PGREHEARSE_URL="));
    }
}
