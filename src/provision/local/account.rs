//! The user that a server runs as: `postgres` refuses to run as root.

use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::input::Problem;
use crate::provision::Error;

/// An unprivileged user of this machine, when we are root; else the server runs as we do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::provision) enum Account {
    Ours,
    Other { name: String, uid: u32, gid: u32 },
}

impl Account {
    pub(super) fn for_server() -> Result<Account, Error> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Account::Ours);
        }
        ["postgres", "nobody"]
            .into_iter()
            .find_map(lookup)
            .ok_or_else(|| Error::NoProvider {
                tried: "a server cannot run as root, and there is neither a user `postgres` \
                        nor `nobody` to run it as"
                    .to_owned(),
            })
    }

    /// Lets `command` run as this user, in a process group of its own: Ctrl-C is for us alone.
    pub(in crate::provision) fn apply(&self, command: &mut Command) {
        command.stdin(Stdio::null()).process_group(0);
        if let Account::Other { uid, gid, .. } = self {
            command.uid(*uid).gid(*gid);
        }
    }

    /// Gives the user what we have created.
    pub(super) fn own(&self, path: &Path) -> Result<(), Error> {
        match self {
            Account::Ours => Ok(()),
            Account::Other { uid, gid, .. } => {
                chown(path, Some(*uid), Some(*gid)).map_err(|e| Error::io("give away", path, e))
            }
        }
    }

    /// An error if the way to `dir` is barred to the user.
    pub(super) fn check_reach(&self, dir: &Path) -> Result<(), Error> {
        let Account::Other { name, uid, .. } = self else {
            return Ok(());
        };
        let barred = dir.ancestors().find(|ancestor| {
            std::fs::metadata(ancestor)
                .is_ok_and(|meta| meta.mode() & 0o001 == 0 && meta.uid() != *uid)
        });
        match barred {
            None => Ok(()),
            Some(barred) => Err(Error::argument(
                Problem::argument(
                    "--cache-dir",
                    dir.display(),
                    format!(
                        "the server runs as user {name}, who cannot enter {}",
                        barred.display()
                    ),
                )
                .hint("choose a directory that all users may enter"),
            )),
        }
    }
}

/// Asks `id`, which knows every source of users the machine has.
fn lookup(name: &str) -> Option<Account> {
    let ask = |flag: &str| {
        let output = Command::new("id").args([flag, name]).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    };
    Some(Account::Other {
        name: name.to_owned(),
        uid: ask("-u")?,
        gid: ask("-g")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_barred_way_is_named_before_the_server_meets_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("cache");
        std::fs::create_dir(&inner).unwrap();
        std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o700)).unwrap();
        let stranger = Account::Other {
            name: "stranger".into(),
            uid: 4_000_000,
            gid: 4_000_000,
        };
        let text = stranger.check_reach(&inner).unwrap_err().to_string();
        assert!(text.contains("user stranger, who cannot enter"), "{text}");
        assert!(text.contains(dir.path().to_str().unwrap()), "{text}");
        std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755)).unwrap();
        assert!(stranger.check_reach(&inner).is_ok());
        assert!(Account::Ours.check_reach(&inner).is_ok());
    }
}
