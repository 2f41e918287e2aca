//! The user's settings for the measured server: a file, arguments, and the scenario's own.

use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer};

use crate::cli;
use crate::input::{Place, Problem, conf};
use crate::provision::{Brought, Choice, Setting, is_ours};

/// A setting's value in a scenario: a string, a number or a boolean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written(String);

/// What `--settings` and `--set` say; the latter comes first.
pub fn typed(args: &cli::Run, choice: Choice, problems: &mut Vec<Problem>) -> Brought {
    let mut brought = Brought::default();
    if let Some(path) = &args.settings {
        refuse_url("--settings", &path.display(), choice, problems);
        match std::fs::read_to_string(path) {
            Ok(text) => {
                for line in conf::parse(path, &text, problems) {
                    from_file(line, path, &mut brought);
                }
            }
            Err(error) => problems.push(Problem::file(path, format!("cannot read it: {error}"))),
        }
    }
    for argument in &args.set {
        refuse_url("--set", argument, choice, problems);
        match argument.split_once('=') {
            Some((name, value)) if conf::is_name(name.trim()) => {
                let place = Problem::argument("--set", argument, "");
                add(name, value.trim().to_owned(), place, &mut brought, problems);
            }
            _ => problems.push(
                Problem::argument("--set", argument, "not a setting")
                    .hint("write it as name=value, such as work_mem=64MB"),
            ),
        }
    }
    brought
}

/// The scenario's settings, with those that were typed in their place.
pub fn brought(
    file: &BTreeMap<String, Written>,
    typed: &Brought,
    choice: Choice,
    place: &Place<'_>,
    problems: &mut Vec<Problem>,
) -> Brought {
    let mut brought = Brought::default();
    for (name, Written(value)) in file {
        let place = place.at(name.as_str());
        if choice == Choice::Url {
            problems.push(place.problem(NOT_OURS).hint(SET_THERE));
        }
        if conf::is_name(name) {
            add(
                name,
                value.clone(),
                place.problem(""),
                &mut brought,
                problems,
            );
        } else {
            problems.push(place.problem("no setting has such a name"));
        }
    }
    for setting in &typed.settings {
        replace(setting.clone(), &mut brought);
    }
    brought.ignored.clone_from(&typed.ignored);
    brought
}

const NOT_OURS: &str = "a server named by --url has its own settings";
const SET_THERE: &str = "change them there, or rehearse with --provider docker or local";

fn refuse_url(
    argument: &str,
    value: &dyn fmt::Display,
    choice: Choice,
    problems: &mut Vec<Problem>,
) {
    if choice == Choice::Url {
        problems.push(Problem::argument(argument, value, NOT_OURS).hint(SET_THERE));
    }
}

/// A file is production's, and sets what must differ here: that is left out, and told.
fn from_file(line: conf::Line, path: &std::path::Path, brought: &mut Brought) {
    if is_ours(&line.name) {
        if !brought.ignored.contains(&line.name) {
            brought.ignored.push(line.name);
        }
        return;
    }
    let place = Problem {
        key: Some(line.name.clone()),
        value: Some(line.value.clone()),
        ..Problem::file(path, "").at_line(line.number)
    };
    let (name, value) = (line.name, line.value);
    replace(Setting { name, value, place }, brought);
}

/// What is written for a rehearsal must be meant for one.
fn add(
    name: &str,
    value: String,
    place: Problem,
    brought: &mut Brought,
    problems: &mut Vec<Problem>,
) {
    let name = name.trim().to_ascii_lowercase();
    let setting = Setting { name, value, place };
    if is_ours(&setting.name) {
        let message = format!("{} is for the rehearsal itself to set", setting.name);
        problems.push(setting.problem(message).hint("leave it out"));
    } else {
        replace(setting, brought);
    }
}

/// As in `postgresql.conf`: the last of a name counts.
fn replace(setting: Setting, brought: &mut Brought) {
    brought.settings.retain(|other| other.name != setting.name);
    brought.settings.push(setting);
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Written, D::Error> {
        deserializer.deserialize_any(WrittenVisitor)
    }
}

struct WrittenVisitor;

