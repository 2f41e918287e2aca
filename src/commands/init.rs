//! `init`: writes a `pgrehearse.toml` for the repository that it stands in.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use super::{Exit, Failure, progress};
use crate::cli;
use crate::plan::init;
use crate::plan::repository::FILE_NAME;

pub(super) fn init(args: &cli::Init) -> Result<Exit, Failure> {
    let findings = init::look(Path::new("."), args)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .create_new(!args.force)
        .truncate(true)
        .open(FILE_NAME)
        .map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => {
                let message = format!("{FILE_NAME} is there already; --force writes it anew");
                Failure::new(Exit::BadInput, message)
            }
            _ => Failure::new(
                Exit::Environment,
                format!("cannot write {FILE_NAME}: {error}"),
            ),
        })?;
    let written = file.write_all(init::to_toml(&findings).as_bytes());
    written.map_err(|error| Failure::new(Exit::Environment, error))?;
    progress::eprint_line(&format!(
        "{FILE_NAME}: {} migrations in {}, {} layout; now: pgrehearse run",
        findings.count,
        findings.migrations.display(),
        findings.layout
    ));
    Ok(Exit::Kept)
}
