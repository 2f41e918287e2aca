//! Sqitch: `sqitch.plan` names the changes in their order; psql runs `deploy/` and `revert/` as they are written.

use std::path::PathBuf;

use super::{Fit, Layout, Mistake, Rules, checked, literal, lock, stranger, unlock};
use crate::input::{Problem, Problems};
use crate::migrations::directory::{Migration, Part};
use crate::migrations::listing::Listing;
use crate::migrations::script::{Around, Transaction};

pub(in crate::migrations) const RULES: Rules = Rules {
    layout: Layout::Sqitch,
    name: "sqitch",
    fits,
    read,
};

const PLAN: &str = "sqitch.plan";

/// Sqitch's own key.
const KEY: &str = "75474063";

/// As far as they are written here; with all that a row must have where Sqitch itself has made them.
const TABLES: [&str; 3] = [
    "CREATE SCHEMA IF NOT EXISTS sqitch",
    "CREATE TABLE IF NOT EXISTS sqitch.projects (project text PRIMARY KEY, \
     created_at timestamptz NOT NULL DEFAULT clock_timestamp(), creator_name text NOT NULL, \
     creator_email text NOT NULL)",
    "CREATE TABLE IF NOT EXISTS sqitch.changes (change_id text PRIMARY KEY, change text NOT NULL, \
     project text NOT NULL REFERENCES sqitch.projects (project) ON UPDATE CASCADE, \
     committed_at timestamptz NOT NULL DEFAULT clock_timestamp(), committer_name text NOT NULL, \
     committer_email text NOT NULL, planned_at timestamptz NOT NULL, planner_name text NOT NULL, \
     planner_email text NOT NULL)",
];

/// A plan and the directory with its `deploy` and `revert`.
struct Place {
    plan: PathBuf,
    top: Listing,
}

/// A change of the plan.
struct Change {
    name: String,
    line: usize,
    requires: Vec<String>,
    /// The tags between this change and the next, or up to the one that is made anew.
    tags: Vec<String>,
}

fn fits(listing: &Listing) -> Option<Fit> {
    place(listing).ok().flatten().map(|_| Fit::Marker)
}

/// The plan in the directory or the one above, for the directory itself or its `deploy`.
fn place(listing: &Listing) -> Result<Option<Place>, Problem> {
    let above = listing.dir.canonicalize().ok();
    let above = above.as_deref().and_then(|dir| dir.parent());
    let plan = if listing.has(PLAN) {
        listing.dir.join(PLAN)
    } else {
        match above.map(|dir| dir.join(PLAN)).filter(|plan| plan.exists()) {
            Some(plan) => plan,
            None => return Ok(None),
        }
    };
    if listing.has("deploy") {
        let top = listing.clone();
        return Ok(Some(Place { plan, top }));
    }
    match above {
        Some(above) if listing.dir.ends_with("deploy") => {
            let top = Listing::of(above)?;
            Ok(Some(Place { plan, top }))
        }
        _ => Ok(None),
    }
}

fn read(listing: &Listing) -> Result<Vec<Migration>, Problems> {
    let Some(Place { plan, top }) = place(listing)? else {
        let message = "no sqitch.plan with a directory `deploy` beside it";
        return Err(Problem::file(&listing.dir, message).into());
    };
    let text = std::fs::read_to_string(&plan)
        .map_err(|error| Problem::file(&plan, format!("cannot read it: {error}")))?;
    let in_plan = |line: usize, message: String| Problem::file(&plan, message).at_line(line);
    let (project, changes) = parse(&text).map_err(|(line, message)| in_plan(line, message))?;
    let (mut migrations, mut problems) = (Vec::<Migration>::new(), Vec::new());
    for (at, change) in changes.iter().enumerate() {
        let (before, after) = changes.split_at(at);
        for wanted in &change.requires {
            if !before.iter().any(|earlier| earlier.name == *wanted) {
                let message = format!("{} requires {wanted}, which is not before it", change.name);
                problems.push(in_plan(change.line, message));
            }
        }
        let script = match script_of(&top, change, &after[1..]) {
            Some(script) => script,
            None => {
                let message = format!("{} has no deploy/{}.sql", change.name, change.name);
                problems.push(in_plan(change.line, message));
                continue;
            }
        };
        migrations.push(migration(&top, &project, &script)?);
    }
    for file in top.within("deploy")?.files_below()? {
        let name = format!("deploy/{file}");
        if !migrations.iter().any(|migration| migration.name == name) {
            problems.push(stranger(
                &top,
                Layout::Sqitch,
                &name,
                "it is not in sqitch.plan",
            ));
        }
    }
    checked(migrations, problems)
}

/// The project and the changes of a plan, or the line that is none of either.
fn parse(text: &str) -> Result<(String, Vec<Change>), Mistake> {
    let (mut project, mut changes) = (String::new(), Vec::<Change>::new());
    for (line, written) in (1..).zip(text.lines()) {
        let written = written.split('#').next().unwrap_or_default().trim();
        if let Some(pragma) = written.strip_prefix('%') {
            if let Some(("project", name)) = pragma.split_once('=') {
                name.clone_into(&mut project);
            }
            continue;
        }
        let mut words = written.split_whitespace();
        let Some(name) = words.next() else { continue };
        if let Some(tag) = name.strip_prefix('@') {
            let Some(change) = changes.last_mut() else {
                return Err((line, format!("tag @{tag} stands before any change")));
            };
            change.tags.push(tag.to_owned());
            continue;
        }
        if name.starts_with(['-', '+']) {
            return Err((
                line,
                format!("`{written}`: signs before a change are not understood"),
            ));
        }
        let dependencies = written
            .split_once('[')
            .and_then(|(_, rest)| rest.split_once(']'));
        let requires = dependencies.map_or("", |(inside, _)| inside);
        changes.push(Change {
            name: name.to_owned(),
            line,
            // Conflicts, other projects' changes and those at a tag are left to Sqitch.
            requires: requires
                .split_whitespace()
                .filter(|wanted| !wanted.contains(['!', ':', '@']))
                .map(str::to_owned)
                .collect(),
            tags: Vec::new(),
        });
    }
    Ok((project, changes))
}

