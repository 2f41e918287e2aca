//! What a dataset's tables come from: a schema that is filled, or a snapshot of a database.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use sha2::{Digest, Sha256};

use crate::migrations::{Around, Part, Transaction};

/// What a template is made of.
#[derive(Clone, Debug)]
pub enum Source {
    /// SQL that creates the tables, none where they are there already; the rows are made.
    Schema { path: PathBuf, sql: String },
    /// Migrations that create the tables; the rows are made.
    Migrations(Migrations),
    /// A dump of a database, with the rows that are in it.
    Snapshot(Snapshot),
}

/// Migrations of one tool, run as it runs them.
#[derive(Clone, Debug)]
pub struct Migrations {
    pub dir: PathBuf,
    /// What makes the tables that are filled.
    pub before: Vec<Part>,
    /// What comes once they are filled.
    pub after: Vec<Part>,
    /// Migrations in a programming language among them, which do not run here.
    pub in_code: Vec<PathBuf>,
}

impl Migrations {
    /// All that they do to a database, for a name of its content.
    pub fn content(&self) -> serde_json::Value {
        let content = |parts: &[Part]| -> Vec<serde_json::Value> {
            let content = |part: &Part| {
                let Around {
                    before,
                    inside,
                    after,
                } = &part.around;
                let rule = part.transaction.map(Transaction::in_words);
                serde_json::json!([part.text, rule, before, inside, after])
            };
            parts.iter().map(content).collect()
        };
        serde_json::json!([content(&self.before), content(&self.after)])
    }
}

/// What `pg_dump` has written.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub path: PathBuf,
    pub format: Format,
    /// Read when it is first asked for: a dump may be large.
    digest: Arc<OnceLock<String>>,
}

/// The forms of a dump, told apart by their first bytes, whatever the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `pg_dump -Fc`.
    Custom,
    /// `pg_dump -Fd`.
    Directory,
    /// `pg_dump -Ft`.
    Tar,
    /// `pg_dump -Fp`, or any other script for psql.
    Sql,
    /// The same through gzip.
    SqlGz,
}

/// Where a tar archive says that it is one.
const TAR_MAGIC_AT: usize = 257;

impl Snapshot {
    /// Looks at how the dump begins; an error is one for people.
    pub fn open(path: &Path) -> Result<Snapshot, String> {
        let format = format(path)?;
        Ok(Snapshot {
            path: path.to_owned(),
            format,
            digest: Arc::default(),
        })
    }

    /// The SHA-256 of its content, the names of a directory's files with it.
    ///
    /// A dump that has become unreadable has a digest that is no dump's: restoring it will say why.
    pub fn digest(&self) -> &str {
        self.digest.get_or_init(|| {
            let mut hash = Sha256::new();
            match add(&mut hash, &self.path) {
                Ok(()) => hash.finalize().iter().map(|b| format!("{b:02x}")).collect(),
                Err(e) => format!("unreadable: {e}"),
            }
        })
    }

    /// What the dump takes on disk: less than what it becomes, mostly.
    pub fn bytes(&self) -> u64 {
        bytes(&self.path).unwrap_or(0)
    }
}

impl Format {
    /// Whether several sessions can read it at once.
    pub fn is_parallel(self) -> bool {
        matches!(self, Format::Custom | Format::Directory)
    }

    /// Whether it is for psql, not for pg_restore.
    pub fn is_sql(self) -> bool {
        matches!(self, Format::Sql | Format::SqlGz)
    }
}

fn format(path: &Path) -> Result<Format, String> {
    if path.is_dir() {
        return match path.join("toc.dat").is_file() {
            true => Ok(Format::Directory),
            false => Err("this directory has no toc.dat, so pg_dump has not written it".to_owned()),
        };
    }
    let mut start = Vec::new();
    File::open(path)
        .and_then(|file| file.take(4096).read_to_end(&mut start))
        .map_err(|e| format!("cannot read it: {e}"))?;
    match &start[..] {
        [] => Err("the file is empty".to_owned()),
        [b'P', b'G', b'D', b'M', b'P', ..] => Ok(Format::Custom),
        [0x1f, 0x8b, ..] => Ok(Format::SqlGz),
        tar if tar
            .get(TAR_MAGIC_AT..)
            .is_some_and(|at| at.starts_with(b"ustar")) =>
        {
            Ok(Format::Tar)
        }
        binary if binary.contains(&0) => Err(
            "is no dump: pg_dump writes SQL, or the custom, directory or tar \
             format"
                .to_owned(),
        ),
        _ => Ok(Format::Sql),
    }
}

fn files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(dir)?;
    let mut files = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<Vec<PathBuf>>>()?;
    files.sort();
    Ok(files)
}

fn add(hash: &mut Sha256, path: &Path) -> io::Result<()> {
    if path.is_dir() {
        for file in files(path)? {
            hash.update(file.file_name().unwrap_or_default().as_encoded_bytes());
            hash.update(bytes(&file)?.to_le_bytes());
            add(hash, &file)?;
        }
        return Ok(());
    }
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(()),
            read => hash.update(&buffer[..read]),
        }
    }
}

fn bytes(path: &Path) -> io::Result<u64> {
    if path.is_dir() {
        return files(path)?.iter().map(|file| bytes(file)).sum();
    }
    Ok(std::fs::metadata(path)?.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(content: &[u8], expected: Result<Format, &str>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.dump");
        std::fs::write(&path, content).unwrap();
        let found = Snapshot::open(&path).map(|snapshot| snapshot.format);
        match (found, expected) {
            (Err(found), Err(part)) => assert!(found.contains(part), "{found}"),
            (found, expected) => assert_eq!(found.ok(), expected.ok()),
        }
    }

    #[test]
    fn a_dump_is_known_by_how_it_begins() {
        check(b"PGDMP\x01\x0e\x00", Ok(Format::Custom));
        check(b"\x1f\x8b\x08\x00", Ok(Format::SqlGz));
        check(b"--\n-- PostgreSQL database dump\n", Ok(Format::Sql));
        let mut tar = vec![0; 512];
        tar[TAR_MAGIC_AT..TAR_MAGIC_AT + 5].copy_from_slice(b"ustar");
        check(&tar, Ok(Format::Tar));
        check(b"", Err("the file is empty"));
        check(b"\x7fELF\x00\x01", Err("is no dump"));
    }

    #[test]
    fn the_digest_is_of_the_content_and_not_of_the_path() {
        let dir = tempfile::tempdir().unwrap();
        let digest = |name: &str, content: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, content).unwrap();
            Snapshot::open(&path).unwrap().digest().to_owned()
        };
        assert_eq!(digest("a.sql", "SELECT 1"), digest("b.sql", "SELECT 1"));
        assert_ne!(digest("a.sql", "SELECT 1"), digest("b.sql", "SELECT 2"));
    }
}
