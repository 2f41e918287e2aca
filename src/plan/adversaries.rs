//! What else runs: each adversary with the keys of its kind, held against the dataset.

use super::catalogue::{Catalogue, Known};
use super::names::missing_names;
use super::scenario::{AdversaryFile, AdversaryKind};
use super::statement::parse_query;
use crate::input::{Place, Problem};
use crate::rehearse::workload::{Adversary, QueryKind, Step};

/// More sessions than any application has replicas; each takes two connections.
const MIGRATORS_MAX: u32 = 100;

/// The adversaries as they will run. One with a mistake is left out and the mistake reported.
pub fn adversaries(
    written: &[AdversaryFile],
    steps: &[Step],
    catalogue: Catalogue<'_>,
    place: &Place<'_>,
    problems: &mut Vec<Problem>,
) -> Vec<Adversary> {
    let mut adversaries = Vec::new();
    for (index, file) in written.iter().enumerate() {
        let place = place.at(index);
        match resolve(file, &place) {
            Ok(adversary) => {
                problems.extend(mistakes(&adversary, steps, catalogue, &place));
                adversaries.push(adversary);
            }
            Err(found) => problems.extend(found),
        }
    }
    adversaries
}

/// The keys of its kind, which must all be there, and no others.
fn resolve(file: &AdversaryFile, place: &Place<'_>) -> Result<Adversary, Vec<Problem>> {
    let mut keys = Keys {
        left: file.clone(),
        place,
        is_whole: true,
        problems: Vec::new(),
    };
    let adversary = match file.kind {
        AdversaryKind::IdleInTransaction => Adversary::IdleInTransaction {
            sql: keys.take("sql", |file| file.sql.take()),
            hold_ms: keys.take("hold_ms", |file| file.hold_ms.take()),
        },
        AdversaryKind::Snapshot => Adversary::Snapshot {
            hold_ms: keys.take("hold_ms", |file| file.hold_ms.take()),
        },
        AdversaryKind::LongTransaction => Adversary::LongTransaction {
            sql: keys.take("sql", |file| file.sql.take()),
            hold_ms: keys.take("hold_ms", |file| file.hold_ms.take()),
        },
        AdversaryKind::WraparoundVacuum => Adversary::WraparoundVacuum {
            table: keys.take("table", |file| file.table.take()),
            hold_ms: keys.take("hold_ms", |file| file.hold_ms.take()),
        },
        AdversaryKind::Migrators => Adversary::Migrators {
            count: keys.take("count", |file| file.count.take()),
        },
    };
    keys.finish().map(|()| adversary)
}

/// Takes keys one by one; those left over are strangers.
struct Keys<'p> {
    left: AdversaryFile,
    place: &'p Place<'p>,
    is_whole: bool,
    problems: Vec<Problem>,
}

impl Keys<'_> {
    fn take<T: Default>(&mut self, key: &str, take: impl Fn(&mut AdversaryFile) -> Option<T>) -> T {
        take(&mut self.left).unwrap_or_else(|| {
            self.is_whole = false;
            let place = self.place.at(key);
            // What has a mistake of its own has been told, and left out.
            if !place.is_written() {
                let message = format!("the key `{key}` is missing");
                self.problems.push(place.problem(message));
            }
            T::default()
        })
    }

    fn finish(mut self) -> Result<(), Vec<Problem>> {
        let strangers = [
            ("sql", self.left.sql.is_some()),
            ("table", self.left.table.is_some()),
            ("hold_ms", self.left.hold_ms.is_some()),
            ("count", self.left.count.is_some()),
        ];
        for (key, _) in strangers.iter().filter(|(_, is_left)| *is_left) {
            let message = format!("an adversary of this kind has no `{key}`");
            self.problems.push(self.place.at(*key).problem(message));
        }
        match self.is_whole && self.problems.is_empty() {
            true => Ok(()),
            false => Err(self.problems),
        }
    }
}

/// What does not fit the dataset or the steps.
fn mistakes(
    adversary: &Adversary,
    steps: &[Step],
    catalogue: Catalogue<'_>,
    place: &Place<'_>,
) -> Vec<Problem> {
    match adversary {
        Adversary::IdleInTransaction { sql, .. } => check_sql(sql, false, catalogue, place),
        Adversary::LongTransaction { sql, .. } => check_sql(sql, true, catalogue, place),
        Adversary::WraparoundVacuum { table, .. } => {
            let name = table.rsplit('.').next().unwrap_or(table);
            let is_missing = catalogue.table(name) == Known::No;
            let problem = || {
                let message = format!("no table `{name}` in the dataset");
                place.at("table").problem(message)
            };
            let missing = is_missing.then(|| problem().meant(name, catalogue.table_names()));
            missing.into_iter().collect()
        }
        Adversary::Migrators { count } => check_migrators(*count, steps, place),
        Adversary::Snapshot { .. } => Vec::new(),
    }
}

fn check_sql(
    sql: &str,
    must_write: bool,
    catalogue: Catalogue<'_>,
    place: &Place<'_>,
) -> Vec<Problem> {
    let place = place.at("sql");
    let parsed = match parse_query(sql) {
        Ok(parsed) => parsed,
        Err(mistake) => return vec![place.problem_in_text(mistake.line, mistake.message)],
    };
    let missing = missing_names(&parsed.node, catalogue);
    let mut problems: Vec<Problem> = missing
        .into_iter()
        .map(|missing| Problem {
            hint: missing.hint,
            ..place.problem(missing.message)
        })
        .collect();
    if let Some(first) = parsed.params.first() {
        problems.push(place.problem(format!("there is no value for ${first}")));
    }
    if must_write && parsed.kind == QueryKind::Read {
        let problem = place.problem("a long transaction has written, and this only reads");
        problems.push(problem.hint("a reader that stays is kind = \"idle_in_transaction\""));
    }
    problems
}

fn check_migrators(count: u32, steps: &[Step], place: &Place<'_>) -> Vec<Problem> {
    let place = place.at("count");
    let range = 1..=MIGRATORS_MAX;
    let mut problems = Vec::new();
    if !range.contains(&count) {
        let message = format!("must be from 1 to {MIGRATORS_MAX}");
        problems.push(
            place
                .problem(message)
                .hint("it counts those beside the step's own"),
        );
    }
    if !steps.iter().any(|step| matches!(step, Step::Migrate(_))) {
        problems.push(place.problem("there is no migrate step for them to run"));
    }
    problems
}
