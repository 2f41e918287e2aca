//! Settings that the user brings: whose they are to set, and what a server says to them.

use super::trial::Trial;
use super::{Error, Settings};
use crate::input::{Problem, Problems};
use crate::units;

/// A setting of the user's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// In lower case.
    pub name: String,
    pub value: String,
    /// Where it is written: a mistake in it whose message is still to come.
    pub place: Problem,
}

/// What the user wants the measured server to run with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Brought {
    /// Each name once.
    pub settings: Vec<Setting>,
    /// Names from a file of the user's production that a server of ours has no use for.
    pub ignored: Vec<String>,
}

/// What a server was found to take of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    pub settings: Settings,
    pub ignored: Vec<String>,
    /// Libraries to preload that are not installed with it.
    pub missing_libraries: Vec<String>,
    /// The files and arguments they come from.
    sources: Vec<String>,
}

/// Whether a setting is for the harness to decide: where the server listens and who may enter, where its
/// files and its log are, what the log holds, and what binds it to production's other machines.
pub fn is_ours(name: &str) -> bool {
    const NAMES: [&str; 39] = [
        // Where it is, and who may enter.
        "data_directory",
        "config_file",
        "hba_file",
        "ident_file",
        "external_pid_file",
        "listen_addresses",
        "port",
        "bonjour",
        "bonjour_name",
        "password_encryption",
        "db_user_namespace",
        "dynamic_library_path",
        "stats_temp_directory",
        "default_tablespace",
        "temp_tablespaces",
        "cluster_name",
        // What the measuring reads: the log, and the view of the sessions.
        "logging_collector",
        "log_destination",
        "log_directory",
        "log_filename",
        "log_file_mode",
        "log_rotation_age",
        "log_rotation_size",
        "log_truncate_on_rotation",
        "log_lock_waits",
        "log_timezone",
        "log_min_messages",
        "log_min_error_statement",
        "log_error_verbosity",
        "event_source",
        "lc_messages",
        "track_activities",
        // It would stop the harness, or wait for machines that are not here.
        "default_transaction_read_only",
        "synchronous_standby_names",
        "restore_command",
        "primary_conninfo",
        "primary_slot_name",
        "promote_trigger_file",
        "hot_standby",
    ];
    const FAMILIES: [&str; 8] = [
        "ssl",
        "krb_",
        "gss_",
        "unix_socket_",
        "syslog_",
        "archive_",
        "recovery_",
        "synchronized_standby_",
    ];
    NAMES.contains(&name) || FAMILIES.iter().any(|family| name.starts_with(family))
}

/// Libraries that the server loads at its start or with each session: it fails if it lacks one.
const PRELOADS: [&str; 3] = [
    "shared_preload_libraries",
    "session_preload_libraries",
    "local_preload_libraries",
];

impl Brought {
    pub(super) fn is_empty(&self) -> bool {
        self.settings.is_empty()
    }

