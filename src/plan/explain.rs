//! The resolved plan as text for people, at most 80 columns wide.

mod lines;

use std::fmt::Write;
use std::time::Duration;

use lines::{LABEL, WIDTH, line, wrapped};

use super::{Plan, duration};
use crate::migrations::{Script, StatementKind, Transaction};
use crate::provision::{Choice, OsCache};
use crate::rehearse::workload::{Adversary, App, Migrate, Param, QueryKind, Step};
use crate::units;

const DERIVED: &str =
    "v1 and v2, derived from the schema before and after; --write-workload keeps them";

/// The plan in words, nothing left out that will be done.
pub fn explain(plan: &Plan) -> String {
    let mut text = String::new();
    head(&mut text, plan);
    server(&mut text, plan);
    data(&mut text, plan);
    load(&mut text, plan);
    for app in plan.rehearse.apps.values() {
        traffic(&mut text, app, app.name == plan.rehearse.first_app);
    }
    if plan.derived.is_some() {
        text.push('\n');
        line(&mut text, "Application", DERIVED);
    }
    for adversary in &plan.rehearse.adversaries {
        self::adversary(&mut text, adversary);
    }
    text.push('\n');
    for (index, step) in plan.rehearse.steps.iter().enumerate() {
        self::step(&mut text, index + 1, step);
    }
    text.push('\n');
    budget(&mut text, plan);
    text
}

fn head(text: &mut String, plan: &Plan) {
    let title = format!("{}: {}", plan.name, plan.title);
    wrapped(text, "", "  ", &title);
    for paragraph in plan.about.split("\n\n").filter(|p| !p.trim().is_empty()) {
        text.push('\n');
        wrapped(text, "  ", "  ", paragraph);
    }
    text.push('\n');
}

fn server(text: &mut String, plan: &Plan) {
    let provider = match plan.provision.choice {
        Choice::Auto => "Docker if an engine has the image, else installed binaries",
        Choice::Docker => "Docker",
        Choice::Local => "installed binaries",
        Choice::Url => "the server of --url",
    };
    line(text, "Server", provider);
    let versions: Vec<String> = plan.majors.iter().flatten().map(u16::to_string).collect();
    let versions = match versions.is_empty() {
        true => "whichever version it has".to_owned(),
        false => format!("PostgreSQL {}", versions.join(", ")),
    };
    let mut runs = match plan.runs {
        1 => "1 run".to_owned(),
        runs => format!("{runs} runs"),
    };
    if let Some(against) = &plan.against {
        let _ = write!(runs, ", in turns with those of {}", against.name);
    }
    line(text, "", &format!("{versions}, {runs}"));
    if plan.provision.os_cache == OsCache::Cold {
        line(
            text,
            "",
            "started with none of its files in the system's memory",
        );
    }
    let settings = plan.settings.settings.iter();
    let settings: Vec<String> = settings
        .map(|setting| format!("{} = {}", setting.name, setting.value))
        .collect();
    for (label, names) in [
        ("settings", &settings),
        ("not taken over", &plan.settings.ignored),
    ] {
        if !names.is_empty() {
            line(text, "", &format!("{label}: {}", names.join(", ")));
        }
    }
}

fn data(text: &mut String, plan: &Plan) {
    let dataset = &plan.seed.dataset;
    let what = match dataset.about.as_str() {
        "" => dataset.name.clone(),
        about => format!("{} ({about})", dataset.name),
    };
    line(text, "Dataset", &what);
    if let Some(snapshot) = dataset.snapshot() {
        let size = units::bytes(snapshot.bytes());
        line(
            text,
            "",
            &format!("a snapshot: its rows are those of the dump, which has {size}"),
        );
        return;
    }
    let tables: Vec<String> = plan
        .seed
        .table_rows()
        .into_iter()
        .map(|(table, rows)| format!("{table} {}", units::count(rows)))
        .collect();
    let size = units::bytes(plan.seed.estimated_bytes());
    let rows = format!(
        "rows: {}; about {size} on disk; seed {}",
        tables.join(", "),
        plan.seed.seed
    );
    line(text, "", &rows);
}

