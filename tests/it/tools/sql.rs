//! Tools whose migrations are SQL: dbmate, Drizzle and Sqitch. What the tool does itself is what our own run of its
//! directory does, and what our run keeps of the migrations before is what the tool finds.

use pgrehearse::postgres::LockMode::{AccessExclusiveLock, ShareLock, ShareUpdateExclusiveLock};
use pgrehearse::report::Run;

use super::project::{Held, Project, SCHEMA, lock, piled_up, transactions};

const COLUMN: &str = "ALTER TABLE orders ADD COLUMN note text";
const INDEX: &str = "CREATE INDEX orders_placed_at ON orders (placed_at)";
const CONCURRENTLY: &str = "CREATE INDEX CONCURRENTLY orders_status ON orders (status)";

/// The scripts' own statements in the order in which they ran, and the locks of each transaction.
fn done(run: &Run) -> (Vec<&str>, Vec<Held>) {
    let all = run.steps.iter().flat_map(|step| &step.statements);
    let own = all
        .flat_map(|one| one.sql.split(";\n"))
        .filter(|sql| [COLUMN, INDEX, CONCURRENTLY].contains(sql));
    (own.collect(), transactions(run))
}

/// Rehearses the directory by our own rules, on what `base.sql` has of the tool itself, and lets the tool migrate on
/// what `base` says.
fn check(project: &Project, dir: &[&str], base: &[&str], line: &str, expect: impl Fn(&Run)) {
    let by_rules = project.run(&[dir, &["--base", "base.sql"]].concat());
    assert_eq!(by_rules.code, Some(0), "{}", by_rules.said);
    let by_rules = &by_rules.report.runs[0];
    expect(by_rules);
    project.check_on(base, line, |run| {
        assert_eq!(done(run), done(by_rules));
        expect(run);
    });
}

#[test]
#[ignore = "needs the migration tools that .ci/tools installs"]
fn dbmate_has_a_transaction_for_each_file_that_does_not_opt_out() {
    let migration = |sql: &str| format!("-- migrate:up\n{sql}\n\n-- migrate:down\n");
    let tables = migration(SCHEMA);
    let project = Project::new(&[("db/migrations/1_tables.sql", &tables)]);
    let up = "$PGREHEARSE_TOOLS/node/node_modules/.bin/dbmate --no-dump-schema up";
    let dir = ["--migrations", "db/migrations"];
    project.begin_with(up);
    let change = migration(&format!("{COLUMN};\n{INDEX};"));
    project.write(&[("db/migrations/2_change.sql", &change)]);
    check(&project, &dir, &dir, up, |run| {
        let alter = lock(run, COLUMN, AccessExclusiveLock);
        assert_eq!(transactions(run).len(), 1, "{alter:?}");
    });
    project.begin_with(up);
    let index = format!("-- migrate:up transaction:false\n{CONCURRENTLY};\n\n-- migrate:down\n");
    project.write(&[("db/migrations/3_index.sql", &index)]);
    check(&project, &dir, &dir, up, |run| {
        lock(run, CONCURRENTLY, ShareUpdateExclusiveLock);
    });
}

const DRIZZLE_CONFIG: &str = "module.exports = { dialect: 'postgresql', out: './drizzle', schema: './none.js', \
                              dbCredentials: { url: process.env.DATABASE_URL } };\n";

#[test]
#[ignore = "needs the migration tools that .ci/tools installs"]
fn drizzle_has_one_transaction_for_all_that_is_pending() {
    let journal = |tags: &[&str]| {
        let entry = |(idx, tag): (usize, &&str)| {
            let when = 1_700_000_000_000_u64 + idx as u64;
            serde_json::json!({"idx": idx, "version": "7", "when": when, "tag": tag, "breakpoints": true})
        };
        let entries: Vec<_> = tags.iter().enumerate().map(entry).collect();
        serde_json::json!({"version": "7", "dialect": "postgresql", "entries": entries}).to_string()
    };
    let project = Project::new(&[
        ("drizzle.config.js", DRIZZLE_CONFIG),
        ("drizzle/meta/_journal.json", &journal(&["0000_tables"])),
        ("drizzle/0000_tables.sql", SCHEMA),
    ]);
    let migrate = "NODE_PATH=$PGREHEARSE_TOOLS/node/node_modules \
                   $PGREHEARSE_TOOLS/node/node_modules/.bin/drizzle-kit migrate";
    project.begin_with(migrate);
    project.commit();
    let tags = ["0000_tables", "0001_column", "0002_index"];
    let email = "UPDATE users SET email = lower(email) WHERE id = 1";
    project.write(&[
        ("drizzle/meta/_journal.json", &journal(&tags)),
        (
            "drizzle/0001_column.sql",
            &format!("{COLUMN};--> statement-breakpoint\n{email};"),
        ),
        ("drizzle/0002_index.sql", &format!("{INDEX};")),
    ]);
    let dir = ["--migrations", "drizzle", "--since", "HEAD"];
    check(&project, &dir, &dir, migrate, |run| {
        let alter = lock(run, COLUMN, AccessExclusiveLock);
        let index = lock(run, INDEX, ShareLock);
        assert!(piled_up(alter, index), "{alter:?}\n{index:?}");
    });
}

const SQITCH_CONF: &str = "[core]\n\tengine = pg\n[user]\n\tname = n\n\temail = n@example.com\n";

#[test]
#[ignore = "needs the migration tools that .ci/tools installs"]
fn sqitch_runs_scripts_as_written_each_in_a_session_of_its_own() {
    let plan = |changes: &[&str]| {
        let changes = changes
            .iter()
            .map(|change| format!("{change} 2024-01-01T00:00:00Z n <n@example.com> # {change}\n"));
        format!(
            "%syntax-version=1.0.0\n%project=shop\n\n{}",
            changes.collect::<String>()
        )
    };
    let project = Project::new(&[
        ("sqitch.conf", SQITCH_CONF),
        ("sqitch.plan", &plan(&["tables"])),
        ("deploy/tables.sql", SCHEMA),
    ]);
    let deploy = "sqitch deploy db:pg:";
    project.begin_with(deploy);
    project.commit();
    project.write(&[
        ("sqitch.plan", &plan(&["tables", "column", "index"])),
        (
            "deploy/column.sql",
            &format!("BEGIN;\n{COLUMN};\n{INDEX};\nCOMMIT;\n"),
        ),
        ("deploy/index.sql", &format!("{CONCURRENTLY};\n")),
    ]);
    let dir = ["--migrations", ".", "--since", "HEAD"];
    let base = ["--base", "base.sql"];
    check(&project, &dir, &base, deploy, |run| {
        let alter = lock(run, COLUMN, AccessExclusiveLock);
        let index = lock(run, INDEX, ShareLock);
        assert!(piled_up(alter, index), "{alter:?}\n{index:?}");
        let gentle = lock(run, CONCURRENTLY, ShareUpdateExclusiveLock);
        assert!(!piled_up(index, gentle), "{gentle:?}");
        if run.steps[0].command.is_some() {
            // Its own connection, and psql for each script and for each look at the server.
            assert!(run.steps[0].tries.len() > 2, "{:?}", run.steps[0].tries);
            assert_ne!(alter.session, gentle.session);
        }
    });
}
