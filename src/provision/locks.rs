//! Who owns what runs: lock files in the cache. A process that is killed gives its locks back.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::fs::{Timespec, Timestamps, UTIME_NOW};

use super::Error;

/// The moment of the call, by the system's clock.
const NOW: Timestamps = Timestamps {
    last_access: MOMENT,
    last_modification: MOMENT,
};
const MOMENT: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: UTIME_NOW,
};

pub(super) const POLL: Duration = Duration::from_millis(100);

/// The cache directory and the name it goes by on servers that several caches share.
#[derive(Clone, Debug)]
pub(super) struct Cache {
    pub(super) dir: PathBuf,
    /// Made at random when the directory was first used.
    pub(super) id: String,
}

impl Cache {
    pub(super) fn open(dir: &Path) -> Result<Cache, Error> {
        let existed = dir.exists();
        create_dir(dir)?;
        if !existed {
            // As root the server runs as another user and has to get through here.
            open_to_all(dir)?;
        }
        for part in ["owners", "locks"] {
            create_dir(&dir.join(part))?;
        }
        let dir = dir
            .canonicalize()
            .map_err(|e| Error::io("resolve", dir, e))?;
        let path = dir.join("id");
        let id = cache_id(&path).map_err(|e| Error::io("write", &path, e))?;
        Ok(Cache { dir, id })
    }

    pub(super) fn lock_path(&self, name: &str) -> PathBuf {
        self.dir.join("locks").join(format!("{name}.lock"))
    }

    fn owner_path(&self, owner: &str) -> PathBuf {
        self.dir.join("owners").join(format!("{owner}.lock"))
    }

    /// Whether the process that took this name still runs.
    pub(super) fn is_alive(&self, owner: &str) -> bool {
        let path = self.owner_path(owner);
        path.exists() && !matches!(Lock::try_exclusive(&path), Ok(Some(_)))
    }

    /// Removes the lock files of owners that are gone, once what they left has been removed.
    pub(super) fn forget_dead_owners(&self) {
        let Ok(entries) = self.dir.join("owners").read_dir() else {
            return;
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            if let Ok(Some(_lock)) = Lock::try_exclusive(&path) {
                // Another process may have been faster.
                let _ = std::fs::remove_file(&path);
            }
        }
    }
}

/// Two processes may open a new cache at once: the first link wins, and both read what it holds.
fn cache_id(path: &Path) -> io::Result<String> {
    if !path.exists() {
        let fresh = random_name();
        let draft = path.with_extension(&fresh);
        File::create(&draft)?.write_all(fresh.as_bytes())?;
        let linked = std::fs::hard_link(&draft, path);
        std::fs::remove_file(&draft)?;
        match linked {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
            _ => {}
        }
    }
    let mut id = String::new();
    File::open(path)?.read_to_string(&mut id)?;
    Ok(id)
}

/// This process' name on what it starts, for as long as it lives.
#[derive(Debug)]
pub(super) struct Owner {
    pub(super) id: String,
    pub(super) cache: Cache,
    runs: AtomicU32,
    path: PathBuf,
    _lock: Lock,
}

impl Owner {
    pub(super) fn take(cache: Cache) -> Result<Arc<Owner>, Error> {
        loop {
            let id = random_name();
            let path = cache.owner_path(&id);
            let lock = Lock::try_exclusive(&path).map_err(|e| Error::io("lock", &path, e))?;
            // Taken: a sweep of another process was looking at the new file.
            let Some(lock) = lock else { continue };
            return Ok(Arc::new(Owner {
                id,
                cache,
                runs: AtomicU32::new(0),
                path,
                _lock: lock,
            }));
        }
    }

