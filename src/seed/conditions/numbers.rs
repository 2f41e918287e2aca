//! Numbers within bounds.

use super::atom::{Atom, Constant, Of, Op};
use super::{fit, times};
use crate::seed::generators::{GeneratorSpec, decimal, float, int, time};

/// Bounds, and what lies outside of them all the same.
struct Bounds {
    low: f64,
    high: f64,
    not: Vec<f64>,
    among: Option<Vec<f64>>,
}

impl Bounds {
    /// `unit`: how far apart two numbers are at least.
    fn of(atoms: &[&Atom], unit: f64) -> Option<Bounds> {
        let mut bounds = Bounds {
            low: f64::NEG_INFINITY,
            high: f64::INFINITY,
            not: Vec::new(),
            among: None,
        };
        for atom in atoms {
            match atom {
                Atom::Compare {
                    of: Of::Value,
                    op,
                    with,
                    ..
                } => bounds.compare(*op, number(with)?, unit),
                Atom::Among {
                    of: Of::Value,
                    values,
                    negated,
                    ..
                } => {
                    let mut values = values.iter().map(number).collect::<Option<Vec<_>>>()?;
                    if *negated {
                        bounds.not.append(&mut values);
                    } else {
                        let both = |value: &f64| {
                            bounds
                                .among
                                .as_ref()
                                .is_none_or(|among| among.contains(value))
                        };
                        values.retain(both);
                        bounds.among = Some(values);
                    }
                }
                _ => return None,
            }
        }
        bounds.step_over(unit);
        (bounds.low <= bounds.high).then_some(bounds)
    }

    fn compare(&mut self, op: Op, with: f64, unit: f64) {
        match op {
            Op::Less => self.high = self.high.min(((with / unit).ceil() - 1.0) * unit),
            Op::LessOrEqual => self.high = self.high.min((with / unit).floor() * unit),
            Op::Equal => (self.low, self.high) = (self.low.max(with), self.high.min(with)),
            Op::NotEqual => self.not.push(with),
            Op::GreaterOrEqual => self.low = self.low.max((with / unit).ceil() * unit),
            Op::Greater => self.low = self.low.max(((with / unit).floor() + 1.0) * unit),
        }
    }

    /// Numbers that may not be move the nearer bound past them: zero and the like stand at an end, or near it.
    fn step_over(&mut self, unit: f64) {
        let mut not = std::mem::take(&mut self.not);
        not.sort_by(f64::total_cmp);
        for number in &not {
            if *number == self.low || (self.low < *number && self.low == f64::NEG_INFINITY) {
                self.low = number + unit;
            }
        }
        for number in not.iter().rev() {
            if *number == self.high {
                self.high = number - unit;
            }
        }
        self.not = not;
    }

    fn holds(&self, number: f64) -> bool {
        (self.low..=self.high).contains(&number) && !self.not.contains(&number)
    }

    /// The numbers that are named, if any are.
    fn named(&self) -> Option<GeneratorSpec> {
        let among = self
            .among
            .as_ref()?
            .iter()
            .filter(|number| self.holds(**number));
        let named: Vec<_> = among.map(f64::to_string).collect();
        (!named.is_empty()).then(|| fit::literals(named))
    }

    /// What there was, within the bounds; where they have nothing in common, as wide as it was beside the bound.
    fn within(&self, min: f64, max: f64, unit: f64) -> (f64, f64) {
        // A number in between that may not be: stay on the larger side.
        let mut low = self.low;
        for number in &self.not {
            if (min.max(low)..=max.min(self.high)).contains(number)
                && number + unit <= max.min(self.high)
            {
                low = low.max(number + unit);
            }
        }
        if min <= self.high && max >= low {
            return (min.max(low), max.min(self.high));
        }
        let span = max - min;
        if low.is_finite() {
            (low, (low + span).min(self.high))
        } else {
            ((self.high - span).max(low), self.high)
        }
    }
}

