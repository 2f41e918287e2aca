//! Cuts a stream of messages at their headers. Bodies stay where they are; of those that come in pieces no more is
//! kept than the rules ask for.

use std::fmt::Write;

/// A message's tag and length.
pub(super) const HEADER_BYTES: usize = 5;

/// What is kept of an SQL text, in bytes.
pub(super) const TEXT_BYTES: usize = 1 << 20;

/// The server's own limits: of messages that carry data, and of the others.
const LARGE_BYTES: usize = 0x3fff_ffff;
const SMALL_BYTES: usize = 10_000;

/// Enough for the names at the beginning of a Bind, and for the fields of an error.
const BEGINNING_BYTES: usize = 16 * 1024;

/// How to treat messages with a tag.
#[derive(Clone, Copy)]
pub(super) struct Rule {
    /// Of a body that comes in pieces so much is kept.
    kept_bytes: usize,
    /// A longer body is refused.
    bytes_max: usize,
}

const fn rule(kept_bytes: usize, bytes_max: usize) -> Option<Rule> {
    Some(Rule {
        kept_bytes,
        bytes_max,
    })
}

/// What a client may send once it is let in.
pub(super) fn from_client(tag: u8) -> Option<Rule> {
    match tag {
        b'Q' => rule(TEXT_BYTES, LARGE_BYTES),
        // Before its text a Parse has a name.
        b'P' => rule(TEXT_BYTES + SMALL_BYTES, LARGE_BYTES),
        b'B' => rule(BEGINNING_BYTES, LARGE_BYTES),
        b'd' | b'F' => rule(0, LARGE_BYTES),
        b'E' | b'C' => rule(SMALL_BYTES, SMALL_BYTES),
        b'D' | b'H' | b'S' | b'X' | b'c' | b'f' => rule(0, SMALL_BYTES),
        _ => None,
    }
}

/// What a server may send once it has let someone in. Tags that are not known today pass.
pub(super) fn from_server(tag: u8) -> Option<Rule> {
    match tag {
        b'E' | b'N' => rule(BEGINNING_BYTES, LARGE_BYTES),
        b'K' | b'Z' => rule(SMALL_BYTES, SMALL_BYTES),
        b'1' | b'2' | b'3' | b'I' | b'n' | b's' | b'c' => rule(0, SMALL_BYTES),
        _ => rule(0, LARGE_BYTES),
    }
}

/// A message that has gone by.
pub(super) struct Message<'a> {
    pub(super) tag: u8,
    /// Its beginning at least, and all of it if it is no longer than what is kept.
    pub(super) body: &'a [u8],
    /// How long the body is in all.
    pub(super) bytes: usize,
}

/// One direction of a connection.
pub(super) struct Frames {
    rules: fn(u8) -> Option<Rule>,
    /// A header of which the rest has not come.
    header: Vec<u8>,
    open: Option<Open>,
}

/// A message of which the rest has not come.
struct Open {
    tag: u8,
    bytes: usize,
    left_bytes: usize,
    keep_bytes: usize,
    kept: Vec<u8>,
}

impl Frames {
    pub(super) fn new(rules: fn(u8) -> Option<Rule>) -> Frames {
        Frames {
            rules,
            header: Vec::new(),
            open: None,
        }
    }

    /// Shows `each` message that these bytes complete. An error says what is wrong with the stream.
    pub(super) fn feed(
        &mut self,
        mut bytes: &[u8],
        mut each: impl FnMut(Message<'_>),
    ) -> Result<(), String> {
        loop {
            if let Some(open) = &mut self.open {
                bytes = open.take(bytes);
                if open.left_bytes > 0 {
                    return Ok(());
                }
                each(Message {
                    tag: open.tag,
                    body: &open.kept,
                    bytes: open.bytes,
                });
                self.open = None;
            }
            let missing = HEADER_BYTES - self.header.len();
            if bytes.len() < missing {
                self.header.extend_from_slice(bytes);
                return Ok(());
            }
            let (mut header, begun) = ([0; HEADER_BYTES], self.header.len());
            header[..begun].copy_from_slice(&self.header);
            header[begun..].copy_from_slice(&bytes[..missing]);
            self.header.clear();
            bytes = &bytes[missing..];
            let (length, keep_bytes) = measure(&header, self.rules)?;
            if let Some((body, rest)) = bytes.split_at_checked(length) {
                each(Message {
                    tag: header[0],
                    body,
                    bytes: length,
                });
                bytes = rest;
            } else {
                self.open = Some(Open {
                    tag: header[0],
                    bytes: length,
                    left_bytes: length,
                    keep_bytes,
                    kept: Vec::new(),
                });
            }
        }
    }
}

impl Open {
    /// Takes what belongs to the message, and hands back the rest.
    fn take<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let (body, rest) = bytes.split_at(bytes.len().min(self.left_bytes));
        let room = self.keep_bytes - self.kept.len();
        self.kept.extend_from_slice(&body[..body.len().min(room)]);
        self.left_bytes -= body.len();
        rest
    }
}

