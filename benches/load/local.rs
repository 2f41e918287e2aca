//! The provider of the benches: PostgreSQL's programs of this machine, with a cache that goes with the value.

use std::os::unix::fs::PermissionsExt;

use anyhow::Result;
use pgrehearse::provision::{self, Choice, Host, OsCache, Spec};
use pgrehearse::talk::Talk;

/// The directory has the cache in it, as `cache`.
pub(crate) async fn open() -> Result<(Host, tempfile::TempDir)> {
    let dir = tempfile::tempdir()?;
    // A server that root starts runs as another user, who must get in.
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755))?;
    let spec = Spec {
        choice: Choice::Local,
        image: None,
        bindir: None,
        url: None,
        port: None,
        os_cache: OsCache::Warm,
        cache_dir: dir.path().join("cache"),
        cache_bytes_max: None,
    };
    let host = provision::open(&spec, None, &Talk::silent()).await?;
    Ok((host, dir))
}