fn number(constant: &Constant) -> Option<f64> {
    match constant {
        Constant::Number(number) => Some(*number),
        Constant::Text(text) => text.trim().parse().ok(),
        _ => None,
    }
}

pub(super) fn int(
    ty: &str,
    spec: Option<&GeneratorSpec>,
    atoms: &[&Atom],
) -> Option<GeneratorSpec> {
    let bounds = Bounds::of(atoms, 1.0)?;
    if bounds.among.is_some() {
        return bounds.named();
    }
    let (min, max, skew) = match spec {
        Some(GeneratorSpec::Int(int)) => (int.min, int.max, int.skew),
        Some(GeneratorSpec::Normal(normal)) => (normal.min as i64, normal.max as i64, 0.0),
        _ => (1, 1_000, 0.0),
    };
    let (min, max) = bounds.within(min as f64, max as f64, 1.0);
    let limit = match ty {
        "int2" => f64::from(i16::MAX),
        "int4" => f64::from(i32::MAX),
        _ => i64::MAX as f64,
    };
    let (min, max) = (min.max(-limit), max.min(limit));
    (min <= max).then_some(GeneratorSpec::Int(int::Int {
        min: min as i64,
        max: max as i64,
        skew,
    }))
}

pub(super) fn decimal(
    ty: &str,
    modifier: i32,
    spec: Option<&GeneratorSpec>,
    atoms: &[&Atom],
) -> Option<GeneratorSpec> {
    let of_modifier = |modifier: u32| (modifier & 0x7ff) as u8;
    let scale = match u32::try_from(modifier - 4) {
        Ok(modifier) if ty == "numeric" => of_modifier(modifier).min(9),
        _ => match spec {
            Some(GeneratorSpec::Decimal(decimal)) => decimal.scale,
            _ => 2,
        },
    };
    let unit = 10f64.powi(-i32::from(scale));
    let bounds = Bounds::of(atoms, unit)?;
    if bounds.among.is_some() {
        return bounds.named();
    }
    let (min, max) = match spec {
        Some(GeneratorSpec::Decimal(decimal)) => (decimal.min, decimal.max),
        Some(GeneratorSpec::Price(price)) => (price.min, price.max),
        Some(GeneratorSpec::Float(float)) => (float.min, float.max),
        Some(GeneratorSpec::Normal(normal)) => (normal.min, normal.max),
        Some(GeneratorSpec::Int(int)) => (int.min as f64, int.max as f64),
        _ => (0.0, 1_000.0),
    };
    let (min, max) = bounds.within(min, max, unit);
    if min > max {
        return None;
    }
    Some(match ty {
        "float4" | "float8" => GeneratorSpec::Float(float::Float { min, max }),
        _ => GeneratorSpec::Decimal(decimal::Decimal { min, max, scale }),
    })
}

pub(super) fn interval(spec: Option<&GeneratorSpec>, atoms: &[&Atom]) -> Option<GeneratorSpec> {
    let (mut min_s, mut max_s) = match spec {
        Some(GeneratorSpec::Interval(interval)) => (interval.min_s, interval.max_s),
        _ => (0, 30 * 86_400),
    };
    let (mut low, mut high) = (i64::MIN, i64::MAX);
    for atom in atoms {
        let Atom::Compare {
            of: Of::Value,
            op,
            with: Constant::Text(with),
            ..
        } = atom
        else {
            return None;
        };
        let with = times::seconds(with)?;
        match op {
            Op::Greater => low = low.max(with + 1),
            Op::GreaterOrEqual => low = low.max(with),
            Op::Less => high = high.min(with - 1),
            Op::LessOrEqual => high = high.min(with),
            Op::Equal => (low, high) = (with, with),
            Op::NotEqual => low = low.max(with + 1),
        }
    }
    if low > high {
        return None;
    }
    let span = max_s - min_s;
    min_s = min_s.clamp(low, high);
    max_s = max_s.max(min_s.saturating_add(span)).clamp(low, high);
    Some(GeneratorSpec::Interval(time::Interval { min_s, max_s }))
}
