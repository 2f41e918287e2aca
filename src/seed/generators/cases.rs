//! Cases: a column whose generator depends on what kind of row it is.

use super::mix::{Mixed, Weights};
use super::{Generator, GeneratorSpec};
use crate::seed::context::Place;
use crate::seed::dataset::TableSpec;

/// The generator of a column of which some case has its own.
pub(in crate::seed) fn build(
    place: &Place<'_>,
    table: &TableSpec,
    column: &str,
) -> Result<Generator, String> {
    let weights = Weights::new(table.cases.iter().map(|case| case.weight))?;
    let null = GeneratorSpec::Null(super::null::Null {});
    let of_case = |(at, case): (usize, &crate::seed::dataset::Case)| {
        let own = case
            .columns
            .get(column)
            .map(|spec| (spec, place.inside(&format!("case{at}"))));
        let (spec, place) =
            own.unwrap_or_else(|| (table.columns.get(column).unwrap_or(&null), place.clone()));
        spec.build(&place)
    };
    // All columns of the table roll from the same key: a row is one case in all of them.
    Ok(Generator {
        key: place.shared_key("case"),
        make: Box::new(Mixed {
            weights,
            parts: table
                .cases
                .iter()
                .enumerate()
                .map(of_case)
                .collect::<Result<_, _>>()?,
        }),
    })
}
