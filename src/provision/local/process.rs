//! One server process: started, stopped, and killed when it is dropped.

use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::provision::error::{Error, tail};

const STOP_LIMIT: Duration = Duration::from_secs(120);
const QUIT_LIMIT: Duration = Duration::from_secs(10);

/// A running `postgres` and the directories that go when it goes.
#[derive(Debug)]
pub(in crate::provision) struct Process {
    pid: Pid,
    exit: Exit,
    log: PathBuf,
    data: PathBuf,
    bindir: PathBuf,
    _doomed: Doomed,
}

impl Process {
    /// Starts `command`, a server on `data`, with its output in `log`.
    pub(super) fn spawn(
        command: &mut Command,
        log: &Path,
        data: &Path,
        doomed: Doomed,
    ) -> Result<Process, Error> {
        let out = File::create(log).map_err(|e| Error::io("create", log, e))?;
        let err = out.try_clone().map_err(|e| Error::io("write to", log, e))?;
        let child = command
            .stdout(out)
            .stderr(err)
            .spawn()
            .map_err(|e| Error::io("run", Path::new(command.get_program()), e))?;
        let pid = i32::try_from(child.id())
            .ok()
            .and_then(Pid::from_raw)
            .expect("the system gave this number to a process");
        Ok(Process {
            pid,
            exit: Exit::of(child),
            log: log.to_owned(),
            data: data.to_owned(),
            bindir: Path::new(command.get_program())
                .parent()
                .unwrap_or(Path::new(""))
                .to_owned(),
            _doomed: doomed,
        })
    }

    /// Where its program is, and those that came with it.
    pub(in crate::provision) fn bindir(&self) -> &Path {
        &self.bindir
    }

    /// Why the server no longer runs, with the end of its log; `None` while it does.
    pub(super) fn died(&self) -> Option<String> {
        let status = self.exit.within(Duration::ZERO)?;
        let log = std::fs::read(&self.log).unwrap_or_default();
        Some(format!(
            "it ended with {}: {}",
            in_words(status),
            tail(&String::from_utf8_lossy(&log))
        ))
    }

    /// A fast shutdown: open transactions are rolled back, a checkpoint is written.
    pub(in crate::provision) async fn stop(&self) -> Result<(), Error> {
        self.signal(Signal::INT);
        let exit = self.exit.clone();
        let status = tokio::task::spawn_blocking(move || exit.within(STOP_LIMIT))
            .await
            .expect("waiting does not panic");
        match status {
            Some(status) if status.success() => Ok(()),
            Some(_) => Err(Error::Stop {
                detail: self.died().unwrap_or_default(),
            }),
            None => Err(Error::Stop {
                detail: format!("it still ran after {} s", STOP_LIMIT.as_secs()),
            }),
        }
    }

    /// What is free on the disk that holds the data.
    pub(in crate::provision) fn free_bytes(&self) -> Option<u64> {
        let disk = rustix::fs::statvfs(&self.data).ok()?;
        Some(disk.f_bavail * disk.f_frsize)
    }

    fn signal(&self, signal: Signal) {
        // Once it is reaped its number may belong to somebody else.
        if self.exit.within(Duration::ZERO).is_none() {
            let _ = kill_process(self.pid, signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::QUIT);
        if self.exit.within(QUIT_LIMIT).is_none() {
            self.signal(Signal::KILL);
            self.exit.within(QUIT_LIMIT);
        }
    }
}

/// Directories that are removed when this is dropped: after the server that uses them.
#[derive(Debug)]
pub(in crate::provision) struct Doomed(Vec<PathBuf>);

impl Doomed {
    pub(in crate::provision) fn dir(dir: &Path) -> Doomed {
        Doomed(vec![dir.to_owned()])
    }

    pub(super) fn add(&mut self, dir: &Path) {
        self.0.push(dir.to_owned());
    }
}

impl Drop for Doomed {
    fn drop(&mut self) {
        for dir in &self.0 {
            // A `cp` that was killed a moment ago may add one more file. What stays is removed by
            // the next sweep.
            for _ in 0..5 {
                match std::fs::remove_dir_all(dir) {
                    Err(e) if e.kind() == std::io::ErrorKind::DirectoryNotEmpty => {}
                    _ => break,
                }
            }
        }
    }
}

/// The end of a child, which a thread waits for, so that it can be awaited with a limit.
#[derive(Clone, Debug)]
struct Exit(Arc<(Mutex<Option<ExitStatus>>, Condvar)>);

impl Exit {
    fn of(mut child: std::process::Child) -> Exit {
        let exit = Exit(Arc::default());
        let told = exit.clone();
        std::thread::spawn(move || {
            let status = child.wait().unwrap_or(ExitStatus::from_raw(-1));
            let (ended, changed) = &*told.0;
            *ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(status);
            changed.notify_all();
        });
        exit
    }

    /// How the child ended, if it does so within `limit`.
    fn within(&self, limit: Duration) -> Option<ExitStatus> {
        let (ended, changed) = &*self.0;
        let ended = ended.lock().unwrap_or_else(PoisonError::into_inner);
        let (ended, _) = changed
            .wait_timeout_while(ended, limit, |ended| ended.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        *ended
    }
}

fn in_words(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "no exit code".to_owned(),
    }
}
