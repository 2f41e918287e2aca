//! `seed`: fills a database for whatever use, keeps a template for runs to come, or prints how a database would be filled.

use super::stop::{listen, unless_stopped};
use super::{Exit, Failure, output, progress};
use crate::cli;
use crate::plan::SeedPlan;
use crate::plan::seed::Work;
use crate::provision::{self, Named, Role};
use crate::seed::snapshot::{self, Target};
use crate::seed::{self, template};
use crate::talk::Talk;
use crate::units;

pub(super) async fn seed(args: &cli::Seed) -> Result<Exit, Failure> {
    if let Some(url) = &args.like {
        return super::like::like(url, args).await;
    }
    let plan = SeedPlan::resolve(args)?;
    let talk = progress::on_stderr();
    let mut stop = listen(&talk).map_err(|error| Failure::new(Exit::Environment, error))?;
    let done = unless_stopped(&mut stop, work(&plan, &talk)).await;
    match done {
        Some(done) => done.map(|()| Exit::Kept),
        None => Err(Failure::new(
            Exit::Unfinished,
            "stopped before all was filled",
        )),
    }
}

async fn work(plan: &SeedPlan, talk: &Talk) -> Result<(), Failure> {
    match &plan.work {
        Work::Template(spec) => {
            let host = provision::open(&plan.provision, plan.major, talk).await?;
            template::obtain(&host, spec, talk).await?;
            Ok(())
        }
        Work::Database { url, spec } => fill(url, spec, talk).await,
        Work::Explain(spec) => {
            let host = provision::open(&plan.provision, plan.major, talk).await?;
            let key = format!("explain-{}", std::process::id());
            let server = host.start_empty(&key).await?;
            output::print(&seed::explain(&server.config(Role::Migration), spec).await?);
            Ok(())
        }
        Work::ExplainDatabase { url, spec } => {
            let named = Named::to_read(url, "--url").await?;
            output::print(&seed::explain(&named.config, spec).await?);
            Ok(())
        }
    }
}

async fn fill(url: &str, spec: &seed::Spec, talk: &Talk) -> Result<(), Failure> {
    let named = Named::to_change(url, "--url").await?;
    let seeded = match spec.dataset.snapshot() {
        None => seed::fill(&named.config, spec, talk).await?,
        Some(dump) => {
            let target = Target {
                programs: named.programs(),
                config: named.config,
                version: named.version,
                is_own_server: false,
            };
            snapshot::restore(&target, dump, spec.workers, talk).await?
        }
    };
    template::say_what_is_empty(&seeded, talk);
    let rows: u64 = seeded.rows.values().sum();
    talk.note(format!(
        "{} rows in {} tables, {} in all",
        units::count(rows),
        seeded.rows.len(),
        units::bytes(seeded.bytes)
    ));
    Ok(())
}
