//! Traffic that is derived from the schema once there is a server that has it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::scenario::{AppFile, WorkloadFile};
use super::traffic::{WrittenApp, apps};
use super::{FIRST_APP, SECOND_APP, derive, written};
use crate::input::{Document, Problems};
use crate::migrations::Part;
use crate::migrations::bookkeeping::is_a_tools_own;
use crate::rehearse::workload::{App, Command};
use crate::seed::context::Context;
use crate::seed::structure::Structure;
use crate::seed::{self, Schemas};

/// What the traffic is derived for.
#[derive(Clone, Debug)]
pub struct Derived {
    /// What is rehearsed.
    pub migrations: Vec<Part>,
    /// What is rehearsed in their place.
    pub command: Option<Command>,
    /// Where the workload is to be written.
    pub write_to: Option<PathBuf>,
}

impl Derived {
    /// The queries of an application before the migrations, and of one after them. `data` is how the tables are filled.
    pub fn workload(
        &self,
        schemas: &Schemas,
        data: &seed::Spec,
        rows: &BTreeMap<String, u64>,
    ) -> WorkloadFile {
        let app = |structure: &Structure| {
            let structure = self.without_bookkeeping(structure);
            let named = self.tables_named(&structure);
            AppFile {
                owner: None,
                extends: None,
                queries: derive::queries(&structure, &data.dataset.tables, rows, &named),
            }
        };
        let after = schemas.after.as_ref().unwrap_or(&schemas.before);
        WorkloadFile {
            apps: [(FIRST_APP, &schemas.before), (SECOND_APP, after)]
                .map(|(name, structure)| (name.to_owned(), app(structure)))
                .into(),
        }
    }

    /// Tables that the migrations' texts name.
    fn tables_named(&self, structure: &Structure) -> BTreeSet<String> {
        let is_named = |name: &&String| {
            let last = name
                .rsplit_once('.')
                .map_or(name.as_str(), |(_, last)| last);
            self.migrations
                .iter()
                .any(|part| has_word(&part.text, last))
        };
        structure.tables.keys().filter(is_named).cloned().collect()
    }

    /// No application queries the tables that the tool keeps its versions in.
    fn without_bookkeeping(&self, structure: &Structure) -> Structure {
        let sent: Vec<&str> = self
            .migrations
            .iter()
            .flat_map(|part| [&part.around.before, &part.around.inside, &part.around.after])
            .flatten()
            .map(String::as_str)
            .collect();
        let mut structure = structure.clone();
        structure.tables.retain(|name, _| {
            let is_sent = || sent.iter().any(|sql| has_name(sql, name));
            !is_a_tools_own(name) && !is_sent()
        });
        structure
    }
}

/// The versions of a workload that was derived, ready to run.
pub fn derived_apps(
    file: &WorkloadFile,
    data: &seed::Spec,
) -> Result<BTreeMap<String, App>, Problems> {
    let document = Document::new("derived workload", written::to_toml(file));
    let mut problems = Vec::new();
    let file: Option<WorkloadFile> = document.parse(&mut problems);
    let place = document.root().at("apps");
    let written = file.into_iter().flat_map(|file| file.apps);
    let written = written.map(|(name, file)| {
        let place = place.at(name.as_str());
        (name, WrittenApp { file, place })
    });
    let (written, context) = (written.collect(), Context::new(data));
    let catalogue = super::catalogue::Catalogue::of(None);
    let apps = apps(
        &written,
        FIRST_APP,
        catalogue,
        Some(&context),
        &mut problems,
    );
    match problems.is_empty() {
        true => Ok(apps),
        false => Err(Problems(problems)),
    }
}

/// Leaves out the queries that fail by themselves, in whichever version.
pub fn without(file: &mut WorkloadFile, failing: &BTreeMap<String, String>) {
    for app in file.apps.values_mut() {
        app.queries
            .retain(|query| !failing.contains_key(&query.name));
    }
}

/// Whether a text names a table, and not one of another schema that is called the same.
fn has_name(text: &str, name: &str) -> bool {
    // With its schema a name is one word.
    let text = text.replace('"', "").replace("public.", "");
    has_word(&text.replace('.', "_"), &name.replace('.', "_"))
}

/// Whether a name stands in a text as a word of its own.
fn has_word(text: &str, name: &str) -> bool {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '$';
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + name.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_not_a_part_of_another() {
        assert!(has_word("ALTER TABLE users ADD x int", "users"));
        assert!(has_word("on public.\"users\"(id)", "users"));
        assert!(!has_word("ALTER TABLE users_old ADD x int", "users"));
        assert!(!has_word("CREATE INDEX i_users ON x (id)", "users"));
        assert!(has_name("INSERT INTO public.changes", "changes"));
        assert!(has_name("INSERT INTO crm.changes", "crm.changes"));
        assert!(!has_name("INSERT INTO sqitch.changes", "changes"));
    }
}
