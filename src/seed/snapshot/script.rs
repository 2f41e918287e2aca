//! A dump as SQL, on its way to psql: without what belongs to the place that it comes from.

use std::collections::BTreeSet;

use crate::postgres::Version;
use crate::postgres::relation::{quote_identifier, quote_literal};

/// Reads a script line by line and passes on what makes schema and rows.
///
/// Owners, rights, tablespaces and settings of the database stay behind: `--no-owner --no-acl` of pg_restore.
pub(in crate::seed) struct Script {
    server: Version,
    /// Whether roles that policies name are created.
    creates_roles: bool,
    state: State,
    /// Whether the line continues a statement, and whether that is left out.
    statement: Option<Keep>,
    connected: Option<Vec<u8>>,
    is_dump: bool,
    is_complete: bool,
    lines: usize,
    pub(super) roles: BTreeSet<String>,
    /// The script makes the schema `public` itself.
    pub(super) creates_public: bool,
}

/// What the next character is part of.
#[derive(Clone, Debug, PartialEq)]
enum State {
    Plain,
    /// In a string; whether a backslash escapes.
    String {
        escapes: bool,
    },
    Identifier,
    Dollar(Vec<u8>),
    Comment {
        depth: usize,
    },
    /// Rows, up to `\.`.
    Copy,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Keep {
    Yes,
    No,
}

/// Statements that are left out, by how they begin.
const LEFT_OUT: [&str; 16] = [
    "GRANT ",
    "REVOKE ",
    "ALTER DEFAULT PRIVILEGES ",
    "CREATE DATABASE ",
    "ALTER DATABASE ",
    "DROP DATABASE ",
    "COMMENT ON DATABASE ",
    "SECURITY LABEL ",
    "CREATE SUBSCRIPTION ",
    "ALTER SUBSCRIPTION ",
    "SET SESSION AUTHORIZATION ",
    "SET default_tablespace ",
    // Settings that only the newest servers know: they change nothing that stays.
    "SET transaction_timeout ",
    "SET idle_session_timeout ",
    "CREATE SCHEMA public;",
    "CREATE SCHEMA \"public\";",
];

/// psql's own commands that do no harm.
const HARMLESS: [&str; 10] = [
    "\\set",
    "\\unset",
    "\\echo",
    "\\encoding",
    "\\pset",
    "\\timing",
    "\\if",
    "\\elif",
    "\\else",
    "\\endif",
];

impl Script {
    pub(in crate::seed) fn new(server: Version, creates_roles: bool) -> Script {
        Script {
            server,
            creates_roles,
            state: State::Plain,
            statement: None,
            connected: None,
            is_dump: false,
            is_complete: false,
            lines: 0,
            roles: BTreeSet::new(),
            creates_public: false,
        }
    }

    /// Adds to `out` what is to be passed on of a line, its newline included; an error is one for people.
    pub(in crate::seed) fn line(&mut self, line: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
        self.lines += 1;
        if self.state == State::Copy {
            if line.trim_ascii_end() == b"\\." {
                self.state = State::Plain;
            }
            out.extend_from_slice(line);
            return Ok(());
        }
        let is_plain = self.state == State::Plain;
        if is_plain && self.statement.is_none() && line.starts_with(b"--") {
            return self.remark(line);
        }
        if is_plain && line.starts_with(b"\\") {
            return self.command(line, out);
        }
        let begins = is_plain && self.statement.is_none() && !line.trim_ascii().is_empty();
        if begins {
            self.statement = Some(self.keeps(line));
            if line.starts_with(b"CREATE POLICY ") {
                self.policy(line, out);
            }
        }
        let keep = self.statement != Some(Keep::No);
        let has_ended = self.scan(line);
        if keep {
            out.extend_from_slice(line);
        }
        if has_ended {
            self.statement = None;
            if begins && line.starts_with(b"COPY ") && copies(line) {
                self.state = State::Copy;
            }
        }
        Ok(())
    }

    /// After the last line: whether the dump is all there.
    pub(in crate::seed) fn end(&self) -> Result<(), String> {
        let inside = self.state != State::Plain || (self.is_dump && !self.is_complete);
        match inside {
            true => Err(format!(
                "it breaks off after line {}, before pg_dump's last words: the file is not all there",
                self.lines
            )),
            false => Ok(()),
        }
    }