fn load(text: &mut String, plan: &Plan) {
    let load = &plan.rehearse.load;
    let what = format!(
        "{} arrivals per second on {} connections, {}",
        load.arrivals_per_s,
        load.connections,
        load.protocol.in_words()
    );
    line(text, "Load", &what);
    let phases = format!(
        "warm-up {}, baseline {}, the steps, recovery {} to {}",
        duration::write(load.warmup),
        duration::write(load.baseline),
        duration::write(load.recovery),
        duration::write(load.recovery_limit)
    );
    line(text, "", &phases);
}

fn traffic(text: &mut String, app: &App, first: bool) {
    let total: f64 = app.queries.iter().map(|query| query.weight).sum();
    let mut head = app.name.clone();
    if first {
        head.push_str(", runs before the migration");
    }
    if let Some(owner) = &app.owner {
        let _ = write!(head, ", owned by {owner}");
    }
    text.push('\n');
    line(text, "Application", &head);
    let widest = app
        .queries
        .iter()
        .map(|query| query.name.chars().count())
        .max();
    let widest = widest.unwrap_or(0).min(30);
    for query in &app.queries {
        let kind = match query.kind {
            QueryKind::Read => "read ",
            QueryKind::Write => "write",
        };
        let share = 100.0 * query.weight / total;
        let params: Vec<String> = query.params.iter().map(param).collect();
        let what = format!("{kind} {share:5.1} %  {:widest$}", query.name);
        let values = format!("({})", params.join(", "));
        if params.is_empty() {
            line(text, "", what.trim_end());
        } else if LABEL + 1 + what.chars().count() + 2 + values.chars().count() <= WIDTH {
            line(text, "", &format!("{what}  {values}"));
        } else {
            line(text, "", what.trim_end());
            let below = " ".repeat(LABEL + 17);
            wrapped(text, &below, &format!("{below} "), &values);
        }
    }
}

fn param(param: &Param) -> String {
    match param {
        Param::Column(column) if column.skew > 0.0 => {
            format!("{} skew {}", column.column, column.skew)
        }
        Param::Column(column) => column.column.clone(),
        // A generator is written as in the file: its name is its only key.
        Param::Made(generator) => match serde_json::to_value(generator) {
            Ok(serde_json::Value::Object(made)) => made.keys().cloned().collect(),
            Ok(serde_json::Value::String(name)) => name,
            _ => "made".to_owned(),
        },
    }
}

fn adversary(text: &mut String, adversary: &Adversary) {
    let until = match adversary.hold_ms() {
        Some(hold_ms) => {
            let hold = duration::write(Duration::from_millis(hold_ms));
            format!("until {hold} after the first step has begun")
        }
        None => "at the same moment as each migrate step".to_owned(),
    };
    let what = format!("{}, {until}", adversary.in_words());
    line(text, "Adversary", &what);
    if let Some(sql) = adversary.sql() {
        line(text, "", &one_line(sql));
    }
}

fn step(text: &mut String, number: usize, step: &Step) {
    let head = format!("Step {number}");
    match step {
        Step::Migrate(migrate) => {
            script(text, &head, &migrate.script);
            if let Some(locking) = locking(migrate) {
                line(text, "", &locking);
            }
        }
        Step::Command(command) => {
            let limit = duration::write(command.limit);
            line(
                text,
                &head,
                &format!("command `{}`, for at most {limit}", command.line),
            );
        }
        Step::Deploy { app, overlap } if overlap.is_zero() => {
            line(text, &head, &format!("deploy {app}, at once"));
        }
        Step::Deploy { app, overlap } => {
            let overlap = duration::write(*overlap);
            line(
                text,
                &head,
                &format!("deploy {app}, side by side with the old one for {overlap}"),
            );
        }
        Step::Wait(span) => line(text, &head, &format!("wait {}", duration::write(*span))),
    }
}

fn script(text: &mut String, head: &str, script: &Script) {
    line(
        text,
        head,
        &format!("migrate {}: {}", script.name, script.transaction.in_words()),
    );
    for statement in &script.statements {
        let outside = statement.kind == StatementKind::OutsideTransaction;
        let how = match script.transaction {
            Transaction::PerStatement if outside => "  [outside a transaction]",
            Transaction::PerStatement => "  [in a transaction of its own]",
            Transaction::OneQuery if outside && script.statements.len() == 1 => {
                "  [outside a transaction]"
            }
            Transaction::WholeFile
            | Transaction::AsWritten
            | Transaction::OneQuery
            | Transaction::AllPending => "",
        };
        let sql = one_line(&statement.sql);
        line(text, "", &format!("line {}: {sql}", statement.line));
        if !how.is_empty() {
            line(text, "", how);
        }
    }
}

