//! The words of each kind that the generator `fake` knows.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use fake::Fake;
use fake::faker::address::raw::{BuildingNumber, SecondaryAddress};
use fake::faker::automotive::raw::LicencePlate;
use fake::faker::barcode::raw::Isbn13;
use fake::faker::creditcard::raw::CreditCardNumber;
use fake::faker::filesystem::raw::{FileName, FilePath, MimeType, SemverStable};
use fake::faker::internet::raw::UserAgent;
use fake::faker::job::raw::Title;
use fake::locales::{Data, EN, FR_FR};

use super::{TITLES, Table, table};
use crate::seed::digits;
use crate::seed::generators::fake::Kind;

/// Made when they are first asked for, and kept: a kind is seldom used.
static MADE: LazyLock<Mutex<HashMap<Kind, &'static Table>>> = LazyLock::new(Mutex::default);

/// The words of a kind.
pub fn of(kind: Kind) -> &'static Table {
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    made.entry(kind)
        .or_insert_with(|| Box::leak(Box::new(make(kind))))
}

fn make(kind: Kind) -> Table {
    match kind {
        Kind::JobTitle => table("job titles", 2_048, |dice| Title(EN).fake_with_rng(dice)),
        Kind::Industry => list(EN::COMPANY_INDUSTRY),
        Kind::Profession => list(EN::COMPANY_PROFESSION),
        Kind::UserAgent => table("user agents", 1_024, |dice| {
            UserAgent(EN).fake_with_rng(dice)
        }),
        Kind::CurrencyCode => list(EN::CURRENCY_CODE),
        Kind::CurrencyName => list(EN::CURRENCY_NAME),
        Kind::Language => list(&LANGUAGES.map(|(_, name)| name)),
        Kind::LanguageCode => list(&LANGUAGES.map(|(code, _)| code)),
        Kind::Locale => list(LOCALES),
        Kind::TimeZone => list(EN::ADDRESS_TIME_ZONE),
        Kind::CountryName => list(EN::ADDRESS_COUNTRY),
        Kind::State => list(EN::ADDRESS_STATE),
        Kind::StateCode => list(EN::ADDRESS_STATE_ABBR),
        Kind::FileName => table("file names", 4_096, |dice| FileName(EN).fake_with_rng(dice)),
        Kind::FilePath => table("file paths", 4_096, |dice| FilePath(EN).fake_with_rng(dice)),
        Kind::FileExtension => list(EN::PATH_EXTENSIONS),
        Kind::MimeType => table("mime types", 512, |dice| MimeType(EN).fake_with_rng(dice)),
        Kind::Colour => list(COLOURS),
        Kind::ColourHex => table("colours", 4_096, |dice| {
            format!("#{}", digits::hex::<6>(dice.roll()).as_str())
        }),
        Kind::LicensePlate => table("plates", 8_192, |dice| {
            LicencePlate(FR_FR).fake_with_rng(dice)
        }),
        Kind::Isbn => table("isbns", 8_192, |dice| Isbn13(EN).fake_with_rng(dice)),
        Kind::Semver => table("versions", 1_024, |dice| {
            SemverStable(EN).fake_with_rng(dice)
        }),
        Kind::Buzzword => list(EN::COMPANY_BUZZWORD_HEAD),
        Kind::CatchPhrase => Table::new(TITLES.iter().cloned()),
        Kind::Word => list(EN::LOREM_WORD),
        Kind::CreditCard => table("cards", 8_192, |dice| {
            CreditCardNumber(EN).fake_with_rng(dice)
        }),
        Kind::Department | Kind::ProductCategory => list(DEPARTMENTS),
        Kind::HttpMethod => list(&["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]),
        Kind::HttpStatus => list(HTTP_STATUSES),
        Kind::MonthName => list(MONTHS),
        Kind::WeekdayName => list(WEEKDAYS),
        Kind::SecondaryAddress => table("flats", 1_024, |dice| {
            SecondaryAddress(EN).fake_with_rng(dice)
        }),
        Kind::BuildingNumber => table("houses", 1_024, |dice| {
            BuildingNumber(EN).fake_with_rng(dice)
        }),
        Kind::CompanySuffix => list(EN::COMPANY_SUFFIX),
        Kind::NameTitle => list(EN::NAME_TITLE),
        // They are numbers, not words.
        Kind::Latitude | Kind::Longitude => list(&["0"]),
    }
}

/// Each once.
fn list(words: &[&str]) -> Table {
    let mut list: Vec<String> = Vec::new();
    for word in words {
        if !list.iter().any(|known| known == word) {
            list.push((*word).to_owned());
        }
    }
    Table::new(list)
}

const LANGUAGES: [(&str, &str); 24] = [
    ("ar", "Arabic"),
    ("bn", "Bengali"),
    ("cs", "Czech"),
    ("da", "Danish"),
    ("de", "German"),
    ("el", "Greek"),
    ("en", "English"),
    ("es", "Spanish"),
    ("fi", "Finnish"),
    ("fr", "French"),
    ("he", "Hebrew"),
    ("hi", "Hindi"),
    ("hu", "Hungarian"),
    ("it", "Italian"),
    ("ja", "Japanese"),
    ("ko", "Korean"),
    ("nl", "Dutch"),
    ("pl", "Polish"),
    ("pt", "Portuguese"),
    ("ro", "Romanian"),
    ("sv", "Swedish"),
    ("tr", "Turkish"),
    ("uk", "Ukrainian"),
    ("zh", "Chinese"),
];
const LOCALES: &[&str] = &[
    "ar_SA", "cs_CZ", "da_DK", "de_AT", "de_CH", "de_DE", "el_GR", "en_AU", "en_CA", "en_GB",
    "en_IE", "en_IN", "en_US", "es_ES", "es_MX", "fi_FI", "fr_BE", "fr_CA", "fr_FR", "he_IL",
    "hi_IN", "hu_HU", "it_IT", "ja_JP", "ko_KR", "nl_BE", "nl_NL", "pl_PL", "pt_BR", "pt_PT",
    "ro_RO", "sv_SE", "tr_TR", "uk_UA", "zh_CN", "zh_TW",
];
const COLOURS: &[&str] = &[
    "amber",
    "aqua",
    "azure",
    "beige",
    "black",
    "blue",
    "brown",
    "coral",
    "crimson",
    "cyan",
    "fuchsia",
    "gold",
    "gray",
    "green",
    "indigo",
    "ivory",
    "khaki",
    "lavender",
    "lime",
    "magenta",
    "maroon",
    "navy",
    "olive",
    "orange",
    "orchid",
    "pink",
    "plum",
    "purple",
    "red",
    "salmon",
    "sienna",
    "silver",
    "tan",
    "teal",
    "tomato",
    "turquoise",
    "violet",
    "white",
    "yellow",
];
const DEPARTMENTS: &[&str] = &[
    "Automotive",
    "Baby",
    "Beauty",
    "Books",
    "Clothing",
    "Computers",
    "Electronics",
    "Games",
    "Garden",
    "Grocery",
    "Health",
    "Home",
    "Industrial",
    "Jewelry",
    "Kids",
    "Movies",
    "Music",
    "Outdoors",
    "Shoes",
    "Sports",
    "Tools",
    "Toys",
];
const HTTP_STATUSES: &[&str] = &[
    "200", "201", "202", "204", "301", "302", "304", "307", "308", "400", "401", "403", "404",
    "405", "409", "410", "413", "415", "422", "429", "500", "501", "502", "503", "504",
];
const MONTHS: &[&str] = &[
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: &[&str] = &[
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];
