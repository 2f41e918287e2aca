//! The words of a name: what `created_at`, `createdAt` and `"UserName"` say.

/// A name, cut into its words, in small letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Words(Vec<String>);

impl Words {
    pub(super) fn of(name: &str) -> Words {
        let mut words = vec![String::new()];
        let letters: Vec<char> = name.chars().collect();
        for (at, letter) in letters.iter().enumerate() {
            if !letter.is_alphanumeric() {
                words.push(String::new());
                continue;
            }
            let before = at.checked_sub(1).map(|at| letters[at]);
            let after = letters.get(at + 1);
            // userName, and HTMLPage: a capital begins a word after a small letter or before one.
            let begins = letter.is_uppercase()
                && (before.is_some_and(|before| before.is_lowercase() || before.is_numeric())
                    || before.is_some_and(char::is_uppercase)
                        && after.is_some_and(|a| a.is_lowercase()));
            if begins {
                words.push(String::new());
            }
            let word = words.last_mut().expect("there is always a word");
            word.extend(letter.to_lowercase());
        }
        words.retain(|word| !word.is_empty());
        Words(words)
    }

    pub(super) fn has(&self, word: &str) -> bool {
        self.0.iter().any(|known| known == word)
    }

    pub(super) fn has_any(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.has(word))
    }

    pub(super) fn last(&self) -> &str {
        self.0.last().map_or("", String::as_str)
    }

    pub(super) fn ends_with_any(&self, words: &[&str]) -> bool {
        words.contains(&self.last())
    }

    /// Its words one after the other, without what is between them: `firstname`.
    pub(super) fn joined(&self) -> String {
        self.0.concat()
    }

    /// The words without the last: what an `…_id` is the id of.
    pub(super) fn stem(&self) -> Option<String> {
        let (_, stem) = self.0.split_last()?;
        (!stem.is_empty()).then(|| stem.join("_"))
    }

    pub(super) fn snake(&self) -> String {
        self.0.join("_")
    }

    /// `UserName`, as programs name their classes, in the singular.
    pub(super) fn class(&self) -> String {
        let capital = |word: &String| {
            let mut letters = word.chars();
            let first = letters.next().map(|first| first.to_uppercase().to_string());
            first.unwrap_or_default() + letters.as_str()
        };
        let class: String = self.0.iter().map(capital).collect();
        singular(&class)
    }
}

/// `categories` → `category`, `boxes` → `box`, `users` → `user`.
pub(super) fn singular(word: &str) -> String {
    let cut = |end: &str, put: &str| word.strip_suffix(end).map(|stem| stem.to_owned() + put);
    if word.ends_with("ss") || word.ends_with("us") || word.len() < 3 {
        return word.to_owned();
    }
    cut("ies", "y")
        .or_else(|| cut("sses", "ss"))
        .or_else(|| cut("xes", "x"))
        .or_else(|| cut("ches", "ch"))
        .or_else(|| cut("shes", "sh"))
        .or_else(|| cut("people", "person"))
        .or_else(|| cut("s", ""))
        .unwrap_or_else(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_fashions_have_the_same_words() {
        for name in [
            "created_at",
            "createdAt",
            "CreatedAt",
            "CREATED_AT",
            "created-at",
        ] {
            assert_eq!(Words::of(name).snake(), "created_at", "{name}");
        }
        assert_eq!(Words::of("HTMLPage2").snake(), "html_page2");
        assert_eq!(Words::of("order_items").class(), "OrderItem");
        assert_eq!(Words::of("user_id").stem().as_deref(), Some("user"));
        for (many, one) in [
            ("categories", "category"),
            ("boxes", "box"),
            ("status", "status"),
            ("addresses", "address"),
        ] {
            assert_eq!(singular(many), one);
        }
    }
}