    /// A name for something started now: the owner's, a dash, and a number.
    pub(super) fn next_run(&self) -> String {
        let number = self.runs.fetch_add(1, Ordering::Relaxed);
        format!("{}-{number}", self.id)
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // A file that stays is removed by the next sweep.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// The owner in a name made by [`Owner::next_run`].
pub(super) fn owner_of(run: &str) -> &str {
    run.split_once('-').map_or(run, |(owner, _)| owner)
}

/// A held lock file.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Lock {
    /// `None` while somebody else holds it in any way.
    pub(super) fn try_exclusive(path: &Path) -> io::Result<Option<Lock>> {
        Lock::attempt(path, File::try_lock)
    }

    /// `None` while somebody holds it exclusively.
    pub(super) fn try_shared(path: &Path) -> io::Result<Option<Lock>> {
        Lock::attempt(path, File::try_lock_shared)
    }

    /// Waits until nobody else holds it; `on_wait` is called once if there is something to wait for.
    pub(super) async fn exclusive(path: &Path, on_wait: impl FnOnce()) -> Result<Lock, Error> {
        Lock::wait(path, Lock::try_exclusive, on_wait).await
    }

    /// Waits until nobody holds it exclusively.
    pub(super) async fn shared(path: &Path) -> Result<Lock, Error> {
        Lock::wait(path, Lock::try_shared, || {}).await
    }

    /// Others may share it from now on, and what it stands for was used now.
    pub(super) fn share(self) -> io::Result<Lock> {
        self.file.lock_shared()?;
        rustix::fs::futimens(&self.file, &NOW)?;
        Ok(self)
    }

    async fn wait(
        path: &Path,
        attempt: fn(&Path) -> io::Result<Option<Lock>>,
        on_wait: impl FnOnce(),
    ) -> Result<Lock, Error> {
        let mut on_wait = Some(on_wait);
        loop {
            if let Some(lock) = attempt(path).map_err(|e| Error::io("lock", path, e))? {
                return Ok(lock);
            }
            if let Some(on_wait) = on_wait.take() {
                on_wait();
            }
            tokio::time::sleep(POLL).await;
        }
    }

    fn attempt(
        path: &Path,
        lock: fn(&File) -> Result<(), TryLockError>,
    ) -> io::Result<Option<Lock>> {
        loop {
            let file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .open(path)?;
            match lock(&file) {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(e)) => return Err(e),
            }
            // Its last holder may have removed the file between our open and our lock.
            let held = file.metadata()?;
            match std::fs::metadata(path) {
                Ok(named) if (named.dev(), named.ino()) == (held.dev(), held.ino()) => {
                    return Ok(Some(Lock { file }));
                }
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                _ => {}
            }
        }
    }
}

/// Twelve hexadecimal digits.
pub(super) fn random_name() -> String {
    format!("{:012x}", rand::random::<u64>() >> 16)
}

pub(super) fn create_dir(dir: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(dir).map_err(|e| Error::io("create", dir, e))
}

/// Whoever may reach the directory may enter it, whatever the umask says.
pub(super) fn open_to_all(dir: &Path) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o755))
        .map_err(|e| Error::io("set the permissions of", dir, e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache() -> (tempfile::TempDir, Cache) {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::open(dir.path()).unwrap();
        (dir, cache)
    }

    #[test]
    fn an_owner_is_alive_until_it_is_dropped() {
        let (_dir, cache) = cache();
        let owner = Owner::take(cache.clone()).unwrap();
        let id = owner.id.clone();
        assert_eq!(owner_of(&owner.next_run()), id);
        assert!(cache.is_alive(&id));
        drop(owner);
        assert!(!cache.is_alive(&id));
    }

    #[test]
    fn a_lock_file_without_its_holder_is_a_dead_owner() {
        let (_dir, cache) = cache();
        let path = cache.owner_path("0123456789ab");
        std::fs::write(&path, "").unwrap();
        assert!(!cache.is_alive("0123456789ab"));
        cache.forget_dead_owners();
        assert!(!path.exists());
    }

    #[test]
    fn forgetting_the_dead_spares_the_living() {
        let (_dir, cache) = cache();
        let owner = Owner::take(cache.clone()).unwrap();
        cache.forget_dead_owners();
        assert!(cache.is_alive(&owner.id));
    }

    #[test]
    fn readers_share_a_lock_and_keep_a_writer_out() {
        let (_dir, cache) = cache();
        let path = cache.lock_path("x");
        let one = Lock::try_shared(&path).unwrap();
        let two = Lock::try_shared(&path).unwrap();
        assert!(one.is_some() && two.is_some());
        assert!(Lock::try_exclusive(&path).unwrap().is_none());
        drop((one, two));
        assert!(Lock::try_exclusive(&path).unwrap().is_some());
    }

    #[test]
    fn a_cache_keeps_its_name() {
        let (dir, cache) = cache();
        assert_eq!(Cache::open(dir.path()).unwrap().id, cache.id);
        assert_eq!(cache.id.len(), 12);
    }
}
