//! Servers in containers, from the official images; templates are named volumes.

mod container;
mod engine;
mod inside;
mod sweep;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use testcontainers_modules::testcontainers::core::{AccessMode, Mount};

pub(super) use self::container::Container;
use self::container::Job;
use self::engine::{Engine, LABEL_CACHE, LABEL_OWNER, failed};
pub(super) use self::inside::Inside;
pub(super) use self::sweep::clean;
use super::access::{self, Access, Readiness};
use super::local::Doomed;
use super::locks::{Lock, Owner};
use super::room::Kept;
use super::trial::TRY;
use super::{Brought, Error, Manifest, OsCache, Settings, Spec, Template, locks};
use crate::input::Problem;
use crate::postgres::version::OLDEST_SUPPORTED;
use crate::talk::Talk;

/// What is taken where no version is asked for, if its image is there or none is.
const DEFAULT_MAJOR: u16 = 17;
const NEWEST_MAJOR: u16 = 18;

/// A template's volume carries it while it is built and after.
const LABEL_TEMPLATE: &str = "pgrehearse.template";
/// Carried by an empty volume whose existence makes a template complete.
const LABEL_MANIFEST: &str = "pgrehearse.manifest";

/// Below the place that every official image declares as a volume.
const CLONE_PGDATA: &str = "/var/lib/postgresql/data/pgrehearse";
const TEMPLATE_MOUNT: &str = "/template";
const TEMPLATE_PGDATA: &str = "/template/data";

const START_LIMIT: Duration = Duration::from_secs(60);
/// A clone is copied and written to disk before it starts: slower than any disk worth using.
const COPY_BYTES_PER_S: u64 = 10_000_000;
const SYNC_LIMIT: Duration = Duration::from_secs(3600);
const POLL: Duration = Duration::from_millis(500);

/// A plain copy, on disk before the server starts, so that writing it back does not disturb the
/// rehearsal. Only GNU's `cp` makes thin copies on its own, and only it knows the option against it.
const COPY_AND_START: &str = r#"set -e
mkdir -p "$PGDATA"
plain=
if cp --version >/dev/null 2>&1; then plain=--reflink=never; fi
cp -a $plain /template/data/. "$PGDATA"/
find "$PGDATA" -exec sync {} +
if [ -n "$PGREHEARSE_COLD" ]; then
  if ! dd if="$PGDATA/PG_VERSION" iflag=nocache count=0 2>/dev/null; then
    echo "the dd of this image cannot drop files from memory: use an image of Debian's, or no --cache cold" >&2
    exit 1
  fi
  find "$PGDATA" -type f -exec sh -c 'for file; do dd if="$file" iflag=nocache count=0 2>/dev/null || exit 1; done' sh {} +
fi
exec docker-entrypoint.sh postgres "$@""#;

/// The socket of the official images asks for no password. Each line is a statement of its own.
const RUN_SQL: &str =
    r#"printf '%s' "$SQL" | psql -X -q -v ON_ERROR_STOP=1 -U postgres -d postgres -f -"#;

pub(super) struct Docker {
    engine: Engine,
    image: String,
    major: u16,
    port: Option<u16>,
    os_cache: OsCache,
    owner: Arc<Owner>,
    talk: Talk,
}

impl Docker {
    pub(super) async fn open(
        spec: &Spec,
        major: Option<u16>,
        owner: &Arc<Owner>,
        talk: &Talk,
    ) -> Result<Docker, Error> {
        let image = spec.image.as_deref().unwrap_or("postgres");
        check_image(image)?;
        let engine = Engine::connect().await?;
        sweep::sweep(&engine, owner, talk).await?;
        let major = match major {
            Some(major) => major,
            None => default_major(&engine, image).await?,
        };
        if !engine.has_image(&format!("{image}:{major}")).await? {
            engine.pull(image, &major.to_string(), talk).await?;
        }
        Ok(Docker {
            engine,
            image: image.to_owned(),
            major,
            port: spec.port,
            os_cache: spec.os_cache,
            owner: owner.clone(),
            talk: talk.clone(),
        })
    }

    pub(super) fn major(&self) -> u16 {
        self.major
    }

    pub(super) fn image(&self) -> String {
        format!("{}:{}", self.image, self.major)
    }

    pub(super) fn lock_name(&self, key: &str) -> String {
        format!("docker-{}-{key}", self.major)
    }