/// The name of a change's scripts: that of a change which a later one makes anew ends with a tag in between.
fn script_of(top: &Listing, change: &Change, later: &[Change]) -> Option<String> {
    let exists = |name: &String| top.has(&format!("deploy/{name}.sql"));
    let anew = later.iter().position(|one| one.name == change.name);
    let Some(anew) = anew else {
        return Some(change.name.clone()).filter(exists);
    };
    let between = later[..anew].iter().flat_map(|one| &one.tags);
    let tags = change.tags.iter().chain(between);
    tags.map(|tag| format!("{}@{tag}", change.name))
        .find(exists)
}

fn migration(top: &Listing, project: &str, script: &str) -> Result<Migration, Problem> {
    let part = |dir: &str, row: String| -> Result<Part, Problem> {
        let file = format!("{dir}/{script}.sql");
        let text = top.text(&file)?;
        let mut before = vec![lock(KEY)];
        before.extend(TABLES.map(str::to_owned));
        before.push(format!(
            "INSERT INTO sqitch.projects (project, creator_name, creator_email) VALUES ({}, '', '') \
             ON CONFLICT DO NOTHING",
            literal(project)
        ));
        Ok(
            Part::new(top, &file, text, Transaction::AsWritten).with(Around {
                before,
                inside: Vec::new(),
                after: vec![row, unlock(KEY)],
            }),
        )
    };
    let (id, project) = (literal(script), literal(project));
    let up = part(
        "deploy",
        format!(
            "BEGIN; LOCK TABLE sqitch.changes IN EXCLUSIVE MODE; \
             INSERT INTO sqitch.changes (change_id, change, project, committer_name, committer_email, planned_at, \
             planner_name, planner_email) VALUES ({id}, {id}, {project}, '', '', now(), '', ''); COMMIT"
        ),
    )?;
    let down = if top.has(&format!("revert/{script}.sql")) {
        let row = format!(
            "BEGIN; LOCK TABLE sqitch.changes IN EXCLUSIVE MODE; \
             DELETE FROM sqitch.changes WHERE change_id = {id}; COMMIT"
        );
        Some(part("revert", row)?)
    } else {
        None
    };
    Ok(Migration::new(script.to_owned(), up, down))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refuse, sends};
    use super::*;

    const HEAD: &str = "%syntax-version=1.0.0\n%project=shop\n\n";

    fn plan(lines: &[&str]) -> String {
        let planned = lines
            .iter()
            .map(|line| format!("{line} 2024-01-01T00:00:00Z N <n@e> # note\n"));
        planned.fold(HEAD.to_owned(), |plan, line| plan + &line)
    }

    #[test]
    fn the_plan_orders_and_scripts_run_as_written() {
        let plan = plan(&["zoo", "app/users [zoo !other]", "@v1", "zoo [zoo@v1]"]);
        let directory = check(
            Layout::Sqitch,
            &[
                (PLAN, &plan),
                ("deploy/zoo@v1.sql", "BEGIN;\nSELECT 1;\nCOMMIT;"),
                ("revert/zoo@v1.sql", "SELECT -1;"),
                (
                    "deploy/app/users.sql",
                    "CREATE INDEX CONCURRENTLY i ON t (a);",
                ),
                ("deploy/zoo.sql", "SELECT 3;"),
                ("verify/zoo.sql", "SELECT 4;"),
            ],
            &[
                "zoo@v1 up deploy/zoo@v1.sql [AsWritten] 1: BEGIN | 2: SELECT 1 | 3: COMMIT",
                "zoo@v1 down revert/zoo@v1.sql [AsWritten] 1: SELECT -1",
                "app/users up deploy/app/users.sql [AsWritten] 1: CREATE INDEX CONCURRENTLY i ON t (a)",
                "zoo up deploy/zoo.sql [AsWritten] 1: SELECT 3",
            ],
        );
        sends(
            &directory.migrations[1].up.around,
            &[
                "pg_advisory_lock(75474063)",
                "SCHEMA",
                "projects",
                "changes",
                "VALUES ('shop', '', '')",
            ],
            &[],
            &["VALUES ('app/users', 'app/users', 'shop', ", "unlock"],
        );
    }

    #[test]
    fn plan_and_scripts_must_agree() {
        let plan = plan(&["a [c]", "b"]);
        refuse(
            Layout::Sqitch,
            &[(PLAN, &plan), ("deploy/a.sql", ""), ("deploy/x.sql", "")],
            &[
                "m/sqitch.plan:4: a requires c, which is not before it",
                "m/sqitch.plan:5: b has no deploy/b.sql",
                "m/deploy/x.sql: not a migration as sqitch names them: it is not in sqitch.plan; \
                 move it elsewhere, or name another tool with --layout",
            ],
        );
    }
}
