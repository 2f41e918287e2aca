//! Tones as colours of a terminal.

use tabled::settings::Color;

use crate::render::outline::Tone;

/// The colour of a tone; `None` for what stays as it is.
pub(super) fn of(tone: Tone) -> Option<Color> {
    Some(match tone {
        Tone::Plain => return None,
        Tone::Good => Color::FG_GREEN,
        Tone::Bad => Color::FG_RED,
        Tone::Careful => Color::FG_YELLOW,
        // Black on black is not seen: the bright one is grey.
        Tone::Faint => Color::FG_BRIGHT_BLACK,
    })
}

pub(super) fn toned(text: &str, tone: Tone, colour: bool) -> String {
    match of(tone).filter(|_| colour) {
        Some(tone) => (tone | Color::BOLD).colorize(text),
        None => text.to_owned(),
    }
}

pub(super) fn strong(text: &str, colour: bool) -> String {
    if colour {
        Color::BOLD.colorize(text)
    } else {
        text.to_owned()
    }
}
