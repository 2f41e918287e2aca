//! One container with a server: how it is started, stopped, and removed when it is dropped.

use std::time::Duration;

use testcontainers_modules::postgres::Postgres;
use testcontainers_modules::testcontainers::core::{ExecCommand, IntoContainerPort, Mount};
use testcontainers_modules::testcontainers::runners::AsyncRunner;
use testcontainers_modules::testcontainers::{ContainerAsync, ContainerRequest, ImageExt};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::engine::{Engine, LABEL_CACHE, LABEL_OWNER, failed};
use super::{Docker, Inside};
use crate::provision::Error;
use crate::provision::access::{self, Access};
use crate::provision::local::Doomed;

const CREATE_LIMIT: Duration = Duration::from_secs(120);
const STOP_LIMIT: Duration = Duration::from_secs(120);
/// How soon a container appears for which the engine was asked.
const CREATED_LIMIT: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(50);
const REMOVE_LIMIT: Duration = Duration::from_secs(60);
const POSTGRES_PORT: u16 = 5432;
/// The engine's default of 64 MB is too small for an index that is built in parallel.
const SHM_BYTES: u64 = 1 << 30;

/// The method also decides how passwords are kept, which is not the same in all versions.
const INITDB_ARGUMENTS: &str =
    "--no-sync --encoding=UTF8 --locale=C.UTF-8 --auth-local=trust --auth-host=scram-sha-256";

/// A container of ours. Dropping it removes it with its data.
pub(in crate::provision) struct Container {
    name: String,
    /// `None` while it is being started or dropped.
    container: Option<Box<ContainerAsync<Postgres>>>,
    /// Whether the engine may still be at it: our caller has gone away in the meantime.
    is_creating: bool,
    engine: Engine,
    pgdata: String,
    pub(super) doomed_volume: Option<String>,
    _doomed: Option<Doomed>,
}

/// What a container is to do.
pub(super) struct Job {
    pub(super) command: Vec<String>,
    pub(super) environment: Vec<(&'static str, String)>,
    pub(super) pgdata: String,
    pub(super) mount: Mount,
    /// In place of root, for what is no server.
    pub(super) user: Option<&'static str>,
    pub(super) is_server: bool,
    /// The volume of a template that is not complete yet, which goes with the container.
    pub(super) doomed_volume: Option<String>,
    pub(super) password: String,
}

impl Docker {
    /// Creates a container and starts it, and does not wait for what is in it.
    pub(super) async fn run(&self, job: Job) -> Result<Container, Error> {
        let name = format!("pgrehearse-{}", self.owner.next_run());
        let port = self.port.filter(|_| job.is_server);
        if let Some(port) = port
            && self.is_near()
        {
            access::check_port(port)?;
        }
        // Before there is a container, so that one which we are not told of goes as well.
        let mut container = Container {
            name: name.clone(),
            container: None,
            is_creating: true,
            engine: self.engine.clone(),
            pgdata: job.pgdata.clone(),
            doomed_volume: job.doomed_volume.clone(),
            _doomed: None,
        };
        let started = self.request(&name, job).start().await;
        container.is_creating = false;
        container.container = Some(Box::new(started.map_err(|e| match port {
            Some(port) if e.to_string().contains("already") => Error::PortInUse { port },
            _ => failed("cannot start a container", e),
        })?));
        Ok(container)
    }

    fn request(&self, name: &str, job: Job) -> ContainerRequest<Postgres> {
        let host_ip = if self.is_near() {
            "127.0.0.1"
        } else {
            "0.0.0.0"
        };
        // The command replaces the module's own, which would switch fsync off.
        let mut request = Postgres::default()
            .with_password(&job.password)
            .with_name(&self.image)
            .with_tag(self.major.to_string())
            .with_container_name(name)
            .with_label(LABEL_CACHE, &self.owner.cache.id)
            .with_label(LABEL_OWNER, &self.owner.id)
            .with_env_var("PGDATA", &job.pgdata)
            .with_env_var("POSTGRES_INITDB_ARGS", INITDB_ARGUMENTS)
            .with_mount(job.mount)
            .with_shm_size(SHM_BYTES)
            .with_ready_conditions(Vec::new())
            .with_startup_timeout(CREATE_LIMIT)
            .with_host_config_modifier(move |config| {
                config.publish_all_ports = Some(false);
                let bindings = config.port_bindings.iter_mut().flat_map(|m| m.values_mut());
                for binding in bindings.flatten().flatten() {
                    binding.host_ip = Some(host_ip.to_owned());
                }
            })
            .with_cmd(job.command);
        for (name, value) in job.environment {
            request = request.with_env_var(name, value);
        }
        if job.is_server {
            request = request.with_mapped_port(self.port.unwrap_or(0), POSTGRES_PORT.tcp());
        }
        match job.user {
            Some(user) => request.with_user(user),
            None => request,
        }
    }
}

impl Container {
    fn container(&self) -> &ContainerAsync<Postgres> {
        self.container
            .as_ref()
            .expect("it is there from start to drop")
    }

