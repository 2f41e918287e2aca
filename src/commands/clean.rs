//! `clean`: removes the templates, and what killed processes left behind.

use super::{Exit, Failure, progress};
use crate::cli;
use crate::{plan, provision};

pub(super) async fn clean(args: &cli::Clean) -> Result<Exit, Failure> {
    let talk = progress::on_stderr();
    let cleaned = provision::clean(&plan::provision_spec(&args.server)?, &talk).await;
    cleaned.map_err(|error| Failure::new(Exit::Environment, error))?;
    Ok(Exit::Kept)
}
