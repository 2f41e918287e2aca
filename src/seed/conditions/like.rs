//! LIKE and SIMILAR TO as regular expressions.

/// A pattern of LIKE: `%` is any text, `_` any letter, a backslash takes the next as it is.
pub(super) fn like(pattern: &str) -> String {
    let mut regex = String::from("^");
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '%' => regex.push_str(".*"),
            '_' => regex.push('.'),
            '\\' => letters
                .next()
                .into_iter()
                .for_each(|letter| push(&mut regex, letter)),
            letter => push(&mut regex, letter),
        }
    }
    regex.push('$');
    regex
}

/// A pattern of SIMILAR TO: LIKE with `|`, `*`, `+`, `?`, `{m,n}`, groups and brackets.
pub(super) fn similar(pattern: &str) -> String {
    let mut regex = String::from("^(?:");
    let mut letters = pattern.chars();
    let mut in_brackets = false;
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => letters
                .next()
                .into_iter()
                .for_each(|letter| push(&mut regex, letter)),
            _ if in_brackets => {
                in_brackets = letter != ']';
                regex.push(letter);
            }
            '%' => regex.push_str(".*"),
            '_' => regex.push('.'),
            '(' => regex.push_str("(?:"),
            '[' => {
                in_brackets = true;
                regex.push('[');
            }
            '.' | '^' | '$' => push(&mut regex, letter),
            letter => regex.push(letter),
        }
    }
    regex.push_str(")$");
    regex
}

fn push(regex: &mut String, letter: char) {
    if !letter.is_alphanumeric() && letter.is_ascii() && letter != '_' && letter != ' ' {
        regex.push('\\');
    }
    regex.push(letter);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_become_regular_expressions() {
        assert_eq!(like(r"a%b_c.d\%"), r"^a.*b.c\.d\%$");
        assert_eq!(similar("(ab|c)_[%x]+.%"), r"^(?:(?:ab|c).[%x]+\..*)$");
    }
}
