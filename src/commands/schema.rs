//! `schema`: the JSON Schemas of what is written and read.

use super::{Exit, Failure, output};
use crate::cli::{self, SchemaOf};
use crate::{compare, plan, report, seed};

pub(super) fn schema(args: &cli::Schema) -> Result<Exit, Failure> {
    let schema = match args.of {
        SchemaOf::Scenario => plan::scenario_schema(),
        SchemaOf::Repository => plan::repository_schema(),
        SchemaOf::Report => report::schema(),
        SchemaOf::Dataset => seed::dataset::schema(),
        SchemaOf::Comparison => compare::schema(),
    };
    let text = serde_json::to_string_pretty(&schema);
    output::print(&(text.map_err(|error| Failure::new(Exit::Unfinished, error))? + "\n"));
    Ok(Exit::Kept)
}
