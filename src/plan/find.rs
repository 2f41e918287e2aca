//! Where scenarios and datasets are found.

use std::path::{Path, PathBuf};

use crate::cli;
use crate::input::{Place, Problem, did_you_mean};

/// A scenario's directory, and the name that reports give it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub name: String,
    pub dir: PathBuf,
}

/// The scenarios that were asked for, in the order typed; names are looked up in `base`/scenarios.
pub fn scenarios(base: &Path, args: &cli::Run, problems: &mut Vec<Problem>) -> Vec<Found> {
    let shelf = base.join("scenarios");
    let mut found: Vec<Found> = Vec::new();
    if args.scenarios.is_empty() && !(args.all || args.list || args.only.is_some()) {
        let problem = Problem::new("nothing is named to rehearse, and there is no pgrehearse.toml");
        problems.push(problem.hint(
            "give a SCENARIO, --all, or --migrations DIR; pgrehearse init writes a pgrehearse.toml",
        ));
        return found;
    }
    if args.scenarios.is_empty() {
        found = shelved(&shelf)
            .into_iter()
            .map(|name| on_shelf(&shelf, name))
            .collect();
        if found.is_empty() {
            let problem = Problem::file(&shelf, "no scenario here");
            problems.push(problem.hint("a scenario is a directory with a scenario.toml"));
            return found;
        }
    }
    for typed in &args.scenarios {
        match scenario(base, &shelf, typed) {
            Ok(one) if found.iter().any(|other| other.name == one.name) => problems.push(
                Problem::argument(
                    "SCENARIO",
                    typed,
                    "two scenarios of this name were asked for",
                )
                .hint("their reports would overwrite each other: run them one by one"),
            ),
            Ok(one) => found.push(one),
            Err(problem) => problems.push(problem),
        }
    }
    let Some(pattern) = &args.only else {
        return found;
    };
    let any = !found.is_empty();
    let names: Vec<String> = found.iter().map(|f| f.name.clone()).collect();
    found.retain(|scenario| matches(pattern, &scenario.name));
    if any && found.is_empty() {
        problems.push(
            Problem::argument("--only", pattern, "matches no scenario")
                .hint(format!("there are: {}", names.join(", "))),
        );
    }
    found
}

/// The scenario that the only one of `found` is compared with.
pub fn against(
    base: &Path,
    args: &cli::Run,
    found: &[Found],
    problems: &mut Vec<Problem>,
) -> Option<Found> {
    let typed = args.against.as_ref()?;
    if found.len() > 1 {
        let names: Vec<&str> = found.iter().map(|one| one.name.as_str()).collect();
        let message = format!(
            "one scenario can be compared with it, not {}",
            names.join(", ")
        );
        let problem = Problem::argument("--against", typed, message);
        problems.push(problem.hint("give exactly one SCENARIO beside --against"));
    }
    let found = scenario(base, &base.join("scenarios"), typed);
    let named = |problem: Problem| Problem {
        key: Some("--against".to_owned()),
        ..problem
    };
    found.map_err(|problem| problems.push(named(problem))).ok()
}

fn scenario(base: &Path, shelf: &Path, typed: &str) -> Result<Found, Problem> {
    let path = base.join(typed);
    let dir = match path.file_name() {
        Some(name) if name == "scenario.toml" => path.parent().unwrap_or(&path).to_owned(),
        _ => path,
    };
    if dir.join("scenario.toml").is_file() {
        let full = std::fs::canonicalize(&dir).unwrap_or_else(|_| dir.clone());
        let name = full.file_name().unwrap_or_default().display().to_string();
        return Ok(Found { name, dir });
    }
    if shelf.join(typed).join("scenario.toml").is_file() {
        return Ok(on_shelf(shelf, typed.to_owned()));
    }
    let problem = if dir.is_dir() {
        Problem::argument("SCENARIO", typed, "this directory has no scenario.toml")
    } else {
        Problem::argument("SCENARIO", typed, "no such scenario")
    };
    Err(problem.hint(suggestion(typed, &shelved(shelf), "scenarios/")))
}