/// What its session does about locks that it does not get.
fn locking(migrate: &Migrate) -> Option<String> {
    let timeout = migrate
        .lock_timeout
        .map(|limit| format!("lock_timeout {}", duration::write(limit)));
    let retries = (migrate.retries > 0).then(|| {
        let times = units::counted(u64::from(migrate.retries), "retry", "retries");
        let first = duration::write(migrate.pause_after(1));
        match migrate.retries {
            1 => format!("{times} after {first}"),
            _ => format!("{times}, the first after {first}, each pause twice as long"),
        }
    });
    let told: Vec<String> = timeout.into_iter().chain(retries).collect();
    (!told.is_empty()).then(|| told.join("; "))
}

fn budget(text: &mut String, plan: &Plan) {
    let limits = serde_json::to_value(&plan.budget).unwrap_or_default();
    let mut kept = Vec::new();
    for (key, limit) in limits.as_object().into_iter().flatten() {
        match limit {
            serde_json::Value::Null => {}
            serde_json::Value::Object(modes) => {
                kept.extend(
                    modes
                        .iter()
                        .map(|(mode, limit)| format!("{key}.{mode} <= {}", plain(limit))),
                );
            }
            limit => kept.push(format!("{key} <= {}", plain(limit))),
        }
    }
    if kept.is_empty() {
        kept.push("none: nothing fails this rehearsal".to_owned());
    }
    for (index, limit) in kept.iter().enumerate() {
        line(text, if index == 0 { "Budget" } else { "" }, limit);
    }
}

/// A limit as a person would write it: 500, not 500.0.
fn plain(limit: &serde_json::Value) -> String {
    match limit.as_u64() {
        Some(count) => count.to_string(),
        None => limit.as_f64().unwrap_or(f64::NAN).to_string(),
    }
}

fn one_line(sql: &str) -> String {
    sql.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli;

    fn explained(scenario: &str) -> String {
        let root = env!("CARGO_MANIFEST_DIR");
        let args = cli::Run {
            scenarios: vec![format!("{root}/scenarios/{scenario}")],
            rows: Some(1_000_000),
            runs: 1,
            out: "rehearsals".into(),
            ..Default::default()
        };
        let plans = Plan::resolve(&args).unwrap();
        explain(&plans[0])
    }

    #[test]
    fn a_plan_is_told_whole() {
        let text = explained("drop-column-in-use");
        for part in [
            "drop-column-in-use: A column is dropped that the old application still uses",
            "Docker if an engine has the image, else installed binaries",
            "400 arrivals per second on 32 connections, prepared statements",
            "warm-up 2s, baseline 5s, the steps, recovery 3s to 30s",
            "orders 1,000,000",
            "v1, runs before the migration, owned by checkout",
            "read   18.0 %  order_by_id",
            "write   5.0 %  place_order",
            "orders.id skew 0.6",
            "Step 1       migrate up.sql: one transaction for the whole file",
            "line 1: ALTER TABLE orders DROP COLUMN note",
            "Step 2       wait 1s",
            "Step 3       deploy v2, at once",
            "Budget       hold_ms <= 500",
        ] {
            assert!(text.contains(part), "{part}\n\n{text}");
        }
    }

    #[test]
    fn how_a_statement_is_run_is_told() {
        let text = explained("create-index-concurrently");
        assert!(text.contains("each statement on its own"), "{text}");
        assert!(text.contains("[outside a transaction]"), "{text}");
        assert!(explained("idle-in-transaction").contains("idle in transaction, until 2s after"));
    }

    #[test]
    fn a_plan_fits_a_terminal() {
        for scenario in [
            "idle-in-transaction",
            "set-not-null-by-check",
            "drop-column-in-use",
        ] {
            let text = explained(scenario);
            for line in text.lines() {
                assert!(line.chars().count() <= WIDTH, "{line}");
                assert_eq!(line, line.trim_end());
            }
        }
    }
}