    /// The manifest of a template of which both volumes are there.
    pub(super) async fn sealed(&self, key: &str) -> Result<Option<Manifest>, Error> {
        let volume = self.volume(key);
        let (data, mark) = (
            self.engine.volume(&volume).await?,
            self.engine.volume(&mark_of(&volume)).await?,
        );
        let (Some(_), Some(mark)) = (data, mark) else {
            return Ok(None);
        };
        let manifest = mark.labels.get(LABEL_MANIFEST);
        Ok(manifest.and_then(|text| serde_json::from_str(text).ok()))
    }

    pub(super) async fn kept(&self) -> Result<Vec<Kept>, Error> {
        sweep::kept(&self.engine, &self.owner.cache.id).await
    }

    /// Whether it is gone now.
    pub(super) async fn remove(&self, volume: &str) -> Result<bool, Error> {
        sweep::remove(&self.engine, volume).await
    }

    /// Removes the volumes of a template that is not complete; whether there were any.
    ///
    /// Containers of killed runs are gone by now. One that still has the volume belongs to another
    /// cache directory of this engine, and is waited for: it may complete the template.
    pub(super) async fn clear(&self, key: &str) -> Result<bool, Error> {
        let volume = self.volume(key);
        let mark = mark_of(&volume);
        let found = self.engine.volume(&volume).await?.is_some()
            || self.engine.volume(&mark).await?.is_some();
        let mut is_told = false;
        while self.sealed(key).await?.is_none() {
            if self.engine.remove_volume(&volume).await? {
                self.engine.remove_volume(&mark).await?;
                return Ok(found);
            }
            if !is_told {
                self.talk.note(format!(
                    "waiting for the container that fills the volume {volume}"
                ));
                is_told = true;
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(false)
    }

    pub(super) async fn start_empty(
        &self,
        key: &str,
        settings: &Settings,
    ) -> Result<(Container, Access), Error> {
        let volume = self.volume(key);
        let labels = self.labels(&[(LABEL_TEMPLATE, key)]);
        self.engine.create_volume(&volume, labels).await?;
        let password = access::random_password();
        let command = vec!["postgres".to_owned()];
        let container = self
            .run(Job {
                command: [command, arguments(settings)].concat(),
                environment: Vec::new(),
                pgdata: TEMPLATE_PGDATA.to_owned(),
                mount: Mount::volume_mount(&volume, TEMPLATE_MOUNT),
                user: None,
                is_server: true,
                doomed_volume: Some(volume),
                password: password.clone(),
            })
            .await?;
        let access = container.access(&password).await?;
        let died = async || container.died().await;
        match access::wait_until_ready(&access.maintenance(), START_LIMIT, died).await? {
            Readiness::Ready(admin) => {
                access::create_roles(&admin).await?;
                access::set_passwords(&admin, &password).await?;
            }
            Readiness::WrongPassword => {
                return Err(failed(
                    "the image does not use POSTGRES_PASSWORD",
                    self.image(),
                ));
            }
        }
        let container = self.tell_password(container, &password)?;
        Ok((container, access))
    }

    /// Stops the server, writes its volume to disk, and marks it as complete.
    pub(super) async fn seal(
        &self,
        key: &str,
        mut container: Container,
        manifest: &Manifest,
    ) -> Result<(), Error> {
        container.stop().await?;
        let volume = self.volume(key);
        let command = ["initdb", "--sync-only", "-D", TEMPLATE_PGDATA];
        let sync = self
            .run(Job {
                command: command.map(str::to_owned).to_vec(),
                environment: Vec::new(),
                pgdata: TEMPLATE_PGDATA.to_owned(),
                mount: Mount::volume_mount(&volume, TEMPLATE_MOUNT),
                user: Some("postgres"),
                is_server: false,
                doomed_volume: None,
                password: access::random_password(),
            })
            .await?;
        sync.finish("initdb --sync-only", SYNC_LIMIT).await?;
        let text = serde_json::to_string(manifest).expect("a manifest is plain data");
        let labels = self.labels(&[(LABEL_TEMPLATE, key), (LABEL_MANIFEST, &text)]);
        self.engine.create_volume(&mark_of(&volume), labels).await?;
        container.doomed_volume = None;
        Ok(())
    }

    /// What the image's server says to the user's settings: see [`TRY`].
    pub(super) async fn try_settings(&self, brought: &Brought) -> Result<String, Error> {
        let (arguments, environment) = brought.trial();
        let command = ["bash", "-c", TRY, "pgrehearse"].map(str::to_owned);
        let trial = self
            .run(Job {
                command: [command.to_vec(), arguments].concat(),
                environment: environment.to_vec(),
                pgdata: TEMPLATE_PGDATA.to_owned(),
                mount: Mount::tmpfs_mount(TEMPLATE_MOUNT),
                user: Some("postgres"),
                is_server: false,
                doomed_volume: None,
                password: access::random_password(),
            })
            .await?;
        trial.finish("trying the settings", START_LIMIT).await?;
        trial.written().await
    }

    pub(super) async fn start_clone(
        &self,
        template: &Template,
        settings: &Settings,
    ) -> Result<(Container, Access), Error> {
        // Nobody removes the template before the container has its volume.
        let lock_path = self.owner.cache.lock_path(&self.lock_name(&template.key));
        let _lock = Lock::shared(&lock_path).await?;
        // The server still has the passwords of the seeding: this one is set once it is up.
        let password = access::random_password();
        let command = ["bash", "-c", COPY_AND_START, "pgrehearse"].map(str::to_owned);
        let volume = self.volume(&template.key);
        let cold = (self.os_cache == OsCache::Cold).then(|| "yes".to_owned());
        let container = self
            .run(Job {
                command: [command.to_vec(), arguments(settings)].concat(),
                environment: cold
                    .map(|cold| ("PGREHEARSE_COLD", cold))
                    .into_iter()
                    .collect(),
                pgdata: CLONE_PGDATA.to_owned(),
                mount: Mount::volume_mount(&volume, TEMPLATE_MOUNT)
                    .with_access_mode(AccessMode::ReadOnly),
                user: None,
                is_server: true,
                doomed_volume: None,
                password: password.clone(),
            })
            .await?;
        let access = container.access(&password).await?;
        let limit = START_LIMIT + Duration::from_secs(template.manifest.bytes / COPY_BYTES_PER_S);
        let config = access.maintenance();
        let died = async || container.died().await;
        if let Readiness::WrongPassword = access::wait_until_ready(&config, limit, died).await? {
            let sql = access::passwords(&password).join(";\n");
            container.shell(RUN_SQL, &sql).await?;
        }
        let container = self.tell_password(container, &password)?;
        Ok((container, access))
    }

    /// With a port that the user chose, the password goes to a file of the user's.
    fn tell_password(&self, container: Container, password: &str) -> Result<Container, Error> {
        let Some(port) = self.port else {
            return Ok(container);
        };
        let runs = self.owner.cache.dir.join("runs");
        locks::create_dir(&runs)?;
        let dir = runs.join(self.owner.next_run());
        locks::create_dir(&dir)?;
        let doomed = Doomed::dir(&dir);
        access::write_pgpass(&dir, port, password, &self.talk)?;
        Ok(container.dooming(Some(doomed)))
    }

    /// Whether the engine's loopback is ours.
    fn is_near(&self) -> bool {
        let engine = std::env::var("DOCKER_HOST").unwrap_or_default();
        let is_local = engine.is_empty() || engine.starts_with("unix:");
        is_local && !std::path::Path::new("/.dockerenv").exists()
    }

    fn volume(&self, key: &str) -> String {
        format!("pgrehearse-{}-{key}", self.major)
    }

    fn labels(&self, more: &[(&str, &str)]) -> HashMap<String, String> {
        let ours = [
            (LABEL_CACHE, self.owner.cache.id.as_str()),
            (LABEL_OWNER, self.owner.id.as_str()),
        ];
        ours.iter()
            .chain(more)
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }
}

fn mark_of(volume: &str) -> String {
    format!("{volume}-sealed")
}

/// The server's arguments. What is given later wins, so no setting can hide the server from us.
fn arguments(settings: &Settings) -> Vec<String> {
    settings
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .chain(["listen_addresses=*".to_owned(), "port=5432".to_owned()])
        .flat_map(|setting| ["-c".to_owned(), setting])
        .collect()
}

fn check_image(image: &str) -> Result<(), Error> {
    let name = image.rsplit('/').next().unwrap_or(image);
    if !name.is_empty() && !name.contains([':', '@']) {
        return Ok(());
    }
    let problem = Problem::argument("--image", image, "must be an image's name without a tag");
    Err(Error::argument(
        problem.hint("the tag is the major version, from --postgres"),
    ))
}

/// The default, or else the newest that needs no pull, or else the default.
async fn default_major(engine: &Engine, image: &str) -> Result<u16, Error> {
    let newest_first = (OLDEST_SUPPORTED..=NEWEST_MAJOR).rev();
    for major in std::iter::once(DEFAULT_MAJOR).chain(newest_first) {
        if engine.has_image(&format!("{image}:{major}")).await? {
            return Ok(major);
        }
    }
    Ok(DEFAULT_MAJOR)
}
