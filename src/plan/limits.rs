//! The budget of a rehearsal: the scenario's, overridden by `--budget`, checked for what can be kept.

use super::Budget;
use crate::input::{Document, Place, Problem};
use crate::postgres::LockMode;
use crate::rehearse::clock::ms;
use crate::rehearse::workload::{App, Load, QueryKind};

/// A limit of `--budget`.
#[derive(Clone, Debug)]
pub struct Typed {
    argument: String,
    key: String,
    limit: Budget,
}

/// Reads the limits that were typed.
pub fn typed(arguments: &[String], problems: &mut Vec<Problem>) -> Vec<Typed> {
    let mut limits = Vec::new();
    for argument in arguments {
        match parse(argument) {
            Ok((key, limit)) => limits.push(Typed {
                argument: argument.clone(),
                key,
                limit,
            }),
            Err(problem) => problems.push(problem),
        }
    }
    limits
}

/// The scenario's limits with those typed in their place. All that can't be kept is reported.
pub fn budget(
    file: Budget,
    typed: &[Typed],
    place: &Place<'_>,
    load: &Load,
    app: Option<&App>,
    problems: &mut Vec<Problem>,
) -> Budget {
    let limits = typed.iter().map(|typed| typed.limit.clone());
    let budget = limits.fold(file, Budget::overridden_by);
    for (key, message) in mistakes(&budget, load, app) {
        let typed = typed.iter().rfind(|typed| typed.key == key);
        problems.push(match typed {
            Some(typed) => Problem::argument("--budget", &typed.argument, message),
            None => key
                .split('.')
                .fold(place.clone(), |place, key| place.at(key))
                .problem(message),
        });
    }
    budget
}

/// `key=value`, as it could stand in `[budget]`.
fn parse(typed: &str) -> Result<(String, Budget), Problem> {
    let Some((key, value)) = typed.split_once('=') else {
        let problem = Problem::argument("--budget", typed, "not a limit");
        return Err(problem.hint("write it as key=value, such as blocked_writes=0"));
    };
    let (key, value) = (key.trim(), value.trim());
    let mut problems = Vec::new();
    let limit = Document::new("--budget", format!("{key} = {value}")).parse(&mut problems);
    match (limit, problems.into_iter().next()) {
        (Some(limit), None) => Ok((key.to_owned(), limit)),
        (_, problem) => {
            let problem = problem.unwrap_or_else(|| Problem::new("not a limit"));
            let not_toml = problem.message.starts_with("not TOML");
            let message = if not_toml {
                "the limit is not a number".to_owned()
            } else {
                problem.message
            };
            Err(Problem {
                hint: problem.hint,
                ..Problem::argument("--budget", typed, message)
            })
        }
    }
}

impl Budget {
    /// These limits, with those of `other` where it has some.
    fn overridden_by(self, other: Budget) -> Budget {
        let mut hold_ms_by_mode = self.hold_ms_by_mode;
        hold_ms_by_mode.extend(other.hold_ms_by_mode);
        Budget {
            blocked_queries: other.blocked_queries.or(self.blocked_queries),
            blocked_reads: other.blocked_reads.or(self.blocked_reads),
            blocked_writes: other.blocked_writes.or(self.blocked_writes),
            blocked_longest_ms: other.blocked_longest_ms.or(self.blocked_longest_ms),
            hold_ms: other.hold_ms.or(self.hold_ms),
            hold_ms_by_mode,
            span_ms: other.span_ms.or(self.span_ms),
            duration_ms: other.duration_ms.or(self.duration_ms),
            stall_ms: other.stall_ms.or(self.stall_ms),
            p99_ratio: other.p99_ratio.or(self.p99_ratio),
            errors: other.errors.or(self.errors),
            recovery_ms: other.recovery_ms.or(self.recovery_ms),
            wal_bytes: other.wal_bytes.or(self.wal_bytes),
        }
    }

