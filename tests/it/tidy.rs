//! The shape of the code: which module may use which, how long a file may be, and what no stage does.

use std::fs;
use std::path::{Path, PathBuf};

/// Lines that a file may have.
const LINES_MAX: usize = 400;

/// The one file that may read the clock.
const CLOCK: &str = "src/rehearse/clock.rs";

/// A file of the repository, its path with forward slashes.
struct Source {
    path: String,
    text: String,
}

#[test]
fn the_code_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = sources(root);
    assert!(sources.len() > 20, "only {} files found", sources.len());
    let lib = sources.iter().find(|source| source.path == "src/lib.rs");
    let order = module_order(&lib.expect("src/lib.rs").text);
    let faults: Vec<String> = sources
        .iter()
        .flat_map(|source| faults(source, &order))
        .collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

fn faults(source: &Source, order: &[String]) -> Vec<String> {
    let mut faults = wrong_arrows(source, order);
    faults.extend(shape(source));
    faults.extend(forbidden_calls(source));
    faults
}

/// All Rust files of src and tests.
fn sources(root: &Path) -> Vec<Source> {
    let mut found = Vec::new();
    let mut left: Vec<PathBuf> = vec![root.join("src"), root.join("tests")];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path).expect("src and tests can be listed");
            left.extend(entries.map(|entry| entry.expect("an entry that was listed").path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let relative = path.strip_prefix(root).expect("it was found in there");
            let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
            found.push(Source {
                path: parts.join("/"),
                text: fs::read_to_string(&path).expect("code is readable UTF-8"),
            });
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// The modules of `src/lib.rs`, in the order in which they may use each other.
fn module_order(lib: &str) -> Vec<String> {
    lib.lines()
        .filter_map(|line| line.trim().strip_prefix("pub mod ")?.strip_suffix(';'))
        .map(str::to_owned)
        .collect()
}

/// Uses of a module that stands later in the order, or in no order at all.
fn wrong_arrows(source: &Source, order: &[String]) -> Vec<String> {
    let Some(module) = module_of(&source.path) else {
        return Vec::new();
    };
    let Some(own) = order.iter().position(|known| *known == module) else {
        return vec![format!("{}: {module} is not in src/lib.rs", source.path)];
    };
    let mut faults = Vec::new();
    for (line, text) in code_lines(&source.text) {
        for used in used_modules(&text) {
            match order.iter().position(|known| *known == used) {
                Some(at) if at <= own => {}
                Some(_) => faults.push(format!(
                    "{}:{line}: {module} uses {used}, which stands after it in src/lib.rs",
                    source.path
                )),
                None => faults.push(format!(
                    "{}:{line}: crate::{used} is no module of src/lib.rs",
                    source.path
                )),
            }
        }
    }
    faults
}

/// `seed` of `src/seed.rs` and of `src/seed/copy.rs`; nothing for the roots and for tests.
fn module_of(path: &str) -> Option<&str> {
    let path = path.strip_prefix("src/")?.strip_suffix(".rs")?;
    let module = path.split('/').next()?;
    (module != "lib" && module != "main").then_some(module)
}

/// The modules after each `crate::` of a line, also those in braces: `crate::{seed, plan::Plan}`.
fn used_modules(line: &str) -> Vec<String> {
    let mut used = Vec::new();
    for after in line.split("crate::").skip(1) {
        let Some(list) = after.strip_prefix('{') else {
            used.push(identifier(after));
            continue;
        };
        let mut depth = 0;
        let mut start = true;
        for (at, letter) in list.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => start = true,
                _ if start && letter.is_alphabetic() => {
                    used.push(identifier(&list[at..]));
                    start = false;
                }
                _ => {}
            }
        }
    }
    used
}

fn identifier(text: &str) -> String {
    text.chars()
        .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
        .collect()
}

/// Lines with their numbers, without comments. A `use` list over several lines is joined to its first.
fn code_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (at, line) in text.lines().enumerate() {
        let code = line.trim();
        if code.starts_with("//") {
            continue;
        }
        match lines.last_mut().filter(|_| open) {
            Some((_, joined)) => joined.push_str(code),
            None => {
                open = code.contains("crate::{");
                lines.push((at + 1, code.to_owned()));
            }
        }
        open = open && !code.contains(';');
    }
    lines
}

fn shape(source: &Source) -> Vec<String> {
    let path = &source.path;
    let mut faults = Vec::new();
    if !source.text.starts_with("//! ") {
        faults.push(format!("{path}:1: no `//!` line says what the file holds"));
    }
    let lines = source.text.lines().count();
    if lines > LINES_MAX {
        faults.push(format!("{path}: {lines} lines, {LINES_MAX} at most"));
    }
    if path.ends_with("/mod.rs") {
        faults.push(format!(
            "{path}: a module is called after itself, not mod.rs"
        ));
    }
    faults
}

