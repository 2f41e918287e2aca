//! Settings as `postgresql.conf` writes them, with the line of each.

use std::path::Path;

use super::Problem;

/// One line that sets something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// From 1.
    pub number: usize,
    /// In lower case: the server does not tell cases apart.
    pub name: String,
    /// Without quotes.
    pub value: String,
}

/// The settings in the order of the file, as `guc-file.l` of the server reads them. What it does not
/// read either is added to `problems`, and so are includes, which are not followed.
pub fn parse(path: &Path, text: &str, problems: &mut Vec<Problem>) -> Vec<Line> {
    let mut lines = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let number = at + 1;
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let problem = |message: &str| Problem::file(path, message).at_line(number);
        match setting(line) {
            Some((name, _)) if name.starts_with("include") => problems.push(
                problem(&format!("{name} is not followed"))
                    .hint("leave the line out, and write what it includes into this file"),
            ),
            Some((name, value)) => lines.push(Line {
                number,
                name,
                value,
            }),
            None => problems.push(
                problem("not a setting").hint("write it as name = value, or as name = 'any value'"),
            ),
        }
    }
    lines
}

/// `name = value # comment`; the equals sign may be missing.
fn setting(line: &str) -> Option<(String, String)> {
    let end = line.find(|c| !is_name_char(c)).unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    if !is_name(name) {
        return None;
    }
    let rest = rest.trim_start();
    let rest = rest.strip_prefix('=').unwrap_or(rest).trim_start();
    let (value, rest) = match rest.strip_prefix('\'') {
        Some(quoted) => quoted_value(quoted)?,
        None => plain_value(rest)?,
    };
    let rest = rest.trim_start();
    (rest.is_empty() || rest.starts_with('#')).then(|| (name.to_ascii_lowercase(), value))
}

/// `work_mem`, or `extension.name`.
pub fn is_name(name: &str) -> bool {
    name.split('.').count() <= 2
        && name.split('.').all(|part| {
            part.starts_with(|c: char| !c.is_ascii_digit()) && part.chars().all(is_name_char)
        })
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '.' || !c.is_ascii()
}

fn plain_value(text: &str) -> Option<(String, &str)> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-+.:/".contains(c) || !c.is_ascii();
    let end = text.find(|c| !is_plain(c)).unwrap_or(text.len());
    (end > 0).then(|| (text[..end].to_owned(), &text[end..]))
}

/// The value up to its closing quote, and what follows. `''` is a quote, and a backslash escapes.
fn quoted_value(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = text;
    loop {
        let letter = rest.chars().next()?;
        rest = &rest[letter.len_utf8()..];
        match letter {
            '\'' => match rest.strip_prefix('\'') {
                Some(after) => rest = after,
                None => return Some((value, rest)),
            },
            '\\' => {
                let (escaped, after) = escape(rest)?;
                value.push(escaped);
                rest = after;
                continue;
            }
            _ => {}
        }
        value.push(letter);
    }
}

/// What stands after a backslash: a letter's control character, up to three octal digits, or itself.
fn escape(text: &str) -> Option<(char, &str)> {
    let is_octal = |byte: &u8| (b'0'..=b'7').contains(byte);
    let digits = text.bytes().take(3).take_while(is_octal).count();
    if digits > 0 {
        let code = u8::from_str_radix(&text[..digits], 8).ok()?;
        return Some((char::from(code), &text[digits..]));
    }
    let letter = text.chars().next()?;
    let meant = match letter {
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        other => other,
    };
    Some((meant, &text[letter.len_utf8()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(usize, &str, &str)], mistakes: &[&str]) {
        let mut problems = Vec::new();
        let lines = parse(Path::new("p.conf"), text, &mut problems);
        let found: Vec<_> = lines
            .iter()
            .map(|line| (line.number, line.name.as_str(), line.value.as_str()))
            .collect();
        assert_eq!(found, expected, "{text}");
        let found: Vec<String> = problems.iter().map(Problem::to_string).collect();
        assert_eq!(found, mistakes, "{text}");
    }

    #[test]
    fn settings_are_read_as_the_server_reads_them() {
        check(
            "# a comment\n\nshared_buffers = 128MB\t\t# min 128kB\r\nWork_Mem 64MB\nfsync=on\n\
             random_page_cost = 1.1\npg_stat_statements.max = 10000\nseed = -0.5\nlog_file_mode = 0600",
            &[
                (3, "shared_buffers", "128MB"),
                (4, "work_mem", "64MB"),
                (5, "fsync", "on"),
                (6, "random_page_cost", "1.1"),
                (7, "pg_stat_statements.max", "10000"),
                (8, "seed", "-0.5"),
                (9, "log_file_mode", "0600"),
            ],
            &[],
        );
    }

    #[test]
    fn quotes_hold_anything() {
        check(
            r#"search_path = '"$user", public' # ours
log_line_prefix = '%m [%p] it''s \'x\' \\ \t\101\60z '
empty = ''"#,
            &[
                (1, "search_path", "\"$user\", public"),
                (2, "log_line_prefix", "%m [%p] it's 'x' \\ \tA0z "),
                (3, "empty", ""),
            ],
            &[],
        );
    }

    #[test]
    fn what_the_server_would_not_read_has_its_line() {
        let not = |line: usize| {
            format!(
                "p.conf:{line}: not a setting; write it as name = value, or as name = 'any value'"
            )
        };
        let mistakes = [1, 2, 3, 4, 5, 6].map(not);
        check(
            "= 3\nwork_mem = 64 MB\nsearch_path = a, b\nwork_mem\nx = 'open\n9x = 1\n",
            &[],
            &mistakes.each_ref().map(String::as_str),
        );
    }

    #[test]
    fn an_include_is_not_passed_over() {
        check(
            "include_dir = 'conf.d'",
            &[],
            &[
                "p.conf:1: include_dir is not followed; leave the line out, and write what it includes into this file",
            ],
        );
    }
}
