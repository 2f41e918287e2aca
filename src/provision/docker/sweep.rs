//! What killed runs have left with the engine, and the templates of a cache: found and removed.

use std::collections::HashMap;

use super::engine::{Engine, LABEL_CACHE, LABEL_OWNER};
use super::{LABEL_MANIFEST, LABEL_TEMPLATE, mark_of};
use crate::provision::Error;
use crate::provision::locks::{Lock, Owner};
use crate::talk::Talk;

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

/// Removes the templates of this cache that no container is using, if there is an engine.
pub(in crate::provision) async fn clean(owner: &Owner, talk: &Talk) -> Result<(), Error> {
    let Ok(engine) = Engine::connect().await else {
        return Ok(());
    };
    sweep(&engine, owner, talk).await?;
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
        let lock_name = name.replacen("pgrehearse", "docker", 1);
        let lock = Lock::try_exclusive(&owner.cache.lock_path(&lock_name));
        // The data first: a mark without data is no template, but data without a mark is in doubt.
        if matches!(lock, Ok(Some(_))) && engine.remove_volume(name).await? {
            engine.remove_volume(&mark_of(name)).await?;
            talk.note(format!("removed the template volume {name}"));
        } else {
            talk.note(format!("the template volume {name} is in use and stays"));
        }
    }
    Ok(())
}
