//! Columns of addresses: where people are, and where things are.

use super::forms::{domain, fake, pattern, slug, url, username};
use super::words::Words;
use crate::seed::generators::fake::Kind;
use crate::seed::generators::{GeneratorSpec, address};

/// Where people are: streets, cities, countries, and what goes with these.
pub(super) fn place(column: &Words, limit: Option<usize>) -> Option<GeneratorSpec> {
    let joined = column.joined();
    if column.has_any(&["street", "address1", "addressline1", "streetaddress"])
        || joined.ends_with("addressline1")
        || joined == "address"
        || joined == "line1"
    {
        return Some(GeneratorSpec::Street(address::Street {}));
    }
    if column.has_any(&["address2", "line2"]) || column.has("apartment") {
        return Some(fake(Kind::SecondaryAddress, limit));
    }
    if column.has_any(&["city", "town", "municipality"]) {
        return Some(GeneratorSpec::City(address::City {}));
    }
    if column.has_any(&["postcode", "zip", "zipcode", "postalcode"]) || column.has("postal") {
        return Some(GeneratorSpec::Postcode(address::Postcode {}));
    }
    if column.has_any(&["country", "nationality"]) {
        return Some(
            if limit.is_some_and(|limit| limit < 12) || column.has_any(&["code", "iso"]) {
                GeneratorSpec::Country(address::Country {})
            } else {
                fake(Kind::CountryName, limit)
            },
        );
    }
    if column.has_any(&["province", "region", "county"]) {
        return Some(fake(Kind::State, limit));
    }
    if column.has_any(&["locale", "culture"]) {
        return Some(fake(Kind::Locale, limit));
    }
    if column.has_any(&["language", "lang"]) {
        return Some(fake(Kind::LanguageCode, limit));
    }
    if column.has_any(&["timezone", "tz"]) || joined.ends_with("timezone") {
        return Some(fake(Kind::TimeZone, limit));
    }
    if column.has("currency") {
        return Some(if column.has("name") {
            fake(Kind::CurrencyName, limit)
        } else {
            fake(Kind::CurrencyCode, limit)
        });
    }
    if column.has_any(&["latitude", "lat"]) {
        return Some(fake(Kind::Latitude, None));
    }
    if column.has_any(&["longitude", "lng", "lon"]) {
        return Some(fake(Kind::Longitude, None));
    }
    None
}

/// Where things are: pages, hosts, files.
pub(super) fn web(column: &Words, limit: Option<usize>) -> Option<GeneratorSpec> {
    if column.has_any(&[
        "url",
        "uri",
        "href",
        "link",
        "website",
        "homepage",
        "endpoint",
        "webhook",
        "avatar",
        "permalink",
        "referrer",
        "referer",
        "image",
    ]) && !column.has_any(&["type", "text", "name", "title", "alt", "status", "key"])
    {
        return Some(url(limit));
    }
    if column.has_any(&["domain", "host", "hostname", "subdomain", "fqdn"]) {
        return Some(domain(limit));
    }
    if column.has("ip") || column.joined().ends_with("ipaddress") {
        return Some(ips());
    }
    if column.joined().contains("useragent") {
        return Some(fake(Kind::UserAgent, limit));
    }
    if column.has_any(&["slug", "handle", "permalink", "path", "identifier"]) && !column.has("file")
    {
        return Some(slug(limit));
    }
    if column.has_any(&["username", "login", "screenname", "loginname"])
        || matches!(column.joined().as_str(), "username" | "screenname")
    {
        return Some(username(limit));
    }
    if column.has_any(&["mime", "mimetype"]) || (column.has("content") && column.has("type")) {
        return Some(fake(Kind::MimeType, limit));
    }
    if column.has_any(&["filename", "file", "attachment"])
        && !column.has_any(&["type", "size", "hash"])
    {
        return Some(if column.has("path") {
            fake(Kind::FilePath, limit)
        } else {
            fake(Kind::FileName, limit)
        });
    }
    if column.has_any(&["extension", "ext"]) {
        return Some(fake(Kind::FileExtension, limit));
    }
    if column.has_any(&["colour", "color"]) {
        return Some(fake(Kind::ColourHex, limit));
    }
    if column.joined() == "httpmethod" || column.joined() == "requestmethod" {
        return Some(fake(Kind::HttpMethod, limit));
    }
    None
}

/// Addresses of the network 10.
fn ips() -> GeneratorSpec {
    pattern("10\\.[1-9][0-9]?\\.[1-9][0-9]?\\.[1-9][0-9]?")
}
