//! dbmate: `<n>_<name>.sql` with `-- migrate:up` and `-- migrate:down`, each in a transaction unless it opts out.

use super::{
    Fit, Found, Layout, Mistake, Rules, checked, literal, named_here, only_comments, only_lines,
    paired,
};
use crate::input::{Problem, Problems};
use crate::migrations::directory::{Migration, Part};
use crate::migrations::listing::Listing;
use crate::migrations::script::{Around, Transaction};

pub(in crate::migrations) const RULES: Rules = Rules {
    layout: Layout::Dbmate,
    name: "dbmate",
    fits,
    read,
};

const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (version varchar PRIMARY KEY)";

fn fits(listing: &Listing) -> Option<Fit> {
    let is_up = |line: &str| directive(line).is_some_and(|(is_down, _)| !is_down);
    listing.any_line(is_up).then_some(Fit::Marker)
}

/// Whether a line begins a part, whether that leads back, and with which options.
fn directive(line: &str) -> Option<(bool, &str)> {
    let rest = line.strip_prefix("--")?.trim_start();
    let (is_down, options) = match rest.strip_prefix("migrate:down") {
        Some(options) => (true, options),
        None => (false, rest.strip_prefix("migrate:up")?),
    };
    let ends = options.is_empty() || options.starts_with(char::is_whitespace);
    ends.then_some((is_down, options))
}

fn read(listing: &Listing) -> Result<Vec<Migration>, Problems> {
    let files = named_here(listing, Layout::Dbmate, "<number>_<name>.sql", |file| {
        let end = file.bytes().take_while(u8::is_ascii_digit).count();
        (end > 0 && file.ends_with(".sql")).then(|| (file.to_owned(), file[..end].to_owned()))
    })?;
    let mut found = Vec::new();
    let (mut seen, mut problems) = (Vec::<(String, String)>::new(), Vec::new());
    for (file, version) in files {
        let path = listing.dir.join(&file);
        if let Some((_, other)) = seen.iter().find(|(known, _)| *known == version) {
            let message = format!("version {version} is that of {other} too");
            problems.push(Problem::file(&path, message));
        }
        seen.push((version.clone(), file.clone()));
        let text = listing.text(&file)?;
        match parts(&text) {
            Err((line, message)) => {
                problems.push(Problem::file(&path, message).at_line(line));
            }
            Ok(parts) => {
                found.extend(
                    parts.into_iter().map(|(is_down, part, transaction)| Found {
                        // dbmate sorts by the name of the file.
                        key: file.clone(),
                        version: version.clone(),
                        is_down,
                        part: Part::new(listing, &file, part, transaction)
                            .with(around(&version, is_down)),
                    }),
                )
            }
        }
    }
    checked((), problems)?;
    paired(found)
}

/// The parts of a file: whether each leads back, its text and its rule.
fn parts(text: &str) -> Result<Vec<(bool, String, Transaction)>, Mistake> {
    let directives: Vec<(usize, bool, &str)> = (1..)
        .zip(text.lines())
        .filter_map(|(line, written)| {
            directive(written).map(|(is_down, options)| (line, is_down, options))
        })
        .collect();
    let wrong = |line: usize, message: &str| Err((line, message.to_owned()));
    let up = match directives[..] {
        [] | [(_, true, _)] => return wrong(1, "dbmate wants `-- migrate:up` in each file"),
        [(up, false, _)] | [(up, false, _), (_, true, _)] => up,
        [_, (line, _, _), ..] => {
            return wrong(
                line,
                "more than one `-- migrate:up` and one `-- migrate:down` after it",
            );
        }
    };
    for (line, written) in (1..up).zip(text.lines()) {
        if !written.trim().is_empty() && !written.trim_start().starts_with("--") {
            return wrong(line, "dbmate allows no statement before `-- migrate:up`");
        }
    }
    let ends = directives.iter().skip(1).map(|(line, ..)| *line);
    let ends = ends.chain([usize::MAX]);
    Ok(directives
        .iter()
        .zip(ends)
        .map(|(&(start, is_down, options), end)| {
            let is_without = options
                .split_whitespace()
                .any(|one| one == "transaction:false");
            // Without a transaction dbmate sends the part as one query.
            let transaction = if is_without {
                Transaction::OneQuery
            } else {
                Transaction::WholeFile
            };
            let part = only_lines(text, |line| (start..end).contains(&line));
            (is_down, part, transaction)
        })
        .filter(|(is_down, part, _)| !is_down || !only_comments(part))
        .collect())
}

fn around(version: &str, is_down: bool) -> Around {
    let value = literal(version);
    let row = if is_down {
        format!("DELETE FROM schema_migrations WHERE version = {value}")
    } else {
        format!("INSERT INTO schema_migrations (version) VALUES ({value})")
    };
    Around {
        before: vec![TABLE.to_owned()],
        inside: vec![row],
        after: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refuse, sends};
    use super::*;

    #[test]
    fn up_and_down_keep_their_lines_and_opt_out_alone() {
        let directory = check(
            Layout::Dbmate,
            &[
                (
                    "20240102_i.sql",
                    "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY i ON t (a);\n\n\
                     -- migrate:down\nDROP INDEX i;\n",
                ),
                (
                    "20240101_t.sql",
                    "-- why\n\n-- migrate:up\nSELECT 1;\n-- migrate:down\n",
                ),
            ],
            &[
                "20240101 up 20240101_t.sql [WholeFile] 4: SELECT 1",
                "20240102 up 20240102_i.sql [OneQuery] 2: CREATE INDEX CONCURRENTLY i ON t (a)",
                "20240102 down 20240102_i.sql [WholeFile] 5: DROP INDEX i",
            ],
        );
        sends(
            &directory.migrations[0].up.around,
            &["CREATE TABLE IF NOT EXISTS schema_migrations"],
            &["INSERT INTO schema_migrations (version) VALUES ('20240101')"],
            &[],
        );
    }

    #[test]
    fn what_dbmate_could_not_run_is_refused_at_its_line() {
        for (text, expected) in [
            (
                "SELECT 1;\n",
                "1: dbmate wants `-- migrate:up` in each file",
            ),
            (
                "SELECT 1;\n-- migrate:up\nSELECT 2;\n",
                "1: dbmate allows no statement before `-- migrate:up`",
            ),
            (
                "-- migrate:up\nSELECT 1;\n-- migrate:up\nSELECT 2;\n",
                "3: more than one `-- migrate:up` and one `-- migrate:down` after it",
            ),
        ] {
            refuse(
                Layout::Dbmate,
                &[("1_a.sql", text)],
                &[&format!("m/1_a.sql:{expected}")],
            );
        }
        refuse(
            Layout::Dbmate,
            &[
                ("1_a.sql", "-- migrate:up\nSELECT 1;"),
                ("1_b.sql", "-- migrate:up\nSELECT 1;"),
            ],
            &["m/1_b.sql: version 1 is that of 1_a.sql too"],
        );
    }
}
