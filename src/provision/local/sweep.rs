//! Removes what a killed process left: its servers, their directories, half-made templates.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::Instant;

use super::{PARTIAL, lock_name, socket_fallback};
use crate::provision::locks::{Cache, Lock, owner_of};
use crate::talk::Talk;

const QUIT_LIMIT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(20);

/// Removes run directories whose owner is gone, then templates that nobody is building.
pub(in crate::provision) async fn sweep(cache: &Cache, talk: &Talk) {
    for run in entries(&cache.dir.join("runs")) {
        let name = file_name(&run);
        if !cache.is_alive(owner_of(&name)) {
            talk.note(format!(
                "removing {}, left by a run that was killed",
                run.display()
            ));
            remove(&run).await;
            remove_dir(&socket_fallback(&name)).await;
        }
    }
    for template in entries(&cache.dir.join("local")) {
        if let Some(name) = file_name(&template).strip_suffix(PARTIAL) {
            let lock = cache.lock_path(&lock_name(name));
            if let Ok(Some(_lock)) = Lock::try_exclusive(&lock) {
                talk.note(format!(
                    "removing {}, a template that was not finished",
                    template.display()
                ));
                remove(&template).await;
            }
        }
    }
}

/// Ends the server on `dir/data`, if one runs there, and removes `dir`.
pub(super) async fn remove(dir: &Path) {
    let data = dir.join("data");
    if let Some(pid) = postmaster(&data) {
        for signal in [Signal::QUIT, Signal::KILL] {
            let _ = kill_process(pid, signal);
            let deadline = Instant::now() + QUIT_LIMIT;
            while runs_on(pid, &data) && Instant::now() < deadline {
                tokio::time::sleep(POLL).await;
            }
        }
    }
    remove_dir(dir).await;
}

/// A data directory of gigabytes takes a while to remove.
async fn remove_dir(dir: &Path) {
    let dir = dir.to_owned();
    // Another sweep may be at it as well, and what stays is met by the next one.
    let _ = tokio::task::spawn_blocking(move || fs::remove_dir_all(dir)).await;
}

/// The server that runs on `data`; never a stranger that was given the number of a dead one.
fn postmaster(data: &Path) -> Option<Pid> {
    let file = fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let pid = Pid::from_raw(file.lines().next()?.trim().parse().ok()?)?;
    runs_on(pid, data).then_some(pid)
}

/// A server's working directory is its data directory, and its command line names it.
fn runs_on(pid: Pid, data: &Path) -> bool {
    let proc = PathBuf::from(format!("/proc/{}", pid.as_raw_nonzero()));
    if Path::new("/proc/self").exists() {
        // A zombie has no working directory any more.
        return fs::read_link(proc.join("cwd")).is_ok_and(|cwd| cwd == data);
    }
    let number = pid.as_raw_nonzero().to_string();
    Command::new("ps")
        .args(["-ww", "-o", "args=", "-p", &number])
        .output()
        .is_ok_and(|ps| {
            let line = String::from_utf8_lossy(&ps.stdout);
            line.contains("postgres") && line.contains(&*data.to_string_lossy())
        })
}

pub(super) fn entries(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = dir.read_dir() else {
        return Vec::new();
    };
    entries.flatten().map(|entry| entry.path()).collect()
}

/// What the files in a directory take on the disk, those below it too.
pub(super) fn bytes_in(dir: &Path) -> u64 {
    let bytes = |path: PathBuf| match fs::symlink_metadata(&path) {
        Ok(entry) if entry.is_dir() => bytes_in(&path),
        Ok(entry) => entry.blocks() * 512,
        Err(_) => 0,
    };
    entries(dir).into_iter().map(bytes).sum()
}

pub(super) fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
