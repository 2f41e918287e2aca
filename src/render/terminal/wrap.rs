//! Text in lines of a given width.

use tabled::grid::util::string::get_line_width;

/// Columns that a text of one line takes.
pub(super) fn width(text: &str) -> usize {
    get_line_width(text)
}

/// The text in lines no wider than `most`, broken at spaces; a word that is wider by itself is broken
/// after a sign of punctuation where there is one. Line breaks in the text are kept, and so are its
/// runs of spaces but at a break. At least one line.
pub(super) fn wrap(text: &str, most: usize) -> Vec<String> {
    text.split('\n')
        .flat_map(|line| wrap_line(line, most.max(1)))
        .collect()
}

fn wrap_line(line: &str, most: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut current = String::new();
    for word in line.split(' ') {
        if !current.is_empty() && width(&current) + 1 + width(word) <= most {
            current.push(' ');
            current.push_str(word);
            continue;
        }
        if !current.is_empty() {
            lines.push(std::mem::take(&mut current));
        }
        let mut rest = word;
        while width(rest) > most {
            let (head, tail) = rest.split_at(break_in(rest, most));
            lines.push(head.to_owned());
            rest = tail;
        }
        current.push_str(rest);
    }
    if !current.is_empty() || lines.is_empty() {
        lines.push(current);
    }
    lines
}

/// The byte at which a word wider than `most` is broken.
fn break_in(word: &str, most: usize) -> usize {
    let mut columns = 0;
    let mut fits = 0;
    let mut after_sign = 0;
    for (at, letter) in word.char_indices() {
        columns += width(letter.encode_utf8(&mut [0; 4]));
        let end = at + letter.len_utf8();
        // A first letter wider than the line has to go somewhere.
        if columns > most && at > 0 {
            break;
        }
        fits = end;
        if matches!(letter, '_' | '.' | '-' | '/' | ',') {
            after_sign = end;
        }
    }
    if after_sign > 0 { after_sign } else { fits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_whole_where_they_can() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("one\ntwo", 80), ["one", "two"]);
        assert_eq!(wrap("", 8), [""]);
        assert_eq!(wrap("base  create-index", 80), ["base  create-index"]);
    }

    #[test]
    fn a_word_that_is_too_wide_breaks_after_a_sign_or_anywhere() {
        assert_eq!(
            wrap("on orders_customer_idx", 12),
            ["on", "orders_", "customer_idx"]
        );
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
    }

    #[test]
    fn no_line_is_wider_than_asked_for_and_nothing_is_lost() {
        let text = "ALTER TABLE übergröße ADD COLUMN 名前 text, ADD CHECK (a_very_long_name > 0) …";
        for most in 2..90 {
            let lines = wrap(text, most);
            for line in &lines {
                assert!(width(line) <= most, "{line:?} is wider than {most}");
            }
            let letters = |text: &str| text.replace(' ', "");
            assert_eq!(letters(&lines.concat()), letters(text));
        }
    }
}
