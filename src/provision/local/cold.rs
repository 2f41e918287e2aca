//! A cold start: files dropped from the operating system's memory.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Advice, fadvise};

use crate::provision::Error;

/// Drops every file below `dir` from the memory of the system. All of it must be on disk already: what has
/// yet to be written stays.
pub(super) async fn drop_from_memory(dir: &Path) -> Result<(), Error> {
    let dir = dir.to_owned();
    let dropped = tokio::task::spawn_blocking(move || {
        drop_all(&dir).map_err(|(path, e)| Error::io("drop from memory", &path, e))
    });
    dropped.await.expect("walking a directory does not panic")
}

fn drop_all(dir: &Path) -> Result<(), (PathBuf, io::Error)> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |e| (path, e)
    };
    for entry in fs::read_dir(dir).map_err(failed(dir))? {
        let entry = entry.map_err(failed(dir))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(failed(&path))?;
        if kind.is_dir() {
            drop_all(&path)?;
        } else if kind.is_file() {
            let file = File::open(&path).map_err(failed(&path))?;
            let dropped = fadvise(&file, 0, None, Advice::DontNeed);
            dropped.map_err(|e| (path, e.into()))?;
        }
    }
    Ok(())
}