    /// The limits that are not counts, by key.
    fn measures(&self) -> Vec<(String, f64)> {
        let single = [
            ("blocked_longest_ms", self.blocked_longest_ms),
            ("hold_ms", self.hold_ms),
            ("span_ms", self.span_ms),
            ("duration_ms", self.duration_ms),
            ("stall_ms", self.stall_ms),
            ("p99_ratio", self.p99_ratio),
            ("recovery_ms", self.recovery_ms),
        ];
        let by_mode =
            |(mode, limit): (&LockMode, &f64)| (format!("hold_ms_by_mode.{mode}"), *limit);
        single
            .into_iter()
            .filter_map(|(key, limit)| Some((key.to_owned(), limit?)))
            .chain(self.hold_ms_by_mode.iter().map(by_mode))
            .collect()
    }
}

/// The limits that no rehearsal could keep, by key, with the reason.
fn mistakes(budget: &Budget, load: &Load, app: Option<&App>) -> Vec<(String, String)> {
    let mut mistakes = Vec::new();
    for (key, limit) in budget.measures() {
        if !limit.is_finite() || limit < 0.0 {
            mistakes.push((key, "a limit is a number from 0".to_owned()));
        }
    }
    if let Some(ratio) = budget.p99_ratio.filter(|ratio| (0.0..1.0).contains(ratio)) {
        let message = format!(
            "{ratio} would want the migration to make queries faster; 1 means no slower than before"
        );
        mistakes.push(("p99_ratio".to_owned(), message));
    }
    if let Some(recovery) = budget.recovery_ms
        && recovery > ms(load.recovery_limit)
    {
        let limit = ms(load.recovery_limit);
        let message = format!("recovery is only waited for up to load.recovery_limit, {limit} ms");
        mistakes.push(("recovery_ms".to_owned(), message));
    }
    if let (Some(stall), Some(app)) = (budget.stall_ms, app)
        && let Some((gap, kind)) = longest_natural_gap_ms(load, app)
        && (0.0..gap).contains(&stall)
    {
        let kind = match kind {
            QueryKind::Read => "reads",
            QueryKind::Write => "writes",
        };
        let message = format!(
            "{kind} come so seldom that {gap:.0} ms without one are to be expected without any migration"
        );
        mistakes.push(("stall_ms".to_owned(), message));
    }
    mistakes
}

