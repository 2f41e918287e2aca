//! `fake`: words of many kinds, most of them from the crate `fake`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Make, Recipe};
use crate::seed::context::Place;

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
    /// A number.
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
    fn build(&self, _: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Err("not made yet".to_owned())
    }
}
