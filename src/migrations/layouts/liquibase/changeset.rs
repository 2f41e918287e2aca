//! The changesets of a file in Liquibase's formatted SQL.

use super::super::Mistake;

/// One changeset, with its texts at the lines where they stand in the file.
pub(super) struct Changeset {
    pub(super) author: String,
    pub(super) id: String,
    /// Where it begins.
    pub(super) line: usize,
    /// What follows author and id.
    attributes: String,
    pub(super) up: String,
    pub(super) down: Option<String>,
}

/// The first line of a file.
pub(super) fn is_header(line: &str) -> bool {
    comment(line, "liquibase").is_some_and(|rest| {
        let mut words = rest.split_whitespace();
        words
            .next()
            .is_some_and(|word| word.eq_ignore_ascii_case("formatted"))
            && words
                .next()
                .is_some_and(|word| word.eq_ignore_ascii_case("sql"))
    })
}

/// What follows a word that Liquibase knows in a comment: ` sql` of `--rollback sql`.
pub(super) fn comment<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    let text = line
        .trim_start()
        .trim_start_matches('\u{feff}')
        .strip_prefix("--")?
        .trim_start();
    let (head, rest) = text.split_at_checked(word.len())?;
    let ends = rest.is_empty() || rest.starts_with(char::is_whitespace);
    (head.eq_ignore_ascii_case(word) && ends).then_some(rest)
}

/// Name and value of `--property name:x value:y`.
pub(super) fn property(line: &str) -> Option<(String, String)> {
    let rest = comment(line, "property")?;
    Some((attribute(rest, "name")?, attribute(rest, "value")?))
}

/// The value of `name:value` or `name:"any value"`.
fn attribute(text: &str, name: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let key = format!(" {}:", name.to_ascii_lowercase());
    let at = lower.replace('\t', " ").find(&key)? + key.len();
    let (value, _) = token(&text[at..], char::is_whitespace)?;
    Some(value.to_owned())
}

/// What stands before the first letter that ends it, or in quotes, and the rest after it.
fn token(text: &str, ends: impl Fn(char) -> bool) -> Option<(&str, &str)> {
    for quote in ['"', '\''] {
        if let Some(quoted) = text.strip_prefix(quote) {
            return quoted.split_once(quote);
        }
    }
    let end = text.find(ends).unwrap_or(text.len());
    Some(text.split_at(end))
}

impl Changeset {
    /// All of a file, or the line that cannot be understood.
    pub(super) fn all(text: &str) -> Result<Vec<Changeset>, Mistake> {
        let mut sets: Vec<Changeset> = Vec::new();
        let mut in_rollback = false;
        for (line, written) in (1..).zip(text.lines()) {
            if let Some(rest) = comment(written, "changeset") {
                sets.push(Changeset::begins(line, rest.trim())?);
                in_rollback = false;
                continue;
            }
            let Some(set) = sets.last_mut() else {
                let is_nothing =
                    written.trim().is_empty() || written.trim_start().starts_with("--");
                if !is_nothing && !written.trim_start_matches('\u{feff}').starts_with("--") {
                    return Err((line, "it stands before the first changeset".to_owned()));
                }
                continue;
            };
            let begins_rollback = written
                .trim()
                .strip_prefix("/*")
                .is_some_and(|rest| rest.trim().eq_ignore_ascii_case("liquibase rollback"));
            if begins_rollback {
                in_rollback = true;
            } else if in_rollback && written.trim() == "*/" {
                in_rollback = false;
            } else if in_rollback {
                put(set.down.get_or_insert_default(), line, written);
            } else if let Some(back) = comment(written, "rollback") {
                set.takes_rollback(line, back.trim())?;
            } else {
                let ended = set.with_semicolon(written);
                put(&mut set.up, line, &ended);
            }
        }
        Ok(sets)
    }

    fn begins(line: usize, text: &str) -> Result<Changeset, Mistake> {
        let wrong = || {
            (
                line,
                format!("`{text}` is no changeset: it wants author:id"),
            )
        };
        let (author, rest) = token(text, |c| c == ':').ok_or_else(wrong)?;
        let rest = rest.trim_start().strip_prefix(':').ok_or_else(wrong)?;
        let (id, attributes) = token(rest, char::is_whitespace).ok_or_else(wrong)?;
        if author.trim().is_empty() || id.is_empty() {
            return Err(wrong());
        }
        let set = Changeset {
            author: author.trim().to_owned(),
            id: id.to_owned(),
            line,
            attributes: attributes.to_owned(),
            up: String::new(),
            down: None,
        };
        match set.attribute("endDelimiter") {
            Some(pattern) if pattern.contains('\\') => Err((
                line,
                format!("endDelimiter:{pattern} is a pattern, which is not followed"),
            )),
            _ => Ok(set),
        }
    }

    fn takes_rollback(&mut self, line: usize, back: &str) -> Result<(), Mistake> {
        let lower = back.to_ascii_lowercase();
        if lower.is_empty() || lower == "empty" || lower.starts_with("not required") {
            return Ok(());
        }
        if lower.starts_with("changesetid") {
            return Err((
                line,
                "a rollback by another changeset is not followed".to_owned(),
            ));
        }
        let ended = self.with_semicolon(back);
        put(self.down.get_or_insert_default(), line, &ended);
        Ok(())
    }

    /// The line with a semicolon in the place of the changeset's own delimiter at its end.
    fn with_semicolon(&self, line: &str) -> String {
        match self.attribute("endDelimiter") {
            Some(own) if own != ";" => match line.trim_end().strip_suffix(own.as_str()) {
                Some(before) => format!("{before};"),
                None => line.to_owned(),
            },
            _ => line.to_owned(),
        }
    }

    fn attribute(&self, name: &str) -> Option<String> {
        attribute(&self.attributes, name)
    }

    fn is(&self, name: &str, default: bool) -> bool {
        let value = self.attribute(name);
        value.map_or(default, |value| value.eq_ignore_ascii_case("true"))
    }

    pub(super) fn runs_in_transaction(&self) -> bool {
        self.is("runInTransaction", true)
    }

    /// Whether its statements are sent one by one.
    pub(super) fn is_split(&self) -> bool {
        self.is("splitStatements", true)
    }

    pub(super) fn is_repeatable(&self) -> bool {
        self.is("runOnChange", false) || self.is("runAlways", false)
    }

    /// Whether it is for this database at all.
    pub(super) fn runs_on_postgres(&self) -> bool {
        let wanted = self.attribute("dbms").unwrap_or_default();
        let mut names = wanted
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .peekable();
        let is_ours = |name: &str| ["postgresql", "all"].contains(&name);
        let fits = match names.peek() {
            None => true,
            Some(first) if first.starts_with('!') => names.all(|name| name != "!postgresql"),
            Some(_) => names.any(is_ours),
        };
        fits && !self.is("ignore", false)
    }
}

/// Puts a line at its place, after blank ones.
fn put(text: &mut String, line: usize, written: &str) {
    let lines = text.matches('\n').count();
    text.push_str(&"\n".repeat((line - 1).saturating_sub(lines)));
    text.push_str(written);
    text.push('\n');
}
