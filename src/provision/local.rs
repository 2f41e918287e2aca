//! Servers of installed binaries, each with a data directory and a private socket of its own.

mod account;
mod binaries;
mod cold;
mod launch;
mod process;
mod sweep;

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

pub(super) use self::account::Account;
use self::binaries::Binaries;
pub(super) use self::binaries::client_program;
pub(super) use self::process::{Doomed, Process};
pub(super) use self::sweep::sweep;
use super::access::{self, Access};
use super::error::tail;
use super::locks::{self, Cache, Lock, Owner};
use super::room::Kept;
use super::trial::TRY;
use super::{Brought, Error, Manifest, OsCache, Settings, Spec};
use crate::postgres::Version;
use crate::talk::Talk;
use crate::units;

/// What the name of a template ends with until it is complete.
const PARTIAL: &str = ".partial";

pub(super) struct Local {
    binaries: Binaries,
    account: Account,
    owner: Arc<Owner>,
    os_cache: OsCache,
    port: Option<u16>,
    talk: Talk,
}

impl Local {
    pub(super) fn open(
        spec: &Spec,
        major: Option<u16>,
        owner: &Arc<Owner>,
        talk: &Talk,
    ) -> Result<Local, Error> {
        let binaries = Binaries::find(spec.bindir.as_deref(), major)?;
        let version = Version(u32::from(binaries.major) * 10_000);
        if !version.is_supported() {
            return Err(Error::TooOld(version));
        }
        let local = Local {
            binaries,
            account: Account::for_server()?,
            owner: owner.clone(),
            os_cache: spec.os_cache,
            port: spec.port,
            talk: talk.clone(),
        };
        for name in ["local", "runs"] {
            let dir = owner.cache.dir.join(name);
            locks::create_dir(&dir)?;
            if local.account != Account::Ours {
                locks::open_to_all(&dir)?;
            }
            local.account.check_reach(&dir)?;
        }
        Ok(local)
    }

    pub(super) fn major(&self) -> u16 {
        self.binaries.major
    }

    pub(super) fn bindir(&self) -> &Path {
        &self.binaries.dir
    }

    pub(super) fn lock_name(&self, key: &str) -> String {
        lock_name(&self.template_name(key))
    }

    /// The manifest of a complete template.
    pub(super) fn sealed(&self, key: &str) -> Option<Manifest> {
        let manifest = fs::read(self.template_dir(key).join("manifest.json")).ok()?;
        serde_json::from_slice(&manifest).ok()
    }

    /// What the installed server says to the user's settings: see [`TRY`].
    pub(super) async fn try_settings(&self, brought: &Brought) -> Result<String, Error> {
        let (arguments, environment) = brought.trial();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let dirs = std::iter::once(self.binaries.dir.clone()).chain(std::env::split_paths(&path));
        let mut command = Command::new("sh");
        command
            .args(["-c", TRY, "pgrehearse"])
            .args(arguments)
            .envs(environment)
            .env("PATH", std::env::join_paths(dirs).unwrap_or(path))
            .current_dir("/");
        self.account.apply(&mut command);
        run(command).await
    }

    /// Removes what a build of this template left; whether there was anything.
    pub(super) async fn clear(&self, key: &str) -> bool {
        let mut found = false;
        if self.sealed(key).is_some() {
            return found;
        }
        // A directory without a readable manifest is no template either.
        for dir in [self.partial_dir(key), self.template_dir(key)] {
            if dir.exists() {
                found = true;
                sweep::remove(&dir).await;
            }
        }
        found
    }

    pub(super) async fn start_empty(
        &self,
        key: &str,
        settings: &Settings,
    ) -> Result<(Process, Access), Error> {
        self.check_port()?;
        let partial = self.partial_dir(key);
        let (run, mut doomed) = self.new_run()?;
        fs::create_dir(&partial).map_err(|e| Error::io("create", &partial, e))?;
        doomed.add(&partial);
        self.account.own(&partial)?;
        let data = partial.join("data");
        self.initdb(&data).await?;
        self.launch(&data, &run, doomed, settings, true).await
    }

    /// Stops the server, writes all of it to disk, and gives the template its name.
    pub(super) async fn seal(
        &self,
        key: &str,
        process: Process,
        manifest: &Manifest,
    ) -> Result<(), Error> {
        process.stop().await?;
        let partial = self.partial_dir(key);
        let data = partial.join("data");
        self.sync(&data).await?;
        let path = partial.join("manifest.json");
        let text = serde_json::to_vec_pretty(manifest).expect("a manifest is plain data");
        fs::write(&path, text)
            .and_then(|()| fs::File::open(&path)?.sync_all())
            .map_err(|e| Error::io("write", &path, e))?;
        let sealed = self.template_dir(key);
        // By its new name the directory no longer goes with the process.
        fs::rename(&partial, &sealed)
            .and_then(|()| fs::File::open(self.templates())?.sync_all())
            .map_err(|e| Error::io("rename", &partial, e))?;
        Ok(())
    }

    pub(super) async fn start_clone(
        &self,
        key: &str,
        settings: &Settings,
    ) -> Result<(Process, Access), Error> {
        self.check_port()?;
        // Nobody removes the template while it is being copied.
        let lock_path = self.owner.cache.lock_path(&self.lock_name(key));
        let lock = Lock::shared(&lock_path).await?;
        let (run, doomed) = self.new_run()?;
        let data = run.join("data");
        self.copy(&self.template_dir(key).join("data"), &data)
            .await?;
        drop(lock);
        if self.os_cache == OsCache::Cold {
            cold::drop_from_memory(&data).await?;
        }
        self.launch(&data, &run, doomed, settings, false).await
    }