fn on_shelf(shelf: &Path, name: String) -> Found {
    let dir = shelf.join(&name);
    Found { name, dir }
}

/// The names of the directories that hold a scenario.
fn shelved(shelf: &Path) -> Vec<String> {
    let mut names = directories(shelf);
    names.retain(|name| shelf.join(name).join("scenario.toml").is_file());
    names
}

/// The directory of the dataset that a scenario names: a path relative to it, or a name in `seeds/`
/// beside its `scenarios/` or in `base`.
pub fn dataset(
    base: &Path,
    scenario: &Path,
    named: &str,
    place: &Place<'_>,
) -> Result<PathBuf, Problem> {
    if named.contains('/') || named.starts_with('.') {
        let dir = scenario.join(named);
        if dir.is_dir() {
            return Ok(dir);
        }
        let message = format!("no such directory: {}", dir.display());
        return Err(place
            .problem(message)
            .hint("the path is relative to the scenario"));
    }
    let shelves = [beside(base, scenario), base.join("seeds")];
    let found = shelves
        .iter()
        .map(|shelf| shelf.join(named))
        .find(|dir| dir.is_dir());
    found.ok_or_else(|| {
        let mut known: Vec<String> = shelves
            .iter()
            .flat_map(|shelf| directories(shelf))
            .collect();
        known.sort_unstable();
        known.dedup();
        let hint = suggestion(named, &known, "seeds/");
        place.problem("no such dataset").hint(hint)
    })
}

/// The file, or the directory of a dump, that a scenario names as its dataset.
pub fn file(
    scenario: &Path,
    named: &str,
    place: &Place<'_>,
    problems: &mut Vec<Problem>,
) -> Option<PathBuf> {
    let path = scenario.join(named);
    if !path.exists() {
        let problem = place.problem(format!("no such file: {}", path.display()));
        problems.push(problem.hint("the path is relative to the scenario"));
        return None;
    }
    Some(path)
}

/// The dataset that was typed: a path from `base`, of a directory or of a schema, or a name in `base`/seeds.
pub fn typed_dataset(base: &Path, typed: &str) -> Result<PathBuf, Problem> {
    let shelf = base.join("seeds");
    let found = [base.join(typed), shelf.join(typed)];
    found.into_iter().find(|path| path.exists()).ok_or_else(|| {
        let hint = suggestion(typed, &directories(&shelf), "seeds/");
        Problem::argument("DATASET", typed, "no such dataset").hint(hint)
    })
}

/// The `seeds/` beside the directory that holds the scenario, as seen from `base` where it is in there,
/// so that every scenario calls a dataset's files the same.
fn beside(base: &Path, scenario: &Path) -> PathBuf {
    let full = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let scenario = full(scenario);
    let shelf = scenario
        .ancestors()
        .nth(2)
        .unwrap_or(&scenario)
        .join("seeds");
    let here = if base.as_os_str().is_empty() {
        Path::new(".")
    } else {
        base
    };
    match shelf.strip_prefix(full(here)) {
        Ok(inside) => base.join(inside),
        Err(_) => shelf,
    }
}

fn directories(parent: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().display().to_string())
        .collect();
    names.sort_unstable();
    names
}

fn suggestion(typed: &str, known: &[String], shelf: &str) -> String {
    did_you_mean(typed, known.iter().map(String::as_str)).unwrap_or_else(|| match known {
        [] => format!("there is no {shelf} here: give the path of a directory"),
        known => format!("there are: {}", known.join(", ")),
    })
}

