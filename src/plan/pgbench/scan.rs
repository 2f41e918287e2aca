//! A script cut into meta commands and statements, and statements where their variables are.

/// One of what a script consists of, with the line where it begins.
#[derive(Debug, PartialEq)]
pub(super) enum Item {
    Meta { line: usize, text: String },
    Statement { line: usize, pieces: Vec<Piece> },
}

#[derive(Debug, PartialEq)]
pub(super) enum Piece {
    Text(String),
    /// `:name`, without the colon.
    Variable(String),
}

/// All meta commands and statements in their order. A meta command ends the statement before it.
pub(super) fn items(text: &str) -> Vec<Item> {
    let mut scan = Scan {
        rest: text,
        line: 1,
        items: Vec::new(),
        pieces: Vec::new(),
        statement_line: 1,
    };
    while let Some(letter) = scan.rest.chars().next() {
        scan.step(letter);
    }
    scan.end_statement();
    scan.items
}

struct Scan<'t> {
    rest: &'t str,
    line: usize,
    items: Vec<Item>,
    pieces: Vec<Piece>,
    statement_line: usize,
}

impl Scan<'_> {
    fn step(&mut self, letter: char) {
        if letter == '\\' {
            self.end_statement();
            return self.meta();
        }
        if self.rest.starts_with("--") {
            self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
        } else if self.rest.starts_with("/*") {
            let end = self.rest.find("*/").map_or(self.rest.len(), |end| end + 2);
            self.take(end);
            self.text(" ");
        } else if letter == ';' {
            self.take(1);
            self.end_statement();
        } else if let Some(len) = self.quoted(letter) {
            let text = self.take(len);
            self.text(&text);
        } else if self.rest.starts_with("::") {
            self.take(2);
            self.text("::");
        } else if let Some(name) = variable(self.rest) {
            let name = name.to_owned();
            self.take(1 + name.len());
            self.begin();
            self.pieces.push(Piece::Variable(name));
        } else {
            let text = self.take(letter.len_utf8());
            self.text(&text);
        }
    }

    /// The length of a text or a name in quotes that begins here.
    fn quoted(&self, letter: char) -> Option<usize> {
        match letter {
            '\'' | '"' => {
                let escapes = letter == '\'' && self.ends_with_e();
                let mut letters = self.rest.char_indices().skip(1);
                while let Some((at, next)) = letters.next() {
                    if escapes && next == '\\' {
                        letters.next();
                    } else if next == letter {
                        return Some(at + 1);
                    }
                }
                Some(self.rest.len())
            }
            '$' => {
                let tag = self.rest[1..].find('$').map(|end| &self.rest[..end + 2])?;
                let is_name = |c: char| c.is_alphanumeric() || c == '_';
                let inner = &tag[1..tag.len() - 1];
                if !inner.chars().all(is_name) || inner.starts_with(|c: char| c.is_ascii_digit()) {
                    return None;
                }
                let end = self.rest[tag.len()..].find(tag);
                Some(end.map_or(self.rest.len(), |end| end + 2 * tag.len()))
            }
            _ => None,
        }
    }

    fn ends_with_e(&self) -> bool {
        let Some(Piece::Text(text)) = self.pieces.last() else {
            return false;
        };
        let mut letters = text.chars().rev();
        let is_e = letters.next().is_some_and(|c| c.eq_ignore_ascii_case(&'e'));
        is_e && !letters
            .next()
            .is_some_and(|c| c.is_alphanumeric() || c == '_')
    }

    /// A meta command goes to the end of the line, and on where that ends with a backslash.
    fn meta(&mut self) {
        let line = self.line;
        let mut text = String::new();
        loop {
            let part = self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
            let is_last = self.rest.is_empty();
            self.take(usize::from(!is_last));
            match part.trim_end().strip_suffix('\\') {
                Some(part) if !is_last => {
                    text.push_str(part);
                    text.push(' ');
                }
                _ => {
                    text.push_str(part.trim_end());
                    break;
                }
            }
        }
        self.items.push(Item::Meta { line, text });
    }

    /// Goes on by so many bytes, and gives them.
    fn take(&mut self, len: usize) -> String {
        let (taken, rest) = self.rest.split_at(len);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken.to_owned()
    }

    fn text(&mut self, text: &str) {
        if self.pieces.is_empty() && text.trim().is_empty() {
            return;
        }
        self.begin();
        match self.pieces.last_mut() {
            Some(Piece::Text(last)) => last.push_str(text),
            _ => self.pieces.push(Piece::Text(text.to_owned())),
        }
    }

    fn begin(&mut self) {
        if self.pieces.is_empty() {
            self.statement_line = self.line;
        }
    }

    fn end_statement(&mut self) {
        let pieces = std::mem::take(&mut self.pieces);
        if !pieces.is_empty() {
            let line = self.statement_line;
            self.items.push(Item::Statement { line, pieces });
        }
    }
}

/// The name after a colon. A number after one is the bound of a slice.
fn variable(rest: &str) -> Option<&str> {
    let rest = rest.strip_prefix(':')?;
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let name = &rest[..end.unwrap_or(rest.len())];
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    is_name.then_some(name)
}