    /// What [`super::trial::TRY`] gets: its arguments, and its environment.
    pub(super) fn trial(&self) -> (Vec<String>, [(&'static str, String); 2]) {
        let arguments = self
            .settings
            .iter()
            .map(|s| format!("{}={}", s.name, s.value));
        let libraries: Vec<&str> = self
            .settings
            .iter()
            .filter(|setting| PRELOADS.contains(&setting.name.as_str()))
            .flat_map(|setting| libraries(&setting.value))
            .map(plain)
            .collect();
        let buffers = self
            .find("shared_buffers")
            .map(|setting| setting.value.clone());
        let environment = [
            ("LIBRARIES", libraries.join(" ")),
            ("BUFFERS", buffers.unwrap_or_default()),
        ];
        (arguments.collect(), environment)
    }

    /// What a server takes, from what [`super::trial::TRY`] wrote; or all that it refuses.
    pub(super) fn accepted(&self, trial: &str, major: u16) -> Result<Accepted, Error> {
        let trial = Trial::read(trial);
        let mut problems = Vec::new();
        for (name, said) in &trial.refused {
            problems.extend(self.find(name).map(|setting| refused(setting, said, major)));
        }
        problems.extend(self.too_big(&trial));
        if !problems.is_empty() {
            return Err(Error::BadSettings(Problems(problems)));
        }
        let missing = trial.missing_libraries;
        let mut settings: Settings = self
            .settings
            .iter()
            .map(|setting| (setting.name.clone(), setting.value.clone()))
            .collect();
        for name in PRELOADS {
            if let Some(value) = settings.get_mut(name) {
                let installed = |library: &&str| !missing.iter().any(|m| m == plain(library));
                *value = libraries(value)
                    .filter(installed)
                    .collect::<Vec<_>>()
                    .join(",");
            }
        }
        Ok(Accepted {
            settings,
            ignored: self.ignored.clone(),
            missing_libraries: missing,
            sources: self.sources(),
        })
    }

    fn too_big(&self, trial: &Trial) -> Option<Problem> {
        let setting = self.find("shared_buffers")?;
        let (bytes, memory) = (trial.buffer_bytes?, trial.memory_bytes?);
        (bytes >= memory).then(|| {
            let message = format!("this machine has {} of memory", units::bytes(memory));
            setting
                .problem(message)
                .hint("rehearse on a larger one, or give the server less")
        })
    }

    fn find(&self, name: &str) -> Option<&Setting> {
        self.settings.iter().find(|setting| setting.name == name)
    }

    fn sources(&self) -> Vec<String> {
        let places = self.settings.iter().map(|setting| &setting.place);
        let mut sources: Vec<String> = places
            .filter_map(|place| match &place.file {
                Some(file) => Some(file.display().to_string()),
                None => place.key.clone(),
            })
            .collect();
        sources.sort_unstable();
        sources.dedup();
        sources
    }
}

impl Setting {
    /// A mistake in it.
    pub fn problem(&self, message: impl Into<String>) -> Problem {
        Problem {
            message: message.into(),
            ..self.place.clone()
        }
    }
}

impl Accepted {
    /// Names the place of the settings where a server did not start with them.
    pub fn explain(&self, error: Error) -> Error {
        match (error, self.source()) {
            (Error::Start { detail }, Some(source)) => Error::Start {
                detail: format!("{detail}; it was given the settings of {source}"),
            },
            (error, _) => error,
        }
    }

    fn source(&self) -> Option<String> {
        (!self.sources.is_empty()).then(|| self.sources.join(" and "))
    }
}

/// The server's own words: `FATAL:  …`, and its `HINT:  …` if it has one.
fn refused(setting: &Setting, said: &str, major: u16) -> Problem {
    let after = |label: &str| {
        let line = said.lines().find_map(|line| line.split_once(label))?.1;
        Some(line.trim().trim_end_matches('.').to_owned())
    };
    let message = after("FATAL:").unwrap_or_else(|| super::error::tail(said));
    let hint = if message.starts_with("unrecognized") {
        Some(format!(
            "PostgreSQL {major} has no setting of this name: leave it out"
        ))
    } else {
        after("HINT:")
    };
    let problem = setting.problem(message);
    Problem { hint, ..problem }
}

fn libraries(value: &str) -> impl Iterator<Item = &str> {
    value
        .split(',')
        .map(str::trim)
        .filter(|library| !library.is_empty())
}

/// The file of a library, below the directory where libraries are.
fn plain(library: &str) -> &str {
    let library = library.trim_matches('"');
    library.strip_prefix("$libdir/").unwrap_or(library)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn brought(settings: &[(&str, &str)]) -> Brought {
        let setting = |(line, (name, value)): (usize, &(&str, &str))| Setting {
            name: (*name).to_owned(),
            value: (*value).to_owned(),
            place: Problem {
                key: Some((*name).to_owned()),
                value: Some((*value).to_owned()),
                ..Problem::file(Path::new("p.conf"), "").at_line(line + 1)
            },
        };
        Brought {
            settings: settings.iter().enumerate().map(setting).collect(),
            ignored: Vec::new(),
        }
    }

    fn check(settings: &[(&str, &str)], trial: &str, expected: &[&str]) {
        let Err(error) = brought(settings).accepted(trial, 15) else {
            panic!("it has to be refused");
        };
        assert!(error.is_bad_input());
        assert_eq!(error.to_string(), expected.join("\n"));
    }

    #[test]
    fn what_the_server_refuses_is_told_with_its_place_in_its_words() {
        check(
            &[("work_men", "4MB"), ("work_mem", "lots"), ("fsync", "on")],
            "setting work_mem\n2026 FATAL:  invalid value for parameter \"work_mem\": \"lots\"\n\
             2026 HINT:  Valid units are \"B\" and \"kB\".\n\
             setting work_men\n2026 FATAL:  unrecognized configuration parameter \"work_men\"\nmemory 1000\n",
            &[
                "p.conf:2: work_mem = lots: invalid value for parameter \"work_mem\": \"lots\"; Valid units are \"B\" and \"kB\"",
                "p.conf:1: work_men = 4MB: unrecognized configuration parameter \"work_men\"; \
                 PostgreSQL 15 has no setting of this name: leave it out",
            ],
        );
    }

    #[test]
    fn more_buffers_than_memory_are_refused_and_a_limit_counts() {
        let buffers = [("shared_buffers", "64GB")];
        let hint = "rehearse on a larger one, or give the server less";
        check(
            &buffers,
            "blocks 8388608\nmemory 25000000\n",
            &[&format!(
                "p.conf:1: shared_buffers = 64GB: this machine has 23.8 GB of memory; {hint}"
            )],
        );
        check(
            &buffers,
            "blocks 8388608\nmemory 250000000\nlimit 1073741824\n",
            &[&format!(
                "p.conf:1: shared_buffers = 64GB: this machine has 1.00 GB of memory; {hint}"
            )],
        );
        let enough = "blocks 8388608\nmemory 250000000\nlimit max\n";
        assert!(brought(&buffers).accepted(enough, 15).is_ok());
    }

    #[test]
    fn a_library_that_is_not_installed_is_left_out_and_named() {
        let brought = brought(&[(
            "shared_preload_libraries",
            "pg_stat_statements, \"$libdir/pg_cron\",auto_explain",
        )]);
        let (arguments, environment) = brought.trial();
        assert_eq!(arguments.len(), 1);
        assert_eq!(environment[0].1, "pg_stat_statements pg_cron auto_explain");
        let accepted = brought.accepted("library pg_cron\n", 15).unwrap();
        assert_eq!(
            accepted.settings["shared_preload_libraries"],
            "pg_stat_statements,auto_explain"
        );
        assert_eq!(accepted.missing_libraries, ["pg_cron"]);
        assert_eq!(accepted.source().as_deref(), Some("p.conf"));
    }

    #[test]
    fn what_listens_and_what_logs_is_ours_and_what_costs_is_the_users() {
        for name in ["port", "ssl_cert_file", "log_lock_waits", "archive_command"] {
            assert!(is_ours(name), "{name}");
        }
        for name in [
            "shared_buffers",
            "log_statement",
            "log_min_duration_statement",
            "fsync",
        ] {
            assert!(!is_ours(name), "{name}");
        }
    }
}