/// `lock` matches every name it is a part of; `add-*` as a shell would.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return name.contains(pattern);
    };
    let Some(mut left) = name.strip_prefix(start) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        match left.find(part) {
            Some(at) => left = &left[at + part.len()..],
            None => return false,
        }
    }
    left.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Document;

    fn shelf() -> tempfile::TempDir {
        let base = tempfile::tempdir().unwrap();
        for name in ["create-index", "lock-queue"] {
            let dir = base.path().join("scenarios").join(name);
            std::fs::create_dir_all(&dir).unwrap();
            std::fs::write(dir.join("scenario.toml"), "").unwrap();
        }
        std::fs::create_dir_all(base.path().join("seeds/shop")).unwrap();
        base
    }

    fn find(typed: &[&str], only: Option<&str>) -> (Vec<String>, Vec<String>) {
        let base = shelf();
        let args = cli::Run {
            scenarios: typed.iter().map(ToString::to_string).collect(),
            only: only.map(ToOwned::to_owned),
            all: typed.is_empty(),
            ..Default::default()
        };
        let mut problems = Vec::new();
        let found = scenarios(base.path(), &args, &mut problems);
        let names = found.into_iter().map(|f| f.name).collect();
        (names, problems.iter().map(Problem::to_string).collect())
    }

    #[test]
    fn a_scenario_is_a_name_a_directory_or_its_file() {
        for typed in [
            "create-index",
            "scenarios/create-index",
            "./scenarios/create-index/",
            "scenarios/create-index/scenario.toml",
        ] {
            let (names, problems) = find(&[typed], None);
            assert_eq!(names, ["create-index"], "{typed}: {problems:?}");
        }
        assert_eq!(find(&[], None).0, ["create-index", "lock-queue"]);
    }

    #[test]
    fn an_unknown_scenario_is_told_the_near_miss_or_all() {
        assert_eq!(
            find(&["create-indx", "zebra", "seeds"], None).1,
            [
                "SCENARIO = create-indx: no such scenario; did you mean `create-index`?",
                "SCENARIO = zebra: no such scenario; there are: create-index, lock-queue",
                "SCENARIO = seeds: this directory has no scenario.toml; there are: create-index, lock-queue",
            ]
        );
        let (_, problems) = find(&["lock-queue", "scenarios/lock-queue"], None);
        assert!(problems[0].contains("two scenarios of this name"));
    }

    #[test]
    fn only_keeps_what_matches_and_says_when_nothing_does() {
        assert_eq!(find(&[], Some("lock")).0, ["lock-queue"]);
        assert_eq!(find(&[], Some("*index")).0, ["create-index"]);
        assert_eq!(
            find(&[], Some("zebra")).1,
            ["--only = zebra: matches no scenario; there are: create-index, lock-queue"]
        );
        assert!(matches("a*c*e", "abcde") && !matches("a*e*c", "abcde"));
    }

    #[test]
    fn one_scenario_is_compared_with_another_or_with_itself() {
        let base = shelf();
        let check = |typed: &[&str], named: &str| {
            let args = cli::Run {
                scenarios: typed.iter().map(ToString::to_string).collect(),
                against: Some(named.to_owned()),
                ..Default::default()
            };
            let mut problems = Vec::new();
            let found = scenarios(base.path(), &args, &mut problems);
            let against = against(base.path(), &args, &found, &mut problems);
            let problems: Vec<String> = problems.iter().map(Problem::to_string).collect();
            (against.map(|found| found.name), problems)
        };
        let itself = check(&["lock-queue"], "scenarios/lock-queue");
        assert_eq!(itself, (Some("lock-queue".to_owned()), Vec::new()));
        assert_eq!(
            check(&["lock-queue"], "lock-queu").1,
            ["--against = lock-queu: no such scenario; did you mean `lock-queue`?"]
        );
        assert_eq!(
            check(&["lock-queue", "create-index"], "create-index").1,
            [
                "--against = create-index: one scenario can be compared with it, not lock-queue, create-index; \
                 give exactly one SCENARIO beside --against"
            ]
        );
    }

    #[test]
    fn a_dataset_is_a_name_in_seeds_or_a_path() {
        let base = shelf();
        let scenario = base.path().join("scenarios/create-index");
        let document = Document::new("scenario.toml", "dataset = 'shp'");
        let place = document.root().at("dataset");
        let find = |named| dataset(Path::new("/nonexistent"), &scenario, named, &place);
        assert!(find("shop").unwrap().is_dir());
        assert!(find("../../seeds/shop").unwrap().is_dir());
        assert_eq!(
            find("shp").unwrap_err().to_string(),
            "scenario.toml:1: dataset = 'shp': no such dataset; did you mean `shop`?"
        );
        assert!(find("./nothing").is_err());
    }
}