    /// A plain copy: a thin one makes the first writes to each page slow, which is what is measured.
    ///
    /// It is on disk before the server starts, because the system would otherwise write it back
    /// while the rehearsal measures how long a COMMIT takes.
    async fn copy(&self, from: &Path, to: &Path) -> Result<(), Error> {
        let mut cp = Command::new("cp");
        cp.arg("-a");
        // Only GNU's makes thin copies on its own, and only GNU's knows the option against it.
        if is_gnu_cp().await {
            cp.arg("--reflink=never");
        }
        Account::Ours.apply(cp.arg(from).arg(to));
        run(cp).await?;
        self.sync(to).await
    }

    async fn initdb(&self, data: &Path) -> Result<(), Error> {
        let initdb = |locale: &str| {
            let mut command = Command::new(self.binaries.program("initdb"));
            command
                .args(["-U", "postgres", "--encoding=UTF8", "--no-sync"])
                .args(["--auth-local=trust", "--auth-host=scram-sha-256"])
                .arg(format!("--locale={locale}"))
                .arg("-D")
                .arg(data)
                .current_dir("/");
            self.account.apply(&mut command);
            command
        };
        // Not every system has C.UTF-8.
        let made = match run(initdb("C.UTF-8")).await {
            Err(Error::Program { output, .. }) if output.contains("locale") => {
                run(initdb("C")).await
            }
            other => other,
        };
        made.map(drop)
    }

    async fn sync(&self, data: &Path) -> Result<(), Error> {
        let mut command = Command::new(self.binaries.program("initdb"));
        command
            .args(["--sync-only", "-D"])
            .arg(data)
            .current_dir("/");
        self.account.apply(&mut command);
        run(command).await.map(drop)
    }

    fn new_run(&self) -> Result<(PathBuf, Doomed), Error> {
        let run = self
            .owner
            .cache
            .dir
            .join("runs")
            .join(self.owner.next_run());
        create_private(&run)?;
        let doomed = Doomed::dir(&run);
        self.account.own(&run)?;
        Ok((run, doomed))
    }

    fn check_port(&self) -> Result<(), Error> {
        self.port.map_or(Ok(()), access::check_port)
    }

    fn templates(&self) -> PathBuf {
        self.owner.cache.dir.join("local")
    }

    fn template_dir(&self, key: &str) -> PathBuf {
        self.templates().join(self.template_name(key))
    }

    fn partial_dir(&self, key: &str) -> PathBuf {
        let name = self.template_name(key);
        self.templates().join(format!("{name}{PARTIAL}"))
    }

    fn template_name(&self, key: &str) -> String {
        format!("{}-{key}", self.major())
    }
}

fn lock_name(template: &str) -> String {
    format!("local-{template}")
}

/// Where the socket of a run goes if the cache's own path is too long for one.
fn socket_fallback(run: &str) -> PathBuf {
    Path::new("/tmp").join(format!("pgrehearse-{run}"))
}

/// Creates a directory that only its owner may enter; an error if there is one already.
fn create_private(dir: &Path) -> Result<(), Error> {
    fs::DirBuilder::new()
        .mode(0o700)
        .create(dir)
        .map_err(|e| Error::io("create", dir, e))
}

async fn is_gnu_cp() -> bool {
    let mut command = Command::new("cp");
    command.arg("--version");
    Account::Ours.apply(&mut command);
    run(command).await.is_ok()
}

/// Runs a program to its end and returns what it wrote. It is killed if the caller goes away.
async fn run(command: Command) -> Result<String, Error> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = tokio::process::Command::from(command)
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|e| Error::io("run", Path::new(&program), e))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(Error::Program {
        program,
        output: tail(&String::from_utf8_lossy(&said)),
    })
}

impl Local {
    /// The complete templates, of all versions.
    pub(super) fn kept(&self) -> Vec<Kept> {
        let all = sweep::entries(&self.templates()).into_iter();
        let complete = all.filter(|template| template.join("manifest.json").is_file());
        let kept = complete.map(|template| {
            let name = sweep::file_name(&template);
            Kept {
                lock_name: lock_name(&name),
                bytes: sweep::bytes_in(&template),
                name,
            }
        });
        kept.filter(|kept| !kept.name.ends_with(PARTIAL)).collect()
    }

    /// Whether it is gone now.
    pub(super) async fn remove(&self, name: &str) -> bool {
        let template = self.templates().join(name);
        sweep::remove(&template).await;
        !template.exists()
    }
}

/// Removes the templates that nobody is building or uses.
pub(super) async fn remove_templates(cache: &Cache, talk: &Talk) {
    for template in sweep::entries(&cache.dir.join("local")) {
        let name = sweep::file_name(&template);
        // Who builds a template has the lock of what it will be.
        let lock = lock_name(name.strip_suffix(PARTIAL).unwrap_or(&name));
        match Lock::try_exclusive(&cache.lock_path(&lock)) {
            Ok(Some(_lock)) => {
                let bytes = units::bytes(sweep::bytes_in(&template));
                talk.note(format!(
                    "removing the template {}, {bytes}",
                    template.display()
                ));
                sweep::remove(&template).await;
            }
            _ => talk.note(format!("{} is in use and stays", template.display())),
        }
    }
}
