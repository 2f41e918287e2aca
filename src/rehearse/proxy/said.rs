//! What stands in the messages that are looked at.

use super::frames::Message;

/// An SQL text.
pub(super) enum Text {
    Whole(String),
    /// Its beginning, and a word on how long it was.
    Cut(String),
}

/// The text that begins at `rest` of a message's body, and ends with a zero byte.
pub(super) fn text(message: &Message<'_>, rest: &[u8]) -> Text {
    match name(rest) {
        Some((text, _)) => Text::Whole(String::from_utf8_lossy(text).into_owned()),
        None => Text::Cut(format!(
            "{} /* cut here: {} bytes in all */",
            String::from_utf8_lossy(rest),
            message.bytes
        )),
    }
}

/// The bytes up to the first zero byte, and those after it.
pub(super) fn name(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = body.iter().position(|byte| *byte == 0)?;
    Some((&body[..end], &body[end + 1..]))
}

/// A field of an error or a notice: each is a letter and a text that ends with a zero byte.
pub(super) fn field(body: &[u8], letter: u8) -> Option<String> {
    let mut fields = body.split(|byte| *byte == 0);
    let found = fields.find_map(|field| field.strip_prefix(&[letter]))?;
    Some(String::from_utf8_lossy(found).into_owned())
}

/// An error's message with its detail, as the project words the server's errors.
pub(super) fn error(body: &[u8]) -> String {
    let message = field(body, b'M').unwrap_or_default();
    match field(body, b'D') {
        Some(detail) => format!("{message} ({})", detail.trim_end_matches('.')),
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_worded_with_its_detail() {
        let body = b"SERROR\0C23505\0Mduplicate key\0DKey (id)=(1) already exists.\0\0";
        assert_eq!(error(body), "duplicate key (Key (id)=(1) already exists)");
        assert_eq!(field(body, b'C').as_deref(), Some("23505"));
    }
}
