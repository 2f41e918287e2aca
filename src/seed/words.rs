//! Tables of words, made once by `fake`: generators pick from them by reference.

use std::sync::LazyLock;

use fake::Fake;
use fake::faker::address::raw::{CityName, StreetName};
use fake::faker::company::raw::CompanyName;
use fake::faker::lorem::raw::Sentence;
use fake::locales::{Data, EN};

use super::dice::{self, Dice};

pub const FIRST_NAMES: &[&str] = EN::NAME_FIRST_NAME;
pub const LAST_NAMES: &[&str] = EN::NAME_LAST_NAME;
pub const COUNTRY_CODES: &[&str] = EN::ADDRESS_COUNTRY_CODE;

pub static STREETS: LazyLock<Vec<String>> =
    LazyLock::new(|| table("streets", 4_096, |dice| StreetName(EN).fake_with_rng(dice)));
pub static CITIES: LazyLock<Vec<String>> =
    LazyLock::new(|| table("cities", 2_048, |dice| CityName(EN).fake_with_rng(dice)));
pub static COMPANIES: LazyLock<Vec<String>> = LazyLock::new(|| {
    table("companies", 4_096, |dice| {
        CompanyName(EN).fake_with_rng(dice)
    })
});
pub static SENTENCES: LazyLock<Vec<String>> = LazyLock::new(|| {
    table("sentences", 2_048, |dice| {
        Sentence(EN, 4..14).fake_with_rng(dice)
    })
});

/// The trade names of things that a shop sells: `fake` has none.
pub const ADJECTIVES: &[&str] = &[
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
];
pub const MATERIALS: &[&str] = &[
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
];
pub const PRODUCTS: &[&str] = &[
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
];

/// The words are the same under every seed: which of them a row gets is what a seed decides.
fn table(name: &str, len: usize, make: impl Fn(&mut Dice) -> String) -> Vec<String> {
    let mut dice = Dice::new(dice::key(0, name), 0);
    (0..len).map(|_| make(&mut dice)).collect()
}
