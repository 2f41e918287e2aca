//! An empty cache: all templates go, and all that killed runs have left.

use super::docker;
use super::local;
use super::locks::{Cache, Owner};
use super::url::Url;
use super::{Error, Spec};
use crate::talk::Talk;

/// Removes all templates and all that killed runs have left, and says what it removes.
pub async fn clean(spec: &Spec, talk: &Talk) -> Result<(), Error> {
    let owner = Owner::take(Cache::open(&spec.cache_dir)?)?;
    local::sweep(&owner.cache, talk).await;
    local::remove_templates(&owner.cache, talk).await;
    docker::clean(&owner, talk).await?;
    if spec.url.is_some() {
        Url::open(spec, &owner, talk).await?.clean(talk).await?;
    }
    owner.cache.forget_dead_owners();
    Ok(())
}
