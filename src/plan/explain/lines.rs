//! Lines of at most 80 columns, with a label before each.

use std::fmt::Write;

/// The widest line.
pub(super) const WIDTH: usize = 80;

/// The width of what stands before each line.
pub(super) const LABEL: usize = 12;

/// A label and what it is about, which goes on below itself where it is too long.
pub(super) fn line(text: &mut String, label: &str, what: &str) {
    let line = format!("{label:<LABEL$} {what}");
    if line.chars().count() <= WIDTH {
        let _ = writeln!(text, "{}", line.trim_end());
    } else {
        wrapped(
            text,
            &format!("{label:<LABEL$} "),
            &" ".repeat(LABEL + 3),
            what,
        );
    }
}

/// A paragraph's words; `first` stands before its first line, `below` before the others.
pub(super) fn wrapped(text: &mut String, first: &str, below: &str, paragraph: &str) {
    let mut line = first.to_owned();
    let mut is_empty = true;
    for word in paragraph.split_whitespace() {
        let width = line.chars().count() + usize::from(!is_empty) + word.chars().count();
        if width > WIDTH && !is_empty {
            let _ = writeln!(text, "{}", line.trim_end());
            line = below.to_owned();
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    let _ = writeln!(text, "{}", line.trim_end());
}
