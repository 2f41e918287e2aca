//! `domain` and `url`: addresses on the web, all in domains that are reserved for examples.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::stamp::End;
use super::words::longest;
use super::written::{Write, Written};
use super::{Make, Recipe, company, title};
use crate::seed::cells::Cells;
use crate::seed::context::Place;
use crate::seed::dice::Dice;
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
        Ok(Box::new(Written(Domains {
            key: place.shared_key(company::SHARED),
            end: End::new(place, room, '-')?,
        })))
    }

    fn takes_number(&self) -> bool {
        true
    }
}

impl Recipe for Url {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Ok(Box::new(Written(Urls {
            host_key: place.shared_key(company::SHARED),
            page_key: place.shared_key(title::SHARED),
            end: End::new(place, self.max, '-')?,
        })))
    }

    fn takes_number(&self) -> bool {
        true
    }
}

struct Domains {
    key: u64,
    end: End,
}

impl Write for Domains {
    fn write(&self, row: u64, _: &mut Dice, out: &mut Cells) {
        let start = out.len();
        HOSTS.put_any(&mut Dice::new(self.key, row), out);
        self.end.put(row, out, start);
        out.push_str(RESERVED);
    }

    fn chars(&self) -> usize {
        self.end.chars(longest(&HOSTS)) + RESERVED.len()
    }
}

struct Urls {
    host_key: u64,
    page_key: u64,
    end: End,
}

impl Write for Urls {
    fn write(&self, row: u64, _: &mut Dice, out: &mut Cells) {
        let start = out.len();
        out.push_str(SCHEME);
        HOSTS.put_any(&mut Dice::new(self.host_key, row), out);
        out.push_str(RESERVED);
        out.push('/');
        SLUGS.put_any(&mut Dice::new(self.page_key, row), out);
        self.end.put(row, out, start);
    }

    fn chars(&self) -> usize {
        let host = SCHEME.len() + longest(&HOSTS) + RESERVED.len();
        self.end.chars(host + 1 + longest(&SLUGS))
    }
}
