//! Texts of a length, a form, or out of a list.

use std::collections::BTreeMap;

use super::atom::{Atom, Constant, Of, Op};
use super::{fit, held};
use crate::seed::generators::{GeneratorSpec, choice, pattern, text};

/// What a text must be.
struct Form<'a> {
    min: usize,
    max: usize,
    regexes: Vec<(&'a str, bool)>,
    /// Out of these.
    among: Option<Vec<String>>,
    /// No capital letters, or no small ones.
    lower: bool,
    upper: bool,
}

/// Texts are no longer where nothing limits them.
const LONG: usize = 60;

pub(super) fn made(
    modifier: i32,
    spec: Option<&GeneratorSpec>,
    atoms: &[&Atom],
) -> Option<GeneratorSpec> {
    let form = Form::of(modifier, atoms)?;
    if let Some(among) = &form.among {
        let weight = |label: &String| match spec {
            Some(GeneratorSpec::Choice(choice)) => choice.0.get(label).copied(),
            _ => None,
        };
        let has_weights = among.iter().any(|label| weight(label).is_some());
        let weights = among.iter().map(|label| {
            let weight = if has_weights {
                weight(label).unwrap_or(1.0)
            } else {
                1.0
            };
            (label.clone(), weight)
        });
        return chosen(weights.collect(), atoms);
    }
    // Of a choice that is there already, what may stay.
    if let Some(GeneratorSpec::Choice(choice)) = spec
        && let Some(chosen) = chosen(choice.0.clone(), atoms)
    {
        return Some(chosen);
    }
    form.tries(spec).into_iter().find(|made| {
        atoms
            .iter()
            .all(|atom| held::by(made, atom) != held::Held::No)
    })
}

/// The labels that meet the atoms, with their weights.
pub(super) fn chosen(weights: BTreeMap<String, f64>, atoms: &[&Atom]) -> Option<GeneratorSpec> {
    let one = |label: &String| GeneratorSpec::Choice(choice::Choice([(label.clone(), 1.0)].into()));
    let meets = |label: &String| {
        atoms
            .iter()
            .all(|atom| held::by(&one(label), atom) != held::Held::No)
    };
    let chosen: BTreeMap<_, _> = weights
        .into_iter()
        .filter(|(label, weight)| *weight > 0.0 && meets(label))
        .collect();
    (!chosen.is_empty()).then_some(GeneratorSpec::Choice(choice::Choice(chosen)))
}

impl Form<'_> {
    fn of<'a>(modifier: i32, atoms: &[&'a Atom]) -> Option<Form<'a>> {
        let limit = usize::try_from(modifier - 4).ok();
        let mut form = Form {
            min: 0,
            max: limit.unwrap_or(usize::MAX),
            regexes: Vec::new(),
            among: None,
            lower: false,
            upper: false,
        };
        for atom in atoms {
            match atom {
                Atom::Compare {
                    of: Of::Chars | Of::Bytes,
                    op,
                    with: Constant::Number(n),
                    ..
                } => {
                    form.length(*op, *n)?;
                }
                Atom::Compare {
                    op: Op::Equal,
                    with,
                    of,
                    ..
                } => {
                    let text = fit::constant_text(with)?;
                    form.one_of(vec![if *of == Of::Upper {
                        text.to_lowercase()
                    } else {
                        text
                    }]);
                }
                Atom::Compare {
                    op: Op::NotEqual, ..
                } => form.min = form.min.max(1),
                Atom::Among {
                    values,
                    negated: false,
                    ..
                } => {
                    form.one_of(
                        values
                            .iter()
                            .map(fit::constant_text)
                            .collect::<Option<_>>()?,
                    );
                }
                Atom::Among { .. } => {}
                Atom::Matches {
                    regex,
                    insensitive,
                    negated: false,
                    ..
                } => form.regexes.push((regex, *insensitive)),
                Atom::Matches { regex, .. } => match regex.as_str() {
                    "[A-Z]" => form.lower = true,
                    "[a-z]" => form.upper = true,
                    _ => {}
                },
                _ => return None,
            }
        }
        (form.min <= form.max).then_some(form)
    }

    fn length(&mut self, op: Op, n: f64) -> Option<()> {
        let whole = n.max(0.0) as usize;
        match op {
            Op::Less => self.max = self.max.min((n.ceil() as usize).checked_sub(1)?),
            Op::LessOrEqual if n < 0.0 => return None,
            Op::LessOrEqual => self.max = self.max.min(whole),
            Op::Equal => (self.min, self.max) = (self.min.max(whole), self.max.min(whole)),
            Op::NotEqual => self.min = self.min.max(whole + 1),
            Op::GreaterOrEqual => self.min = self.min.max(n.ceil().max(0.0) as usize),
            Op::Greater if n < 0.0 => {}
            Op::Greater => self.min = self.min.max(whole + 1),
        }
        Some(())
    }

    fn one_of(&mut self, values: Vec<String>) {
        match &mut self.among {
            Some(among) => among.retain(|value| values.contains(value)),
            None => self.among = Some(values),
        }
    }

    /// Generators that may do, the best first.
    fn tries(&self, spec: Option<&GeneratorSpec>) -> Vec<GeneratorSpec> {
        let bounded = |regex: &str, insensitive: bool| {
            let max = (self.max < usize::MAX).then_some(self.max);
            let min = self.min;
            GeneratorSpec::Pattern(pattern::Pattern {
                regex: regex.to_owned(),
                insensitive,
                min,
                max,
            })
        };
        let mut tries = Vec::new();
        for (regex, insensitive) in &self.regexes {
            tries.push(bounded(regex, *insensitive));
        }
        if !self.regexes.is_empty() {
            return tries;
        }
        let max = self.max.min(self.min.max(LONG));
        if !self.lower && !self.upper {
            let (min, max) = match spec {
                Some(GeneratorSpec::Text(text)) => (
                    text.min.clamp(self.min, self.max),
                    text.max.clamp(self.min, self.max),
                ),
                _ => (self.min.max(max.min(5)), max),
            };
            tries.push(GeneratorSpec::Text(text::Text {
                min,
                max,
                skew: 0.0,
            }));
        }
        let shortest = self.min.max(max.min(6));
        let longest = shortest.max(max.min(12));
        let letters = if self.upper { "A-Z" } else { "a-z" };
        tries.push(bounded(
            &format!("^[{letters}]{{{shortest},{longest}}}$"),
            false,
        ));
        tries.push(bounded(&format!("^[0-9]{{{shortest},{longest}}}$"), false));
        tries
    }
}
