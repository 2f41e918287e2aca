//! Room for templates: the cache has a limit, and what was used last longest ago goes first.

use std::path::Path;
use std::time::SystemTime;

use super::Error;
use super::docker::Docker;
use super::local::Local;
use super::locks::{Cache, Lock};
use crate::talk::Talk;
use crate::units;

/// A template that is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    /// What the provider calls it.
    pub(super) name: String,
    pub(super) lock_name: String,
    pub(super) bytes: u64,
}

/// Where the templates are.
pub(super) enum Shelf<'a> {
    Local(&'a Local),
    Docker(&'a Docker),
}

/// What templates may take where nothing is said: a quarter of the disk.
pub(super) fn default_limit_bytes(dir: &Path) -> u64 {
    let disk = rustix::fs::statvfs(dir);
    disk.map_or(u64::MAX, |disk| disk.f_blocks * disk.f_frsize / 4)
}

/// Removes templates until the others fit, but none that somebody uses, and not the one with the lock `built`.
pub(super) async fn make(
    shelf: Shelf<'_>,
    cache: &Cache,
    built: &str,
    limit_bytes: u64,
    talk: &Talk,
) -> Result<(), Error> {
    let mut kept = match &shelf {
        Shelf::Local(local) => local.kept(),
        Shelf::Docker(docker) => docker.kept().await?,
    };
    let mut total: u64 = kept.iter().map(|template| template.bytes).sum();
    kept.sort_by_cached_key(|template| last_used(cache, template));
    for template in kept {
        if total <= limit_bytes {
            return Ok(());
        }
        if template.lock_name == built {
            continue;
        }
        let lock = Lock::try_exclusive(&cache.lock_path(&template.lock_name));
        let Ok(Some(_lock)) = lock else { continue };
        let is_gone = match &shelf {
            Shelf::Local(local) => local.remove(&template.name).await,
            Shelf::Docker(docker) => docker.remove(&template.name).await?,
        };
        if is_gone {
            total = total.saturating_sub(template.bytes);
            talk.note(format!(
                "removed the template {}, {}, as the one used longest ago: templates may take {} (--cache-size)",
                template.name,
                units::bytes(template.bytes),
                units::bytes(limit_bytes)
            ));
        }
    }
    if total > limit_bytes {
        talk.note(format!(
            "templates take {}, more than the {} of --cache-size: those that are left are in use",
            units::bytes(total),
            units::bytes(limit_bytes)
        ));
    }
    Ok(())
}

/// Whoever uses a template touches its lock file.
fn last_used(cache: &Cache, template: &Kept) -> SystemTime {
    let lock = std::fs::metadata(cache.lock_path(&template.lock_name));
    let touched = lock.and_then(|lock| lock.modified());
    touched.unwrap_or(SystemTime::UNIX_EPOCH)
}
