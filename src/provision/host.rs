//! The chosen provider: its templates, and servers on empty or copied data.

mod choose;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::docker::Docker;
use super::local::{self, Local};
use super::locks::POLL;
use super::locks::{Cache, Lock, Owner};
use super::room::{self, Shelf};
use super::seeding;
use super::server::{Running, Server};
use super::url::Url;
use super::{Accepted, Brought, Error, Manifest, Provider, Settings, Spec, Template};
use crate::input::Problem;
use crate::talk::Talk;

/// A provider that can start servers.
pub struct Host {
    kind: Kind,
    owner: Arc<Owner>,
    /// Templates that this process has set out to build.
    builds: Mutex<HashMap<String, Lock>>,
    /// Templates that this process uses: nobody removes them as long as it runs.
    uses: Mutex<Vec<Lock>>,
    cache_bytes_max: u64,
    talk: Talk,
}

enum Kind {
    Docker(Docker),
    Local(Local),
    Url(Box<Url>),
}

/// Finds the provider that is asked for, says why it became this one, and removes what killed
/// runs have left. `major` is the version of Postgres that is asked for, if one is.
pub async fn open(spec: &Spec, major: Option<u16>, talk: &Talk) -> Result<Host, Error> {
    let owner = Owner::take(Cache::open(&spec.cache_dir)?)?;
    local::sweep(&owner.cache, talk).await;
    let kind = choose::choose(spec, major, &owner, talk).await?;
    owner.cache.forget_dead_owners();
    Ok(Host {
        kind,
        owner,
        builds: Mutex::default(),
        uses: Mutex::default(),
        cache_bytes_max: spec
            .cache_bytes_max
            .unwrap_or_else(|| room::default_limit_bytes(&spec.cache_dir)),
        talk: talk.clone(),
    })
}

impl Host {
    pub fn provider(&self) -> Provider {
        match self.kind {
            Kind::Docker(_) => Provider::Docker,
            Kind::Local(_) => Provider::Local,
            Kind::Url(_) => Provider::Url,
        }
    }

    /// The major version of its servers.
    pub fn major(&self) -> u16 {
        match &self.kind {
            Kind::Docker(docker) => docker.major(),
            Kind::Local(local) => local.major(),
            Kind::Url(url) => url.version().major(),
        }
    }

    /// Asks a server what it takes of the user's settings, before there is data: an error names all that it
    /// refuses, with its own words.
    pub async fn accept(&self, brought: &Brought) -> Result<Accepted, Error> {
        if brought.is_empty() {
            return brought.accepted("", self.major());
        }
        let trial = match &self.kind {
            Kind::Docker(docker) => docker.try_settings(brought).await?,
            Kind::Local(local) => local.try_settings(brought).await?,
            Kind::Url(_) => unreachable!("a server that is not ours is never given settings"),
        };
        brought.accepted(&trial, self.major())
    }

    /// The complete template of this key, of lower-case letters, digits, `-` and `_`.
    ///
    /// `None` means that it is ours to build: others who ask for it wait until we have, or have
    /// given up. A template that somebody else is building is waited for.
    pub async fn template(&self, key: &str) -> Result<Option<Template>, Error> {
        check_key(key)?;
        let mut is_told = false;
        let lock = loop {
            if let Some(template) = self.in_hand(key).await? {
                return Ok(Some(template));
            }
            if let Some(lock) = self.try_build_lock(key)? {
                break lock;
            }
            if !std::mem::replace(&mut is_told, true) {
                self.say_what_is_waited_for(key);
            }
            tokio::time::sleep(POLL).await;
        };
        if let Some(template) = self.sealed(key).await? {
            self.keep(key, lock)?;
            return Ok(Some(template));
        }
        if self.clear(key).await? {
            self.talk.note(format!(
                "removed the template {key}, which was not finished; it is seeded again"
            ));
        }
        if let Some(template) = self.sealed(key).await? {
            self.keep(key, lock)?;
            return Ok(Some(template));
        }
        self.builds().insert(key.to_owned(), lock);
        Ok(None)
    }

    /// An empty database on a server that is set up to be filled fast, and not to survive a crash.
    /// To be called when [`Host::template`] has found none.
    pub async fn start_empty(&self, key: &str) -> Result<Server, Error> {
        check_key(key)?;
        let lock = self.build_lock(key).await?;
        self.clear(key).await?;
        if self.sealed(key).await?.is_some() {
            let key = key.to_owned();
            return Err(Error::TemplateExists { key });
        }
        let settings = seeding::settings();
        let (running, access) = match &self.kind {
            Kind::Docker(docker) => {
                let (container, access) = docker.start_empty(key, &settings).await?;
                (Running::Docker(container), access)
            }
            Kind::Local(local) => {
                let (process, access) = local.start_empty(key, &settings).await?;
                (Running::Local(process), access)
            }
            Kind::Url(url) => {
                let (database, access) = url.create(key).await?;
                (Running::Url(database), access)
            }
        };
        let server = Server::new(running, access, self.owner.clone()).await?;
        self.check_major(&server)?;
        Ok(server.building(key, lock))
    }

