//! What killed runs have left with the engine, and the templates of a cache: found and removed.

use std::collections::HashMap;

use super::engine::{Engine, LABEL_CACHE, LABEL_OWNER};
use super::{LABEL_MANIFEST, LABEL_TEMPLATE, mark_of};
use crate::provision::locks::{Lock, Owner};
use crate::provision::room::Kept;
use crate::provision::{Error, Manifest};
use crate::talk::Talk;
use crate::units;

/// Removes the containers that killed runs of this cache have left, and then what they were filling.
pub(super) async fn sweep(engine: &Engine, owner: &Owner, talk: &Talk) -> Result<(), Error> {
    let ours = format!("{LABEL_CACHE}={}", owner.cache.id);
    let is_dead = |labels: &HashMap<String, String>| {
        labels
            .get(LABEL_OWNER)
            .is_some_and(|owner_id| !owner.cache.is_alive(owner_id))
    };
    for container in engine.containers(&ours).await? {
        if let (Some(id), Some(labels)) = (container.id, container.labels)
            && is_dead(&labels)
        {
            talk.note(format!(
                "removing the container {id:.12}, left by a run that was killed"
            ));
            engine.remove_container(&id).await?;
        }
    }
    for volume in engine.volumes(&ours).await? {
        let is_data = !volume.labels.contains_key(LABEL_MANIFEST);
        if is_data && is_dead(&volume.labels) {
            let mark = engine.volume(&mark_of(&volume.name)).await?;
            if mark.is_none() && engine.remove_volume(&volume.name).await? {
                talk.note(format!(
                    "removed the volume {}, a template that was not finished",
                    volume.name
                ));
            }
        }
    }
    Ok(())
}

/// The complete templates of a cache, with what their databases take.
pub(super) async fn kept(engine: &Engine, cache: &str) -> Result<Vec<Kept>, Error> {
    let marks = engine.volumes(LABEL_MANIFEST).await?;
    let ours = marks
        .iter()
        .filter(|mark| mark.labels.get(LABEL_CACHE).is_some_and(|id| id == cache));
    let kept = ours.filter_map(|mark| {
        let manifest: Manifest = serde_json::from_str(mark.labels.get(LABEL_MANIFEST)?).ok()?;
        let name = mark.name.strip_suffix(&mark_of(""))?.to_owned();
        Some(Kept {
            lock_name: lock_of(&name),
            name,
            bytes: manifest.bytes,
        })
    });
    Ok(kept.collect())
}

/// The data first: a mark without data is no template, but data without a mark is in doubt.
pub(super) async fn remove(engine: &Engine, volume: &str) -> Result<bool, Error> {
    let is_gone = engine.remove_volume(volume).await?;
    if is_gone {
        engine.remove_volume(&mark_of(volume)).await?;
    }
    Ok(is_gone)
}

fn lock_of(volume: &str) -> String {
    volume.replacen("pgrehearse", "docker", 1)
}

/// Removes the templates of this cache that no container is using, if there is an engine.
pub(in crate::provision) async fn clean(owner: &Owner, talk: &Talk) -> Result<(), Error> {
    let Ok(engine) = Engine::connect().await else {
        return Ok(());
    };
    sweep(&engine, owner, talk).await?;
    let mut kept = kept(&engine, &owner.cache.id).await?;
    for volume in engine.volumes(LABEL_TEMPLATE).await? {
        let name = &volume.name;
        if volume.labels.contains_key(LABEL_MANIFEST) {
            continue;
        }
        if volume.labels.get(LABEL_CACHE) != Some(&owner.cache.id) {
            talk.note(format!(
                "the template volume {name} was made with another cache directory and stays; \
                 docker volume rm {name} {} removes it",
                mark_of(name)
            ));
            continue;
        }
        let lock_name = lock_of(name);
        let lock = Lock::try_exclusive(&owner.cache.lock_path(&lock_name));
        if matches!(lock, Ok(Some(_))) && remove(&engine, name).await? {
            let of = kept.iter().position(|kept| kept.name == *name);
            let bytes = of.map_or(0, |at| kept.swap_remove(at).bytes);
            talk.note(format!(
                "removed the template volume {name}, {}",
                units::bytes(bytes)
            ));
        } else {
            talk.note(format!("the template volume {name} is in use and stays"));
        }
    }
    Ok(())
}
