//! Regular expressions of Postgres, its AREs, in the syntax of the crate `regex`.

use std::iter::Peekable;
use std::str::Chars;

/// A regular expression as the crate reads it.
pub(in crate::seed) struct Translated {
    pub(super) regex: String,
    pub(super) insensitive: bool,
}

impl Translated {
    /// Tells whether Postgres would match a text.
    pub(in crate::seed) fn matcher(&self) -> Result<regex::Regex, String> {
        regex::RegexBuilder::new(&self.regex)
            .case_insensitive(self.insensitive)
            .dot_matches_new_line(true)
            .build()
            .map_err(|_| {
                format!(
                    "{:?} is not a regular expression that is understood",
                    self.regex
                )
            })
    }
}

/// Translates an ARE; an error says what in it is not regular, or not understood.
pub(in crate::seed) fn translate(are: &str, insensitive: bool) -> Result<Translated, String> {
    let mut insensitive = insensitive;
    if let Some(literal) = are.strip_prefix("***=") {
        let regex = regex::escape(literal);
        return Ok(Translated { regex, insensitive });
    }
    let mut rest = are.strip_prefix("***:").unwrap_or(are);
    // Options in front of it all.
    if let Some((options, after)) = rest
        .strip_prefix("(?")
        .and_then(|rest| rest.split_once(')'))
        && options.chars().all(|option| option.is_ascii_lowercase())
    {
        insensitive |= options.contains('i');
        if options.contains('q') {
            let regex = regex::escape(after);
            return Ok(Translated { regex, insensitive });
        }
        if options.contains(['b', 'e', 'x']) {
            return Err(format!(
                "the option (?{options}) of {are:?} is not understood"
            ));
        }
        rest = after;
    }
    let mut reader = Reader {
        are,
        letters: rest.chars().peekable(),
        regex: String::new(),
    };
    reader.read()?;
    Ok(Translated {
        regex: reader.regex,
        insensitive,
    })
}

struct Reader<'a> {
    are: &'a str,
    letters: Peekable<Chars<'a>>,
    regex: String,
}

impl Reader<'_> {
    fn read(&mut self) -> Result<(), String> {
        while let Some(letter) = self.letters.next() {
            match letter {
                '\\' => self.escape()?,
                '[' => self.bracket()?,
                '(' => self.group()?,
                '{' if !self.letters.peek().is_some_and(char::is_ascii_digit) => self.literal('{'),
                '{' => {
                    self.regex.push('{');
                    self.regex
                        .extend(self.letters.by_ref().take_while(|letter| *letter != '}'));
                    self.regex.push('}');
                }
                '.' | '*' | '+' | '?' | '|' | ')' | '^' | '$' => self.regex.push(letter),
                letter => self.literal(letter),
            }
        }
        Ok(())
    }

    fn unsupported<T>(&self, what: &str) -> Result<T, String> {
        Err(format!(
            "no text can be made for {:?}, which has {what}; use literal or choice with texts that match",
            self.are
        ))
    }

    fn broken<T>(&self) -> Result<T, String> {
        Err(format!(
            "{:?} is not a regular expression that is understood",
            self.are
        ))
    }

    fn literal(&mut self, letter: char) {
        push(&mut self.regex, letter);
    }

    fn group(&mut self) -> Result<(), String> {
        self.regex.push('(');
        if self.letters.peek() != Some(&'?') {
            self.regex.push_str("?:");
            return Ok(());
        }
        self.letters.next();
        match self.letters.next() {
            Some(':') => self.regex.push_str("?:"),
            Some('=' | '!') => return self.unsupported("a look-ahead"),
            Some('<') => return self.unsupported("a look-behind"),
            _ => return self.broken(),
        }
        Ok(())
    }

    fn escape(&mut self) -> Result<(), String> {
        let Some(letter) = self.letters.next() else {
            return self.broken();
        };
        match letter {
            'd' | 'w' | 's' | 'D' | 'W' | 'S' => {
                self.regex.push('\\');
                self.regex.push(letter);
            }
            'A' => self.regex.push_str("\\A"),
            'Z' => self.regex.push_str("\\z"),
            'm' | 'M' | 'y' => self.regex.push_str("\\b"),
            'Y' => self.regex.push_str("\\B"),
            '1'..='9' => return self.unsupported("a back reference"),
            letter => {
                let letter = self.character(letter)?;
                self.literal(letter);
            }
        }
        Ok(())
    }

    /// The character that an escape stands for.
    fn character(&mut self, letter: char) -> Result<char, String> {
        Ok(match letter {
            'a' => '\x07',
            'b' => '\x08',
            'B' => '\\',
            'e' => '\x1b',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            '0' => '\0',
            'u' => self.hexadecimal(4)?,
            'U' => self.hexadecimal(8)?,
            'x' => self.hexadecimal(2)?,
            letter if letter.is_ascii_alphanumeric() => return self.broken(),
            letter => letter,
        })
    }

    fn hexadecimal(&mut self, digits: usize) -> Result<char, String> {
        let number: String = self.letters.by_ref().take(digits).collect();
        let found = u32::from_str_radix(&number, 16)
            .ok()
            .and_then(char::from_u32);
        found.map_or_else(|| self.broken(), Ok)
    }

    /// `[…]`, where a `]` in front is itself and a backslash escapes.
    fn bracket(&mut self) -> Result<(), String> {
        let rest: String = self.letters.clone().collect();
        if rest.starts_with("[:<:]]") || rest.starts_with("[:>:]]") {
            self.letters.by_ref().take(6).for_each(drop);
            self.regex.push_str("\\b");
            return Ok(());
        }
        self.regex.push('[');
        if self.letters.next_if_eq(&'^').is_some() {
            self.regex.push('^');
        }
        let mut is_first = true;
        loop {
            let Some(letter) = self.letters.next() else {
                return self.broken();
            };
            match letter {
                ']' if !is_first => break,
                '\\' => match self.letters.next() {
                    Some(class @ ('d' | 'w' | 's')) => {
                        self.regex.push('\\');
                        self.regex.push(class);
                    }
                    Some(letter) => {
                        let letter = self.character(letter)?;
                        self.literal(letter);
                    }
                    None => return self.broken(),
                },
                '[' if self.letters.peek() == Some(&':') => {
                    let name = self.named();
                    self.regex.push_str(&format!("[:{name}:]"));
                }
                '[' if matches!(self.letters.peek(), Some('.' | '=')) => {
                    let name = self.named();
                    for letter in name.chars() {
                        self.literal(letter);
                    }
                }
                // Between two others it makes a range; at either end it is itself.
                '-' if !is_first
                    && self.letters.peek() != Some(&']')
                    && !self.regex.ends_with('^') =>
                {
                    self.regex.push('-');
                }
                letter => self.literal(letter),
            }
            is_first = false;
        }
        self.regex.push(']');
        Ok(())
    }

    /// The name in `[:name:]`, of which `[` has been read.
    fn named(&mut self) -> String {
        let mark = self.letters.next().unwrap_or(':');
        let name = self
            .letters
            .by_ref()
            .take_while(|letter| *letter != mark)
            .collect();
        self.letters.next();
        name
    }
}

/// A letter as itself, inside brackets or outside.
fn push(regex: &mut String, letter: char) {
    if letter.is_alphanumeric() || letter == '_' || letter == ' ' {
        regex.push(letter);
    } else {
        regex.push_str(&format!("\\x{{{:x}}}", u32::from(letter)));
    }
}