    /// Stops the server and makes its data a template: all of it, or none if anything fails.
    ///
    /// # Panics
    ///
    /// If the server does not come from [`Host::start_empty`].
    pub async fn seal(&self, server: Server, manifest: Manifest) -> Result<Template, Error> {
        let (key, running, lock) = server.into_build();
        match (&self.kind, running) {
            (Kind::Docker(docker), Running::Docker(container)) => {
                docker.seal(&key, container, &manifest).await?;
            }
            (Kind::Local(local), Running::Local(process)) => {
                local.seal(&key, process, &manifest).await?;
            }
            (Kind::Url(url), Running::Url(database)) => {
                url.seal(database, &manifest).await?;
            }
            _ => unreachable!("the server comes from this provider"),
        }
        self.keep(&key, lock)?;
        let shelf = match &self.kind {
            Kind::Docker(docker) => Shelf::Docker(docker),
            Kind::Local(local) => Shelf::Local(local),
            Kind::Url(_) => return Ok(Template { key, manifest }),
        };
        let (cache, built) = (&self.owner.cache, self.lock_name(&key));
        room::make(shelf, cache, &built, self.cache_bytes_max, &self.talk).await?;
        Ok(Template { key, manifest })
    }

    /// A server on a fresh, plain copy of the template, with Postgres' own durability and `settings`.
    pub async fn start_clone(
        &self,
        template: &Template,
        settings: &Settings,
    ) -> Result<Server, Error> {
        let key = &template.key;
        let mut unset = Vec::new();
        let (running, access) = match &self.kind {
            Kind::Docker(docker) => {
                let (container, access) = docker.start_clone(template, settings).await?;
                (Running::Docker(container), access)
            }
            Kind::Local(local) => {
                let (process, access) = local.start_clone(key, settings).await?;
                (Running::Local(process), access)
            }
            Kind::Url(url) => {
                let (database, access) = url.clone_of(key).await?;
                unset = url.apply(&database, settings).await?;
                (Running::Url(database), access)
            }
        };
        let server = Server::new(running, access, self.owner.clone()).await?;
        self.check_major(&server)?;
        Ok(server.without(unset))
    }

    async fn sealed(&self, key: &str) -> Result<Option<Template>, Error> {
        let manifest = match &self.kind {
            Kind::Docker(docker) => docker.sealed(key).await?,
            Kind::Local(local) => local.sealed(key),
            Kind::Url(url) => url.sealed(key).await?,
        };
        Ok(manifest.map(|manifest| Template {
            key: key.to_owned(),
            manifest,
        }))
    }

    /// Removes what an unfinished build left; whether there was anything.
    async fn clear(&self, key: &str) -> Result<bool, Error> {
        match &self.kind {
            Kind::Docker(docker) => docker.clear(key).await,
            Kind::Local(local) => Ok(local.clear(key).await),
            Kind::Url(url) => url.clear(key).await,
        }
    }

    /// The template if it is complete and nobody is about to remove it; it is kept from then on.
    async fn in_hand(&self, key: &str) -> Result<Option<Template>, Error> {
        if self.sealed(key).await?.is_none() {
            return Ok(None);
        }
        let path = self.lock_path(key);
        let lock = Lock::try_shared(&path).map_err(|e| Error::io("lock", &path, e))?;
        // Somebody may have removed it just before.
        let (Some(lock), Some(template)) = (lock, self.sealed(key).await?) else {
            return Ok(None);
        };
        self.keep(key, lock)?;
        Ok(Some(template))
    }

    /// The right to build this template, if nobody else has it.
    fn try_build_lock(&self, key: &str) -> Result<Option<Lock>, Error> {
        let path = self.lock_path(key);
        Lock::try_exclusive(&path).map_err(|e| Error::io("lock", &path, e))
    }

    /// The right to build this template, which is waited for.
    async fn build_lock(&self, key: &str) -> Result<Lock, Error> {
        let ours = self.builds().remove(key);
        if let Some(lock) = ours {
            return Ok(lock);
        }
        let path = self.lock_path(key);
        Lock::exclusive(&path, || self.say_what_is_waited_for(key)).await
    }

    fn say_what_is_waited_for(&self, key: &str) {
        self.talk.note(format!(
            "waiting for another pgrehearse that is seeding the template {key}"
        ));
    }

    fn lock_name(&self, key: &str) -> String {
        match &self.kind {
            Kind::Docker(docker) => docker.lock_name(key),
            Kind::Local(local) => local.lock_name(key),
            Kind::Url(url) => url.lock_name(key),
        }
    }

    fn lock_path(&self, key: &str) -> PathBuf {
        self.owner.cache.lock_path(&self.lock_name(key))
    }

    /// Nobody removes the template as long as this process has it in hand.
    fn keep(&self, key: &str, lock: Lock) -> Result<(), Error> {
        let shared = lock.share();
        let shared = shared.map_err(|e| Error::io("share", &self.lock_path(key), e))?;
        let mut uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
        uses.push(shared);
        Ok(())
    }

    fn builds(&self) -> std::sync::MutexGuard<'_, HashMap<String, Lock>> {
        self.builds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An image's tag says which version it holds, but it may lie.
    fn check_major(&self, server: &Server) -> Result<(), Error> {
        if server.version().major() == self.major() {
            return Ok(());
        }
        Err(Error::Start {
            detail: format!(
                "it is PostgreSQL {}, though {} is expected",
                server.version(),
                self.major()
            ),
        })
    }
}

/// Keys become parts of file names, volume names and database names.
fn check_key(key: &str) -> Result<(), Error> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
    if (1..=40).contains(&key.len()) && key.chars().all(fits) {
        return Ok(());
    }
    let text = "must be 1 to 40 lower-case letters, digits, `-` or `_`";
    Err(Error::argument(Problem::argument(
        "template key",
        key,
        text,
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_could_leave_its_directory_is_refused() {
        assert!(check_key("shop-1000000-0123abcd_x").is_ok());
        for key in ["", "../x", "A", "a b", &"a".repeat(41)] {
            assert!(check_key(key).is_err(), "{key:?}");
        }
    }
}
