//! Tables of words, made once by `fake`: generators pick from them by reference.

mod kinds;
mod table;

use std::collections::HashSet;
use std::sync::LazyLock;

use fake::Fake;
use fake::faker::address::raw::{CityName, StreetName};
use fake::faker::company::raw::{CatchPhrase, CompanyName};
use fake::faker::lorem::raw::Sentence;
use fake::locales::{Data, EN};

use super::dice::{self, Dice};

pub use kinds::of;
pub use table::Table;

pub static FIRST_NAMES: LazyLock<Table> =
    LazyLock::new(|| Table::new(EN::NAME_FIRST_NAME.iter().copied()));
pub static LAST_NAMES: LazyLock<Table> =
    LazyLock::new(|| Table::new(EN::NAME_LAST_NAME.iter().copied()));
pub static COUNTRY_CODES: LazyLock<Table> =
    LazyLock::new(|| Table::new(EN::ADDRESS_COUNTRY_CODE.iter().copied()));

pub static STREETS: LazyLock<Table> =
    LazyLock::new(|| table("streets", 4_096, |dice| StreetName(EN).fake_with_rng(dice)));
pub static CITIES: LazyLock<Table> =
    LazyLock::new(|| table("cities", 2_048, |dice| CityName(EN).fake_with_rng(dice)));
pub static COMPANIES: LazyLock<Table> = LazyLock::new(|| {
    table("companies", 4_096, |dice| {
        CompanyName(EN).fake_with_rng(dice)
    })
});
pub static SENTENCES: LazyLock<Table> = LazyLock::new(|| {
    table("sentences", 2_048, |dice| {
        Sentence(EN, 4..14).fake_with_rng(dice)
    })
});

/// What pages are called.
pub static TITLES: LazyLock<Table> = LazyLock::new(|| {
    table("titles", 4_096, |dice| {
        let title: String = CatchPhrase(EN).fake_with_rng(dice);
        let mut chars = title.chars();
        let first = chars.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(chars).collect()
    })
});
/// The same as addresses say them, in the same order.
pub static SLUGS: LazyLock<Table> = LazyLock::new(|| slugs(&TITLES));
/// The names of companies as addresses say them, in the same order.
pub static HOSTS: LazyLock<Table> = LazyLock::new(|| slugs(&COMPANIES));
/// Different words in small letters, as a text search keeps them.
pub static LEXEMES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let words = TITLES.iter().flat_map(|title| title.split([' ', '-', '/']));
    let words = words.chain(EN::LOREM_WORD.iter().copied());
    let words = words.map(str::to_ascii_lowercase);
    let words = words.filter(|word| word.chars().all(|char| char.is_ascii_lowercase()));
    let mut known = HashSet::new();
    words
        .filter(|word| word.len() > 2 && known.insert(word.clone()))
        .collect()
});

/// The trade names of things that a shop sells: `fake` has none.
pub static ADJECTIVES: LazyLock<Table> = LazyLock::new(|| {
    Table::new([
        "Awesome",
        "Compact",
        "Classic",
        "Durable",
        "Elegant",
        "Enormous",
        "Ergonomic",
        "Fantastic",
        "Foldable",
        "Gorgeous",
        "Handmade",
        "Heavy Duty",
        "Incredible",
        "Intelligent",
        "Licensed",
        "Lightweight",
        "Mediocre",
        "Modern",
        "Practical",
        "Premium",
        "Recycled",
        "Refined",
        "Rustic",
        "Sleek",
        "Small",
        "Tasty",
        "Unbranded",
        "Vintage",
    ])
});
pub static MATERIALS: LazyLock<Table> = LazyLock::new(|| {
    Table::new([
        "Aluminium",
        "Bamboo",
        "Bronze",
        "Ceramic",
        "Concrete",
        "Copper",
        "Cork",
        "Cotton",
        "Felt",
        "Glass",
        "Granite",
        "Leather",
        "Linen",
        "Marble",
        "Oak",
        "Paper",
        "Plastic",
        "Rubber",
        "Silk",
        "Steel",
        "Walnut",
        "Wool",
    ])
});
pub static PRODUCTS: LazyLock<Table> = LazyLock::new(|| {
    Table::new([
        "Backpack",
        "Bench",
        "Blanket",
        "Bottle",
        "Bowl",
        "Chair",
        "Clock",
        "Coat",
        "Desk",
        "Gloves",
        "Hat",
        "Headphones",
        "Keyboard",
        "Knife",
        "Lamp",
        "Mouse",
        "Mug",
        "Pan",
        "Pillow",
        "Plate",
        "Rug",
        "Scarf",
        "Shelf",
        "Shirt",
        "Shoes",
        "Speaker",
        "Stool",
        "Table",
        "Tent",
        "Towels",
        "Trousers",
        "Vase",
        "Wallet",
        "Watch",
    ])
});

/// Different words, at most so many. They are the same under every seed: which of them a row gets is
/// what a seed decides.
fn table(name: &str, len: usize, make: impl Fn(&mut Dice) -> String) -> Table {
    let mut dice = Dice::new(dice::key(0, name), 0);
    let mut known = HashSet::new();
    let words = (0..len).map(|_| make(&mut dice));
    Table::new(words.filter(|word| known.insert(word.clone())))
}

/// Small letters and digits with hyphens between.
fn slugs(texts: &Table) -> Table {
    let slug = |text: &String| {
        let parts = text.split(|char: char| !char.is_ascii_alphanumeric());
        let parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
        parts.join("-").to_ascii_lowercase()
    };
    Table::new(texts.iter().map(slug))
}
