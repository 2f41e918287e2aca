//! `fake`: words of many kinds, most of them from the crate `fake`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decimal::Decimals;
use super::words::{Words, choices};
use super::{Make, Recipe};
use crate::seed::context::Place;
use crate::seed::words;

/// A word of a kind: `fake = { kind = "job_title" }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fake {
    pub kind: Kind,
    /// At most so many characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<usize>,
}

/// What there are words for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    JobTitle,
    Industry,
    Profession,
    UserAgent,
    /// `EUR`.
    CurrencyCode,
    CurrencyName,
    /// `German`.
    Language,
    /// `de`.
    LanguageCode,
    /// `en_GB`.
    Locale,
    /// `Europe/Berlin`.
    TimeZone,
    /// `Portugal`.
    CountryName,
    State,
    /// `NY`.
    StateCode,
    FileName,
    FilePath,
    FileExtension,
    MimeType,
    /// `teal`.
    Colour,
    /// `#0a7f3c`.
    ColourHex,
    LicensePlate,
    Isbn,
    /// `2.11.4`.
    Semver,
    /// Degrees, with six digits after the point.
    Latitude,
    /// Degrees, with six digits after the point.
    Longitude,
    Buzzword,
    CatchPhrase,
    Word,
    CreditCard,
    Department,
    HttpMethod,
    /// `404`.
    HttpStatus,
    MonthName,
    WeekdayName,
    SecondaryAddress,
    BuildingNumber,
    CompanySuffix,
    NameTitle,
    ProductCategory,
}

impl Recipe for Fake {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        if let Some((min, max)) = self.kind.degrees() {
            return Ok(Box::new(Decimals {
                min,
                max,
                scale: 6,
                picker: place.picker(max.abs_diff(min) + 1, 0.0),
            }));
        }
        Words::boxed(place, words::of(self.kind), self.max, None)
    }

    fn choices(&self, _: &Place<'_>, _: bool) -> Option<u64> {
        match self.kind.degrees() {
            Some((min, max)) => Some(max.abs_diff(min) + 1),
            None => choices(words::of(self.kind), self.max),
        }
    }

    fn takes_number(&self) -> bool {
        !self.kind.is_fixed()
    }
}

impl Kind {
    /// In millionths of a degree.
    fn degrees(self) -> Option<(i64, i64)> {
        match self {
            Kind::Latitude => Some((-56_000_000, 70_000_000)),
            Kind::Longitude => Some((-180_000_000, 180_000_000)),
            _ => None,
        }
    }

    /// Whether a number at its end makes it something else.
    fn is_fixed(self) -> bool {
        matches!(
            self,
            Kind::Latitude
                | Kind::Longitude
                | Kind::CurrencyCode
                | Kind::LanguageCode
                | Kind::Locale
                | Kind::TimeZone
                | Kind::StateCode
                | Kind::ColourHex
                | Kind::Isbn
                | Kind::CreditCard
                | Kind::HttpMethod
                | Kind::HttpStatus
                | Kind::Semver
        )
    }
}
