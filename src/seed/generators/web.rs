//! `domain` and `url`: addresses on the web, all in domains that are reserved for examples.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::stamp::End;
use super::words::longest;
use super::{Make, Recipe, company, title};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::value::{Scratch, Shape, Value};
use crate::seed::words::{HOSTS, SLUGS};

/// The row's company with a reserved domain: `smith-and-sons.example.com`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Domain {
    /// At most so many characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<usize>,
}

/// A page at the row's domain: `https://smith-and-sons.example.com/modern-lamps`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Url {
    /// At most so many characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<usize>,
}

/// RFC 2606 reserves it.
const RESERVED: &str = ".example.com";
const SCHEME: &str = "https://";

impl Recipe for Domain {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        let room = self.max.map(|max| max.saturating_sub(RESERVED.len()));
        Ok(Box::new(Domains {
            key: place.shared_key(company::SHARED),
            end: End::new(place, room, '-')?,
        }))
    }

    fn takes_number(&self) -> bool {
        true
    }
}

impl Recipe for Url {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Ok(Box::new(Urls {
            host_key: place.shared_key(company::SHARED),
            page_key: place.shared_key(title::SHARED),
            end: End::new(place, self.max, '-')?,
        }))
    }

    fn takes_number(&self) -> bool {
        true
    }
}

struct Domains {
    key: u64,
    end: End,
}

impl Make for Domains {
    fn value<'a>(&'a self, row: u64, _: &mut Dice, scratch: &'a mut Scratch) -> Value<'a> {
        let text = scratch.text();
        text.push_str(Dice::new(self.key, row).word(&HOSTS));
        self.end.put(row, text);
        text.push_str(RESERVED);
        Value::Text(text)
    }

    fn shape(&self) -> Shape {
        Shape::Text {
            chars: self.end.chars(longest(&HOSTS)) + RESERVED.len(),
        }
    }
}

struct Urls {
    host_key: u64,
    page_key: u64,
    end: End,
}

impl Make for Urls {
    fn value<'a>(&'a self, row: u64, _: &mut Dice, scratch: &'a mut Scratch) -> Value<'a> {
        let text = scratch.text();
        text.push_str(SCHEME);
        text.push_str(Dice::new(self.host_key, row).word(&HOSTS));
        text.push_str(RESERVED);
        text.push('/');
        text.push_str(Dice::new(self.page_key, row).word(&SLUGS));
        self.end.put(row, text);
        Value::Text(text)
    }

    fn shape(&self) -> Shape {
        let host = SCHEME.len() + longest(&HOSTS) + RESERVED.len();
        Shape::Text {
            chars: self.end.chars(host + 1 + longest(&SLUGS)),
        }
    }
}
