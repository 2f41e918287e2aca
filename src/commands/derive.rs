//! The traffic of a rehearsal that brings none: derived from the schema before and after.

use std::collections::BTreeMap;

use super::{Exit, Failure};
use crate::plan::derived::{self, Derived, derived_apps};
use crate::plan::scenario::WorkloadFile;
use crate::plan::{self, written};
use crate::provision::{Host, Role, Server, Settings, Template};
use crate::rehearse;
use crate::rehearse::load::trial;
use crate::rehearse::workload::App;
use crate::seed;
use crate::seed::structure::Structure;
use crate::talk::Talk;

/// Derives it from what a server makes of the schema, and writes it where that is asked for.
pub(super) async fn apps(
    derived: &Derived,
    host: &Host,
    template: &Template,
    data: &seed::Spec,
    talk: &Talk,
) -> Result<BTreeMap<String, App>, Failure> {
    // Without rows it is quicker; but what is restored comes with them.
    let server = match data.dataset.snapshot() {
        None => {
            let key = format!("schema-{}", std::process::id());
            host.start_empty(&key).await?
        }
        Some(_) => host.start_clone(template, &Settings::new()).await?,
    };
    let config = server.config(Role::Migration);
    let migrations = match derived.command {
        None => &derived.migrations[..],
        Some(_) => &[],
    };
    let mut schemas = seed::schemas(&config, &data.dataset, migrations).await?;
    if let Some(command) = &derived.command {
        talk.note(format!(
            "running `{}` without rows, for what it makes of the schema",
            command.line
        ));
        let ran = rehearse::command::run(command, &server).await;
        ran.map_err(|error| Failure::new(Exit::Environment, error))?;
        schemas.after = Some(Structure::of(&config).await?);
    }
    let rows = &template.manifest.rows;
    let mut workload = derived.workload(&schemas, data, rows);
    stop(server, talk).await;
    leave_out_what_fails(&mut workload, host, template, data, talk).await?;
    if let Some(path) = &derived.write_to {
        std::fs::write(path, written::to_toml(&workload)).map_err(|error| {
            let message = format!("cannot write {}: {error}", path.display());
            Failure::new(Exit::Environment, message)
        })?;
        talk.note(format!("the derived traffic is in {}", path.display()));
    }
    Ok(derived_apps(&workload, data)?)
}

/// Tries the queries of the version that runs before the migration, on a clone of their own.
async fn leave_out_what_fails(
    workload: &mut WorkloadFile,
    host: &Host,
    template: &Template,
    data: &seed::Spec,
    talk: &Talk,
) -> Result<(), Failure> {
    let apps = derived_apps(workload, data)?;
    let Some(first) = apps.get(plan::FIRST_APP) else {
        return Ok(());
    };
    let server = host.start_clone(template, &Settings::new()).await?;
    let failing = trial::failing(&server.config(Role::Load), first, data).await;
    stop(server, talk).await;
    let failing = failing.map_err(|error| Failure::new(Exit::Environment, error))?;
    for (query, why) in &failing {
        talk.note(format!(
            "left out of the traffic, it fails by itself: {query}: {why}"
        ));
    }
    derived::without(workload, &failing);
    Ok(())
}

async fn stop(server: Server, talk: &Talk) {
    if let Err(error) = server.stop().await {
        talk.note(format!("stopping the server: {error}"));
    }
}