/// Readings of the clock outside of `rehearse::clock`, and prints outside of `commands`.
fn forbidden_calls(source: &Source) -> Vec<String> {
    let path = &source.path;
    let in_src = path.starts_with("src/");
    let may_print = !in_src || path == "src/commands.rs" || path.starts_with("src/commands/");
    let mut faults = Vec::new();
    let lines = code_lines(&source.text);
    // Its instants are for deadlines, which measure nothing.
    let imports_tokio = lines
        .iter()
        .any(|(_, code)| code.starts_with("use tokio::time::") && code.contains("Instant"));
    for (line, code) in &lines {
        let has = |call: &str| code.contains(call);
        let is_tokio = imports_tokio || has("tokio::time::Instant::now(");
        let reads_clock = has("SystemTime::now(") || has("Instant::now(") && !is_tokio;
        if in_src && path != CLOCK && reads_clock {
            faults.push(format!("{path}:{line}: only {CLOCK} reads the clock"));
        }
        if !may_print && (has("print!(") || has("println!(")) {
            faults.push(format!("{path}:{line}: only src/commands prints"));
        }
    }
    faults
}

/// Each rule has to be able to fail.
mod rules {
    use super::*;

    fn check(path: &str, text: &str, expected: &[&str]) {
        let order = module_order("pub mod postgres;\npub mod seed;\npub mod plan;\n");
        let source = Source {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        assert_eq!(faults(&source, &order), expected, "{text}");
    }

    #[test]
    fn what_is_tidy_has_no_fault() {
        check(
            "src/plan/budget.rs",
            "//! x\nuse crate::postgres::LockMode;\n",
            &[],
        );
        check("src/seed.rs", "//! x\nuse crate::seed::copy;\n", &[]);
        check("src/main.rs", "//! x\nuse pgrehearse::plan;\n", &[]);
        check(
            "src/seed.rs",
            "//! x\n// crate::plan is told of this.\n",
            &[],
        );
    }

    #[test]
    fn a_use_of_a_later_module_is_a_fault() {
        let arrow = "src/seed/copy.rs:2: seed uses plan, which stands after it in src/lib.rs";
        check(
            "src/seed/copy.rs",
            "//! x\nuse crate::plan::Plan;\n",
            &[arrow],
        );
        check(
            "src/seed/copy.rs",
            "//! x\nfn f(p: &crate::plan::Plan) {}\n",
            &[arrow],
        );
        check(
            "src/seed/copy.rs",
            "//! x\nuse crate::{postgres::{LockMode, Version}, plan};\n",
            &[arrow],
        );
        check(
            "src/seed/copy.rs",
            "//! x\nuse crate::{\n    postgres,\n    plan,\n};\n",
            &[arrow],
        );
        check(
            "src/seed.rs",
            "//! x\nuse crate::zebra;\n",
            &["src/seed.rs:2: crate::zebra is no module of src/lib.rs"],
        );
        check(
            "src/zebra.rs",
            "//! x\n",
            &["src/zebra.rs: zebra is not in src/lib.rs"],
        );
    }

    #[test]
    fn a_file_has_a_shape() {
        check(
            "src/seed.rs",
            "use std::fmt;\n",
            &["src/seed.rs:1: no `//!` line says what the file holds"],
        );
        check(
            "src/seed/mod.rs",
            "//! x\n",
            &["src/seed/mod.rs: a module is called after itself, not mod.rs"],
        );
        let long = format!("//! x\n{}", "\n".repeat(LINES_MAX));
        check(
            "tests/it/x.rs",
            &long,
            &["tests/it/x.rs: 401 lines, 400 at most"],
        );
    }

    #[test]
    fn clock_and_prints_have_their_places() {
        let clock = "//! x\nlet now = std::time::Instant::now();\n";
        check(
            "src/seed.rs",
            clock,
            &["src/seed.rs:2: only src/rehearse/clock.rs reads the clock"],
        );
        let wall = "//! x\nlet now = SystemTime::now();\n";
        check(
            "src/plan.rs",
            wall,
            &["src/plan.rs:2: only src/rehearse/clock.rs reads the clock"],
        );
        check("tests/it/x.rs", clock, &[]);
        let deadline = "//! x\nuse tokio::time::{Instant, timeout};\nlet now = Instant::now();\n";
        check("src/seed.rs", deadline, &[]);
        let print = "//! x\neprintln!(\"x\");\n";
        check(
            "src/seed.rs",
            print,
            &["src/seed.rs:2: only src/commands prints"],
        );
        check("tests/it/x.rs", print, &[]);
    }
}