impl de::Visitor<'_> for WrittenVisitor {
    type Value = Written;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, a number or a boolean")
    }

    fn visit_str<E>(self, value: &str) -> Result<Written, E> {
        Ok(Written(value.to_owned()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Written, E> {
        Ok(Written(if value { "on" } else { "off" }.to_owned()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Written, E> {
        Ok(Written(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Written, E> {
        Ok(Written(value.to_string()))
    }
}

impl JsonSchema for Written {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SettingValue".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number", "boolean"] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Document;

    fn check(args: &cli::Run, scenario: &str, choice: Choice, expected: &[&str]) -> Brought {
        let mut problems = Vec::new();
        let document = Document::new("s.toml", scenario);
        let typed = typed(args, choice, &mut problems);
        let file: BTreeMap<String, BTreeMap<String, Written>> =
            document.parse(&mut problems).unwrap_or_default();
        let file = file.get("settings").cloned().unwrap_or_default();
        let place = document.root().at("settings");
        let brought = brought(&file, &typed, choice, &place, &mut problems);
        let found: Vec<String> = problems.iter().map(Problem::to_string).collect();
        assert_eq!(found, expected);
        brought
    }

    fn set(settings: &[&str]) -> cli::Run {
        cli::Run {
            set: settings.iter().map(ToString::to_string).collect(),
            ..Default::default()
        }
    }

    fn values(brought: &Brought) -> Vec<String> {
        let mut values: Vec<String> = brought
            .settings
            .iter()
            .map(|setting| format!("{}={}", setting.name, setting.value))
            .collect();
        values.sort_unstable();
        values
    }

    #[test]
    fn an_argument_comes_before_the_file_and_the_file_before_the_scenario() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("p.conf");
        let text = "port = 5433\nwork_mem = 1MB\nwork_mem = 2MB\nssl = on\nShared_Buffers = 64MB\nport = 1\n";
        std::fs::write(&path, text).unwrap();
        let args = cli::Run {
            settings: Some(path.clone()),
            ..set(&["WORK_MEM = 3MB"])
        };
        let scenario = "[settings]\nwork_mem = '4MB'\nshared_buffers = '32MB'\njit = false\nrandom_page_cost = 1.1\ndeadlock_timeout = 500\n";
        let brought = check(&args, scenario, Choice::Auto, &[]);
        assert_eq!(
            values(&brought),
            [
                "deadlock_timeout=500",
                "jit=off",
                "random_page_cost=1.1",
                "shared_buffers=64MB",
                "work_mem=3MB"
            ]
        );
        assert_eq!(brought.ignored, ["port", "ssl"]);
        let buffers = brought.settings.iter().find(|s| s.name == "shared_buffers");
        assert_eq!(
            buffers.unwrap().problem("no").to_string(),
            format!("{}:5: shared_buffers = 64MB: no", path.display())
        );
    }

    #[test]
    fn what_is_written_for_a_rehearsal_must_be_meant_for_one() {
        check(
            &set(&["port=5433", "work_mem", "=3"]),
            "[settings]\nssl = true\nwork_mem = []\n'a b' = 1\n",
            Choice::Docker,
            &[
                "--set = port=5433: port is for the rehearsal itself to set; leave it out",
                "--set = work_mem: not a setting; write it as name=value, such as work_mem=64MB",
                "--set = =3: not a setting; write it as name=value, such as work_mem=64MB",
                "s.toml:3: settings.work_mem = []: expected a string, a number or a boolean, found an array",
                "s.toml:4: settings.a b = 1: no setting has such a name",
                "s.toml:2: settings.ssl = true: ssl is for the rehearsal itself to set; leave it out",
            ],
        );
    }

    #[test]
    fn a_server_that_is_not_ours_is_given_no_settings() {
        let why = "a server named by --url has its own settings; \
                   change them there, or rehearse with --provider docker or local";
        check(
            &set(&["work_mem=1MB"]),
            "[settings]\njit = false\n",
            Choice::Url,
            &[
                &format!("--set = work_mem=1MB: {why}"),
                &format!("s.toml:2: settings.jit = false: {why}"),
            ],
        );
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let args = cli::Run {
            settings: Some("/nonexistent/p.conf".into()),
            ..Default::default()
        };
        let why = "/nonexistent/p.conf: cannot read it: No such file or directory (os error 2)";
        check(&args, "", Choice::Local, &[why]);
    }
}
