//! Flyway's settings: `flyway.toml` or `flyway.conf` of the project, and the `.conf` beside a script.

use std::collections::BTreeMap;

use super::super::Listing;
use crate::input::{Problem, line_at};

/// Those of the project that say how scripts are run.
pub(super) struct Settings {
    /// By their names in small letters.
    placeholders: BTreeMap<String, String>,
    pub(super) prefix: String,
    pub(super) suffix: String,
    pub(super) replaces_placeholders: bool,
    pub(super) runs_in_transaction: bool,
    /// All pending scripts in one transaction.
    pub(super) is_grouped: bool,
    /// Scripts may mix what runs in a transaction and what cannot.
    pub(super) is_mixed: bool,
}

/// Those beside a script; what they leave open is the project's.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FileSettings {
    pub(super) runs_in_transaction: Option<bool>,
    pub(super) replaces_placeholders: Option<bool>,
}

impl Settings {
    pub(super) fn read(listing: &Listing) -> Result<Settings, Problem> {
        let mut written = BTreeMap::new();
        let conf = listing.nearest("flyway.conf").map(|(_, path)| path);
        let toml = listing.nearest("flyway.toml").map(|(_, path)| path);
        for path in conf.into_iter().chain(toml) {
            let text = std::fs::read_to_string(&path)
                .map_err(|error| Problem::file(&path, format!("cannot read it: {error}")))?;
            if path
                .extension()
                .is_some_and(|extension| extension == "toml")
            {
                let table: toml::Table = text
                    .parse()
                    .map_err(|error| Problem::file(&path, format!("not TOML: {error}")))?;
                flatten("", &table, &mut written);
            } else {
                written.extend(properties(&text));
            }
        }
        let get = |name: &str| written.get(&format!("flyway.{}", name.to_ascii_lowercase()));
        let is = |name: &str, default: bool| {
            get(name).map_or(default, |value| value.eq_ignore_ascii_case("true"))
        };
        let or = |name: &str, default: &str| get(name).map_or(default, String::as_str).to_owned();
        let placeholders = written.iter().filter_map(|(key, value)| {
            let name = key.strip_prefix("flyway.placeholders.")?;
            Some((name.to_owned(), value.clone()))
        });
        Ok(Settings {
            placeholders: placeholders.collect(),
            prefix: or("placeholderPrefix", "${"),
            suffix: or("placeholderSuffix", "}"),
            replaces_placeholders: is("placeholderReplacement", true),
            runs_in_transaction: is("executeInTransaction", true),
            is_grouped: is("group", false),
            is_mixed: is("mixed", false),
        })
    }

    /// The value of a placeholder: one that is set, or one of Flyway's own that does not depend on the server.
    pub(super) fn placeholder(&self, name: &str, file: &str) -> Option<String> {
        let name = name.to_lowercase();
        let own = match name.as_str() {
            "flyway:filename" => file.rsplit('/').next(),
            "flyway:table" => Some("flyway_schema_history"),
            "flyway:defaultschema" => Some("public"),
            _ => None,
        };
        self.placeholders
            .get(&name)
            .cloned()
            .or(own.map(str::to_owned))
    }
}

impl FileSettings {
    pub(super) fn read(listing: &Listing, file: &str) -> Result<FileSettings, Problem> {
        let text = listing.text(file)?;
        let mut settings = FileSettings::default();
        for (key, value) in properties(&text) {
            let wrong = |message: String| {
                let at = text.to_lowercase().find(&key).unwrap_or(0);
                Problem::file(listing.dir.join(file), message).at_line(line_at(&text, at))
            };
            let is = match value.to_ascii_lowercase().as_str() {
                "true" => Some(true),
                "false" => Some(false),
                _ => None,
            };
            match key.as_str() {
                "executeintransaction" => settings.runs_in_transaction = is,
                "placeholderreplacement" => settings.replaces_placeholders = is,
                "encoding" if value.eq_ignore_ascii_case("utf-8") => continue,
                _ => return Err(wrong(format!("{key} = {value} is not followed here"))),
            }
            if is.is_none() {
                return Err(wrong(format!("{key} = {value} is neither true nor false")));
            }
        }
        Ok(settings)
    }
}

/// `key = value` lines, the keys in small letters.
fn properties(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().map(str::trim);
    lines
        .filter(|line| !line.starts_with(['#', '!']))
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.trim().to_lowercase(), value.trim().to_owned()))
        .collect()
}

fn flatten(prefix: &str, table: &toml::Table, into: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        let key = format!("{prefix}{}", key.to_lowercase());
        match value {
            toml::Value::Table(inner) => flatten(&format!("{key}."), inner, into),
            toml::Value::String(text) => {
                into.insert(key, text.clone());
            }
            other => {
                into.insert(key, other.to_string());
            }
        }
    }
}