    /// What pg_dump says of the dump in its comments.
    fn remark(&mut self, line: &[u8]) -> Result<(), String> {
        let line = String::from_utf8_lossy(line);
        let said = line.trim_start_matches('-').trim();
        match said {
            "PostgreSQL database cluster dump" => Err(
                "it holds all databases of a server, as pg_dumpall writes them; dump the one with pg_dump".to_owned(),
            ),
            "PostgreSQL database dump" => {
                self.is_dump = true;
                Ok(())
            }
            "PostgreSQL database dump complete" => {
                self.is_complete = true;
                Ok(())
            }
            _ => match said.strip_prefix("Dumped from database version ") {
                Some(version) => check_version(version, self.server),
                None => Ok(()),
            },
        }
    }

    /// A line for psql alone.
    fn command(&mut self, line: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
        let text = String::from_utf8_lossy(line);
        let name = text.split_whitespace().next().unwrap_or_default();
        match name {
            "\\restrict" | "\\unrestrict" => Ok(()),
            "\\connect" | "\\c" => {
                let to = line.to_vec();
                match &self.connected {
                    Some(before) if *before != to => Err(format!(
                        "line {}: {} leads to a second database; a snapshot is of one",
                        self.lines,
                        text.trim()
                    )),
                    _ => {
                        self.connected = Some(to);
                        Ok(())
                    }
                }
            }
            harmless if HARMLESS.contains(&harmless) => {
                out.extend_from_slice(line);
                Ok(())
            }
            other => Err(format!(
                "line {}: psql's {other} has no place in a snapshot; take it out",
                self.lines
            )),
        }
    }

    fn keeps(&mut self, line: &[u8]) -> Keep {
        self.creates_public |= line.starts_with(b"CREATE SCHEMA public;");
        let is_left_out = LEFT_OUT
            .iter()
            .any(|start| line.starts_with(start.as_bytes()));
        let is_owner = line.starts_with(b"ALTER ") && contains(line, b" OWNER TO ");
        match is_left_out || is_owner {
            true => Keep::No,
            false => Keep::Yes,
        }
    }

    /// Policies cannot do without the roles that they are for.
    fn policy(&mut self, line: &[u8], out: &mut Vec<u8>) {
        let text = String::from_utf8_lossy(line);
        for role in policy_roles(&text) {
            if self.roles.insert(role.clone()) && self.creates_roles {
                out.extend_from_slice(create_role(&role).as_bytes());
                out.push(b'\n');
            }
        }
    }

    /// Goes through a line; whether it ends with the end of a statement.
    fn scan(&mut self, line: &[u8]) -> bool {
        let mut at = 0;
        let mut has_ended = self.statement.is_none();
        while at < line.len() {
            let rest = &line[at..];
            let (next, step) = self.step(rest, line, at);
            if self.state == State::Plain && next == State::Plain {
                match rest[0] {
                    b';' => has_ended = true,
                    b'-' if rest.starts_with(b"--") => return has_ended,
                    blank if blank.is_ascii_whitespace() => {}
                    _ => has_ended = false,
                }
            } else if self.state == State::Plain {
                has_ended = false;
            }
            self.state = next;
            at += step;
        }
        has_ended && self.state == State::Plain
    }