/// The longest gap to expect in a baseline between queries of the rarer kind.
///
/// Arrivals of a kind are a Poisson process; the longest of n exponential gaps is about ln(n) times
/// their mean.
fn longest_natural_gap_ms(load: &Load, app: &App) -> Option<(f64, QueryKind)> {
    let total: f64 = app.queries.iter().map(|query| query.weight).sum();
    [QueryKind::Read, QueryKind::Write]
        .into_iter()
        .filter_map(|kind| {
            let of_kind = app.queries.iter().filter(|query| query.kind == kind);
            let share = of_kind.map(|query| query.weight).sum::<f64>() / total;
            let rate_per_s = load.arrivals_per_s * share;
            let expected = (rate_per_s * load.baseline.as_secs_f64()).max(1.0);
            (rate_per_s > 0.0).then(|| (1_000.0 / rate_per_s * expected.ln(), kind))
        })
        .max_by(|a, b| a.0.total_cmp(&b.0))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::rehearse::workload::Query;

    fn check(file: &str, typed: &[&str], expected: &[&str]) -> Budget {
        let text = format!("[budget]\n{file}\n");
        let document = Document::new("s.toml", &text);
        let written: Budget = toml::from_str(file).unwrap();
        let query = |name: &str, kind, weight| Query {
            name: name.to_owned(),
            kind,
            weight,
            sql: String::new(),
            params: Vec::new(),
        };
        let app = App {
            name: "v1".to_owned(),
            owner: None,
            queries: vec![
                query("r", QueryKind::Read, 3.0),
                query("w", QueryKind::Write, 1.0),
            ],
        };
        let load = Load {
            protocol: Default::default(),
            arrivals_per_s: 400.0,
            connections: 16,
            warmup: Duration::ZERO,
            baseline: Duration::from_secs(5),
            recovery: Duration::ZERO,
            recovery_limit: Duration::from_secs(30),
            seed: 1,
        };
        let arguments: Vec<String> = typed.iter().map(ToString::to_string).collect();
        let place = document.root().at("budget");
        let mut problems = Vec::new();
        let typed = super::typed(&arguments, &mut problems);
        let budget = budget(written, &typed, &place, &load, Some(&app), &mut problems);
        let found: Vec<String> = problems.iter().map(Problem::to_string).collect();
        assert_eq!(found, expected);
        budget
    }

    #[test]
    fn what_was_typed_comes_before_what_was_written() {
        let budget = check(
            "hold_ms = 500\nerrors = 3",
            &[
                "hold_ms=100",
                "hold_ms_by_mode.ShareLock = 7.5",
                "wal_bytes=1_000",
            ],
            &[],
        );
        assert_eq!(budget.hold_ms, Some(100.0));
        assert_eq!(budget.errors, Some(3));
        assert_eq!(budget.wal_bytes, Some(1_000));
        assert_eq!(budget.hold_ms_by_mode[&LockMode::ShareLock], 7.5);
    }

    #[test]
    fn every_limit_can_be_typed() {
        let all = |limit: u32| {
            let ones = serde_json::to_value(Budget::default()).unwrap();
            let keys = ones.as_object().unwrap().keys();
            let keys = keys.filter(|key| *key != "hold_ms_by_mode");
            keys.map(|key| format!("{key}={limit}")).collect::<Vec<_>>()
        };
        let (written, typed) = (all(1_000), all(2_000));
        let typed: Vec<&str> = typed.iter().map(String::as_str).collect();
        let budget = check(&written.join("\n"), &typed, &[]);
        let limits = serde_json::to_value(budget).unwrap();
        for (key, limit) in limits.as_object().unwrap() {
            let expected = if key == "hold_ms_by_mode" {
                None
            } else {
                Some(2_000.0)
            };
            assert_eq!(limit.as_f64(), expected, "{key}");
        }
    }

    #[test]
    fn a_typed_limit_with_a_mistake_is_named() {
        check(
            "",
            &[
                "hold_m=5",
                "errors",
                "errors=-1",
                "hold_ms=soon",
                "hold_ms=-5",
                "errors=1.5",
            ],
            &[
                "--budget = hold_m=5: unknown key `hold_m`; did you mean `hold_ms`?",
                "--budget = errors: not a limit; write it as key=value, such as blocked_writes=0",
                "--budget = errors=-1: expected a whole number from 0, found a whole number",
                "--budget = hold_ms=soon: the limit is not a number",
                "--budget = errors=1.5: expected a whole number from 0, found a number with a point",
                "--budget = hold_ms=-5: a limit is a number from 0",
            ],
        );
    }

    #[test]
    fn limits_that_cannot_be_kept_are_refused() {
        check(
            "hold_ms = -1\np99_ratio = 0.5\nrecovery_ms = 40_000\nspan_ms = nan\nstall_ms = 5\nhold_ms_by_mode = { ShareLock = -2 }",
            &[],
            &[
                "s.toml:2: budget.hold_ms = -1: a limit is a number from 0",
                "s.toml:5: budget.span_ms = nan: a limit is a number from 0",
                "s.toml:7: budget.hold_ms_by_mode.ShareLock = -2: a limit is a number from 0",
                "s.toml:3: budget.p99_ratio = 0.5: 0.5 would want the migration to make queries faster; 1 means no slower than before",
                "s.toml:4: budget.recovery_ms = 40_000: recovery is only waited for up to load.recovery_limit, 30000 ms",
                "s.toml:6: budget.stall_ms = 5: writes come so seldom that 62 ms without one are to be expected without any migration",
            ],
        );
        check("stall_ms = 100", &[], &[]);
    }
}
