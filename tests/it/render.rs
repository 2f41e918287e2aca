//! Golden files: the same reports and comparisons in every format, and at two widths of a terminal.

use pgrehearse::compare::{Calibration, Comparison, Terms};
use pgrehearse::render::{FORMATS, Look, terminal};
use pgrehearse::report::{Report, Run};

const REPORTS: [(&str, &str); 6] = [
    (
        "create-index",
        include_str!("../fixtures/reports/create-index.json"),
    ),
    (
        "create-index-concurrently",
        include_str!("../fixtures/reports/create-index-concurrently.json"),
    ),
    (
        "failed-migration",
        include_str!("../fixtures/reports/failed-migration.json"),
    ),
    (
        "four-versions",
        include_str!("../fixtures/reports/four-versions.json"),
    ),
    (
        "interrupted",
        include_str!("../fixtures/reports/interrupted.json"),
    ),
    (
        "retries-and-migrators",
        include_str!("../fixtures/reports/retries-and-migrators.json"),
    ),
];

const COMPARED: [(&str, &str); 5] = [
    ("create-index", "create-index-concurrently"),
    ("create-index-concurrently", "create-index"),
    ("create-index", "create-index"),
    ("create-index", "failed-migration"),
    ("interrupted", "four-versions"),
];

fn report(name: &str) -> Report {
    let (_, text) = REPORTS
        .iter()
        .find(|(known, _)| *known == name)
        .expect("a fixture of that name");
    Report::read(text).expect("a fixture is a report")
}

fn comparison(base: &str, head: &str) -> Comparison {
    Comparison::of(&report(base), &report(head), Terms::default())
}

/// Seven runs a side that vary by a few percent, and in p99 by ten times as much, head's lasting a fifth longer;
/// and a calibration to go by.
fn seven_runs() -> (Comparison, Calibration) {
    let mut base = report("create-index");
    let run = base.runs[0].clone();
    base.runs = vec![run; 7];
    let mut head = base.clone();
    let percent = [3.0, -2.0, 0.0, 5.0, -4.0, 1.0, -1.0];
    for (report, factor) in [(&mut base, 1.0), (&mut head, 1.2)] {
        for (run, percent) in report.runs.iter_mut().zip(percent) {
            last(run, factor * (1.0 + percent / 100.0), 1.0 + percent / 10.0);
        }
    }
    let mut twice = base.clone();
    twice.runs.extend(base.runs.clone());
    let calibration = Calibration::of(&twice).remove(0);
    let terms = Terms {
        threshold: None,
        calibration: Some(&calibration),
    };
    (Comparison::of(&base, &head, terms), calibration)
}

/// Makes what a run's migration did last so many times as long, and luck have its way with the queries.
fn last(run: &mut Run, factor: f64, luck: f64) {
    for lock in &mut run.locks {
        lock.hold_ms *= factor;
        lock.span_ms *= factor;
    }
    for step in &mut run.steps {
        step.duration_ms *= factor;
    }
    run.blocked.longest_ms *= factor;
    for total in &mut run.traffic_totals {
        if let Some(latency) = &mut total.figures.latency_ms {
            latency.p99 *= luck;
            latency.max *= factor;
        }
    }
}

#[test]
fn a_comparison_of_many_runs_by_a_calibration() {
    let (comparison, calibration) = seven_runs();
    assert_eq!(comparison.calibration.as_ref().unwrap().runs, 14);
    for width in [80, 120] {
        let text = terminal::comparison(&comparison, look(width));
        insta::assert_snapshot!(format!("seven-runs-{width}"), text);
        let text = terminal::calibration(&calibration, look(width));
        insta::assert_snapshot!(format!("calibration-{width}"), text);
    }
}

fn look(width: usize) -> Look {
    Look {
        width,
        colour: false,
    }
}

/// Every report and comparison as the terminal shows it.
fn all_in_a_terminal(look: Look) -> Vec<(String, String)> {
    let reports = REPORTS
        .iter()
        .map(|(name, _)| ((*name).to_owned(), terminal::report(&report(name), look)));
    let comparisons = COMPARED.iter().map(|(base, head)| {
        let text = terminal::comparison(&comparison(base, head), look);
        (format!("{base}-against-{head}"), text)
    });
    reports.chain(comparisons).collect()
}

#[test]
fn a_report_in_every_format() {
    for format in FORMATS {
        for (name, _) in REPORTS {
            let text = (format.report)(&report(name), Look::PLAIN);
            // A report as JSON is the fixture itself, which needs no second copy.
            if format.name == "json" {
                assert_eq!(Report::read(&text).unwrap(), report(name));
            } else {
                insta::assert_snapshot!(format!("{}-{name}", format.name), text);
            }
        }
    }
}

#[test]
fn a_comparison_in_every_format() {
    for format in FORMATS {
        let text = (format.comparison)(
            &comparison("create-index", "create-index-concurrently"),
            Look::PLAIN,
        );
        // The version changes with every release, the rest does not.
        let text = text.replace(env!("CARGO_PKG_VERSION"), "[version]");
        insta::assert_snapshot!(format!("{}-comparison", format.name), text);
    }
}

#[test]
fn reports_and_comparisons_at_80_and_120_columns() {
    for width in [80, 120] {
        for (name, text) in all_in_a_terminal(look(width)) {
            insta::assert_snapshot!(format!("{name}-{width}"), text);
        }
    }
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for width in 60..=140 {
        for (name, text) in all_in_a_terminal(look(width)) {
            for line in text.lines() {
                let columns = line.chars().count();
                assert!(
                    columns <= width,
                    "{name} at {width}: {columns} columns: {line}"
                );
            }
        }
    }
}

#[test]
fn colour_changes_no_letter_and_comes_only_when_asked_for() {
    let coloured = all_in_a_terminal(Look {
        width: 100,
        colour: true,
    });
    for ((name, plain), (_, coloured)) in all_in_a_terminal(look(100)).into_iter().zip(coloured) {
        assert!(!plain.contains('\u{1b}'), "{name}");
        assert!(coloured.contains('\u{1b}'), "{name}");
        assert_eq!(without_escapes(&coloured), plain, "{name}");
    }
}

/// The text without its escape sequences, and without the spaces before line ends that they hide.
fn without_escapes(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, escape)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = escape.split_once('m').map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    let lines = plain.split('\n').map(str::trim_end);
    lines.collect::<Vec<_>>().join("\n")
}