    /// The state after the next bytes, and how many they are.
    fn step(&self, rest: &[u8], line: &[u8], at: usize) -> (State, usize) {
        match &self.state {
            State::Plain => match rest {
                [b'\'', ..] => {
                    let escapes = at > 0 && matches!(line[at - 1], b'e' | b'E');
                    (State::String { escapes }, 1)
                }
                [b'"', ..] => (State::Identifier, 1),
                [b'/', b'*', ..] => (State::Comment { depth: 1 }, 2),
                [b'$', ..] => match dollar_tag(rest).filter(|_| !follows_a_word(line, at)) {
                    Some(tag) => (State::Dollar(tag.to_vec()), tag.len()),
                    None => (State::Plain, 1),
                },
                _ => (State::Plain, 1),
            },
            State::String { escapes: true } if rest.starts_with(b"\\") => (self.state.clone(), 2),
            State::String { .. } if rest.starts_with(b"'") => (State::Plain, 1),
            State::Identifier if rest.starts_with(b"\"") => (State::Plain, 1),
            State::Dollar(tag) if rest.starts_with(tag) => (State::Plain, tag.len()),
            State::Comment { depth } if rest.starts_with(b"/*") => {
                (State::Comment { depth: depth + 1 }, 2)
            }
            State::Comment { depth } if rest.starts_with(b"*/") => match depth {
                1 => (State::Plain, 2),
                _ => (State::Comment { depth: depth - 1 }, 2),
            },
            same => (same.clone(), 1),
        }
    }
}

/// A schema that pg_dump has written, without what a fresh database does not take: owners, rights, psql's commands.
/// Every line stays where it is. `None` of a script that pg_dump has not written.
pub(in crate::seed) fn dumped_schema(sql: &str) -> Option<Result<String, String>> {
    let is_dump = sql
        .lines()
        .any(|line| line == "-- PostgreSQL database dump");
    is_dump.then(|| {
        // Whether the server can take it is for the server to say.
        let newest = Version(u32::MAX);
        let mut script = Script::new(newest, true);
        let mut kept = Vec::new();
        for line in sql.split_inclusive('\n') {
            let before = kept.len();
            script.line(line.as_bytes(), &mut kept)?;
            if kept.len() == before {
                kept.push(b'\n');
            }
        }
        script.end()?;
        Ok(String::from_utf8_lossy(&kept).into_owned())
    })
}

/// Refuses what comes from a newer server: its SQL may be new as well.
pub(super) fn check_version(dumped: &str, server: Version) -> Result<(), String> {
    let digits: String = dumped
        .trim()
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    match digits.parse::<u16>() {
        Ok(major) if major > server.major() => Err(format!(
            "it is of a PostgreSQL {major}, newer than the {} that it is to be restored into; ask for --postgres \
             {major}",
            server.major()
        )),
        _ => Ok(()),
    }
}

/// A role without rights, if there is none of that name.
pub(super) fn create_role(name: &str) -> String {
    format!(
        "DO $pgrehearse$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {}) THEN CREATE ROLE {}; END IF; END $pgrehearse$;",
        quote_literal(name),
        quote_identifier(name)
    )
}

fn copies(line: &[u8]) -> bool {
    line.trim_ascii_end()
        .to_ascii_lowercase()
        .ends_with(b"from stdin;")
}

fn contains(line: &[u8], part: &[u8]) -> bool {
    line.windows(part.len()).any(|window| window == part)
}

fn follows_a_word(line: &[u8], at: usize) -> bool {
    at > 0 && (line[at - 1].is_ascii_alphanumeric() || matches!(line[at - 1], b'_' | b'$'))
}

/// `$$` or `$tag$` at the start.
fn dollar_tag(rest: &[u8]) -> Option<&[u8]> {
    let end = rest[1..].iter().position(|byte| *byte == b'$')? + 1;
    let tag = &rest[1..end];
    let fits = tag
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_' || !byte.is_ascii());
    (fits && !tag.first().is_some_and(u8::is_ascii_digit)).then(|| &rest[..=end])
}

/// The roles after TO, without those that every server has.
fn policy_roles(policy: &str) -> Vec<String> {
    let Some((_, rest)) = policy.split_once(" TO ") else {
        return Vec::new();
    };
    let end = [" USING ", " WITH CHECK ", ";"]
        .iter()
        .filter_map(|end| rest.find(end))
        .min();
    rest[..end.unwrap_or(rest.len())]
        .split(',')
        .map(|role| match role.trim().strip_prefix('"') {
            Some(quoted) => quoted.trim_end_matches('"').replace("\"\"", "\""),
            None => role.trim().to_owned(),
        })
        .filter(|role| {
            !["PUBLIC", "CURRENT_USER", "SESSION_USER", "CURRENT_ROLE", ""]
                .contains(&role.to_ascii_uppercase().as_str())
        })
        .collect()
}

#[cfg(test)]
mod tests;
