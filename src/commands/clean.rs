//! `clean`: removes the templates and the calibrations, and what killed processes left behind.

use super::{Exit, Failure, calibrate, progress};
use crate::cli;
use crate::{plan, provision};

pub(super) async fn clean(args: &cli::Clean) -> Result<Exit, Failure> {
    let talk = progress::on_stderr();
    let spec = plan::provision_spec(&args.server)?;
    let cleaned = provision::clean(&spec, &talk).await;
    cleaned.map_err(|error| Failure::new(Exit::Environment, error))?;
    calibrate::forget(&spec.cache_dir, &talk)?;
    Ok(Exit::Kept)
}