    /// Where its server listens, for roles with this password.
    pub(super) async fn access(&self, password: &str) -> Result<Access, Error> {
        let lost = |e| failed("cannot tell where the server listens", e);
        let host = self.container().get_host().await.map_err(lost)?.to_string();
        let port = self
            .container()
            .get_host_port_ipv4(POSTGRES_PORT)
            .await
            .map_err(lost)?;
        // The port is bound to one address of the loopback, which has another as well.
        let host = if host == "localhost" {
            "127.0.0.1"
        } else {
            &host
        };
        Ok(Access::tcp(host, port, password))
    }

    /// Why it no longer runs, with the end of its log; `None` while it does.
    pub(super) async fn died(&self) -> Option<String> {
        match self.container().is_running().await {
            Ok(true) => None,
            Ok(false) => Some(format!(
                "its container ended: {}",
                self.engine.log_tail(&self.name).await
            )),
            Err(e) => Some(e.to_string()),
        }
    }

    /// Runs a shell script in it and returns what that writes.
    pub(super) async fn shell(&self, script: &str, sql: &str) -> Result<String, Error> {
        let broken = |e| failed("cannot run a command in the container", e);
        let command = ExecCommand::new(["sh", "-c", script]).with_env_vars([("SQL", sql)]);
        let mut result = self.container().exec(command).await.map_err(broken)?;
        let output = result.stdout_to_vec().await.map_err(broken)?;
        let complaint = result.stderr_to_vec().await.map_err(broken)?;
        match result.exit_code().await.map_err(broken)? {
            Some(0) => Ok(String::from_utf8_lossy(&output).into_owned()),
            _ => Err(failed(
                "a command in the container failed",
                String::from_utf8_lossy(&complaint).trim(),
            )),
        }
    }

    /// What it has written to its standard output.
    pub(super) async fn written(&self) -> Result<String, Error> {
        let written = self.container().stdout_to_vec().await;
        let written = written.map_err(|e| failed("cannot read what a container wrote", e))?;
        Ok(String::from_utf8_lossy(&written).into_owned())
    }

    pub(in crate::provision) fn inside(&self) -> Inside {
        Inside::of(&self.engine, &self.name)
    }

    pub(in crate::provision) async fn free_bytes(&self) -> Option<u64> {
        let script = format!("df -Pk '{}'", self.pgdata);
        available(&self.shell(&script, "").await.ok()?)
    }

    /// A fast shutdown, whatever the image has as its stop signal.
    pub(in crate::provision) async fn stop(&self) -> Result<(), Error> {
        self.engine.interrupt(&self.name).await?;
        self.finish("the server", STOP_LIMIT).await
    }

    /// Waits for its end, which has to be a success.
    pub(super) async fn finish(&self, what: &str, limit: Duration) -> Result<(), Error> {
        match self.engine.wait(&self.name, limit).await? {
            0 => Ok(()),
            code => Err(Error::Stop {
                detail: format!(
                    "{what} ended with exit code {code}: {}",
                    self.engine.log_tail(&self.name).await
                ),
            }),
        }
    }

    /// Directories of this machine that go with the container.
    pub(super) fn dooming(mut self, doomed: Option<Doomed>) -> Container {
        self._doomed = doomed;
        self
    }
}

async fn remove_once_created(engine: &Engine, name: &str) {
    let remove = async {
        while let Ok(false) = engine.remove_container(name).await {
            tokio::time::sleep(POLL).await;
        }
    };
    let _ = timeout(CREATED_LIMIT, remove).await;
}

/// The fourth column of the last line of `df -Pk`, in bytes.
fn available(df: &str) -> Option<u64> {
    let kilobytes: u64 = df.lines().last()?.split_whitespace().nth(3)?.parse().ok()?;
    Some(kilobytes * 1024)
}

impl Drop for Container {
    fn drop(&mut self) {
        let container = self.container.take();
        let Ok(handle) = Handle::try_current() else {
            // Without a runtime there is no way to the engine: the next sweep finds it.
            std::mem::forget(container);
            return;
        };
        let (engine, name) = (self.engine.clone(), self.name.clone());
        let volume = self.doomed_volume.take();
        let is_creating = self.is_creating;
        let remove = async move {
            // Whatever cannot be removed now has our labels, and the next sweep finds it.
            if let Some(container) = container {
                let _ = container.rm().await;
            } else if is_creating {
                remove_once_created(&engine, &name).await;
            } else {
                let _ = engine.remove_container(&name).await;
            }
            if let Some(volume) = volume {
                let _ = engine.remove_volume(&volume).await;
            }
        };
        // On a thread of its own: this one would forget what else its task was woken for meanwhile.
        let removing = std::thread::spawn(move || {
            let _ = handle.block_on(async { timeout(REMOVE_LIMIT, remove).await });
        });
        tokio::task::block_in_place(|| removing.join().ok());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_free_space_is_read_from_df() {
        let df = "Filesystem     1024-blocks     Used Available Capacity Mounted on\n\
                  /dev/vda         264212084 26306348  68979540      28% /var/lib/postgresql/data\n";
        assert_eq!(available(df), Some(68_979_540 * 1024));
        assert_eq!(available(""), None);
    }
}