/// How long a message's body is, and how much of it is kept.
fn measure(
    header: &[u8; HEADER_BYTES],
    rules: fn(u8) -> Option<Rule>,
) -> Result<(usize, usize), String> {
    let [tag, length @ ..] = *header;
    let length = u32::from_be_bytes(length) as usize;
    let Some(rule) = rules(tag) else {
        return Err(format!("{} is no message of the protocol", named(tag)));
    };
    let body = length.checked_sub(4).filter(|body| *body <= rule.bytes_max);
    match body {
        Some(body) => Ok((body, rule.kept_bytes)),
        None => Err(format!(
            "a message {} says that it is {length} bytes long",
            named(tag)
        )),
    }
}

fn named(tag: u8) -> String {
    let mut name = String::new();
    // Writing to a text does not fail.
    let _ = match tag.is_ascii_graphic() {
        true => write!(name, "'{}'", char::from(tag)),
        false => write!(name, "{tag:#04x}"),
    };
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(tag: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        [&[tag], &length[..], body].concat()
    }

    /// Tag, kept body, and how many bytes it had.
    type Seen<'a> = (u8, &'a [u8], usize);

    fn check(bytes: &[u8], piece_bytes: usize, expected: Result<&[Seen<'_>], &str>) {
        let mut frames = Frames::new(from_client);
        let mut seen = Vec::new();
        let fed = bytes.chunks(piece_bytes).try_for_each(|piece| {
            frames.feed(piece, |message| {
                seen.push((message.tag, message.body.to_vec(), message.bytes));
            })
        });
        let expected = expected.map(|all| {
            let owned = all.iter().map(|(tag, body, n)| (*tag, body.to_vec(), *n));
            owned.collect::<Vec<_>>()
        });
        assert_eq!(
            fed.map(|()| seen),
            expected.map_err(str::to_owned),
            "{piece_bytes}"
        );
    }

    #[test]
    fn messages_are_the_same_in_whatever_pieces_they_come() {
        let stream = [
            message(b'Q', b"SELECT 1\0"),
            message(b'S', b""),
            message(b'E', b"\0\0\0\0\0"),
        ]
        .concat();
        for piece_bytes in 1..=stream.len() {
            let expected: [(u8, &[u8], usize); 3] = [
                (b'Q', b"SELECT 1\0", 9),
                (b'S', b"", 0),
                (b'E', b"\0\0\0\0\0", 5),
            ];
            check(&stream, piece_bytes, Ok(&expected));
        }
    }

    #[test]
    fn of_a_long_text_the_beginning_is_kept_and_of_data_nothing() {
        let long = vec![b'x'; TEXT_BYTES + 77];
        let stream = [message(b'Q', &long), message(b'd', &long)].concat();
        let expected: [(u8, &[u8], usize); 2] = [
            (b'Q', &long[..TEXT_BYTES], TEXT_BYTES + 77),
            (b'd', b"", TEXT_BYTES + 77),
        ];
        check(&stream, 60_000, Ok(&expected));
    }

    #[test]
    fn a_stream_that_cannot_be_right_is_refused_at_its_header() {
        let said = "a message 'Q' says that it is 3 bytes long";
        check(b"Q\0\0\0\x03", 5, Err(said));
        let said = "a message 'S' says that it is 1073741824 bytes long";
        check(b"S\x40\0\0\0", 2, Err(said));
        check(
            b"\x16\x03\x01\0\0",
            5,
            Err("0x16 is no message of the protocol"),
        );
    }
}
