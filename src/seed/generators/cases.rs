//! Cases: a column whose generator depends on what kind of row it is.

use super::mix::Weights;
use super::redirect::Redirect;
use super::{Generator, GeneratorSpec};
use crate::seed::context::Place;
use crate::seed::dataset::TableSpec;
use crate::seed::dice::Dice;
use crate::seed::value::Scratch;

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
    Ok(Generator {
        key: place.shared_key("case"),
        make: Box::new(Cases {
            weights,
            generators: table
                .cases
                .iter()
                .enumerate()
                .map(of_case)
                .collect::<Result<_, _>>()?,
        }),
    })
}

struct Cases {
    weights: Weights,
    /// One for each case.
    generators: Vec<Generator>,
}

impl Redirect for Cases {
    fn target<'a>(
        &'a self,
        row: u64,
        dice: &mut Dice,
        _: &mut Scratch,
    ) -> Option<(&'a Generator, u64)> {
        // All columns of the table roll from the same key: a row is one case in all of them.
        Some((&self.generators[self.weights.pick(dice)], row))
    }

    fn targets(&self) -> Vec<&Generator> {
        self.generators.iter().collect()
    }
}
