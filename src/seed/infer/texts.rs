//! What a text column holds, by its name and its table's.

use super::addresses;
use super::forms::{choice, fake, hex, literal, pattern, text, title};
use super::words::Words;
use crate::seed::generators::fake::Kind;
use crate::seed::generators::{
    GeneratorSpec, address, code, company, email, name, phone, product, uuid,
};

/// The generator that a name suggests for texts of at most `limit` characters; `None` where it says nothing.
pub(super) fn by_name(
    table: &Words,
    column: &Words,
    limit: Option<usize>,
) -> Option<GeneratorSpec> {
    let found = person(table, column)
        .or_else(|| secret(column, limit))
        .or_else(|| addresses::place(column, limit))
        .or_else(|| addresses::web(column, limit))
        .or_else(|| state(column))
        .or_else(|| thing(table, column, limit))?;
    Some(found)
}

fn person(table: &Words, column: &Words) -> Option<GeneratorSpec> {
    let joined = column.joined();
    let is = |names: &[&str]| names.contains(&joined.as_str());
    if column.has_any(&["email", "mail", "emails"])
        && !column.has_any(&["type", "status", "subject", "template", "body"])
    {
        return Some(GeneratorSpec::Email(email::Email::default()));
    }
    if is(&[
        "firstname",
        "givenname",
        "forename",
        "middlename",
        "fname",
        "nickname",
    ]) {
        return Some(GeneratorSpec::FirstName(name::FirstName {}));
    }
    if is(&["lastname", "surname", "familyname", "lname", "maidenname"]) {
        return Some(GeneratorSpec::LastName(name::LastName {}));
    }
    let names_a_person = column.has("name")
        && column.has_any(&[
            "full",
            "contact",
            "author",
            "customer",
            "owner",
            "sender",
            "recipient",
            "person",
            "billing",
            "shipping",
            "card",
            "holder",
        ]);
    let is_of_people = table.has_any(&[
        "people",
        "person",
        "persons",
        "contacts",
        "contact",
        "customers",
        "customer",
        "employees",
        "employee",
        "authors",
        "author",
        "patients",
        "students",
        "members",
        "actors",
    ]);
    if names_a_person
        || (is(&["name", "displayname"]) && is_of_people)
        || is(&["author", "realname", "displayname"])
    {
        return Some(GeneratorSpec::FullName(name::FullName {}));
    }
    if column.has_any(&[
        "phone",
        "telephone",
        "mobile",
        "fax",
        "tel",
        "cellphone",
        "msisdn",
    ]) {
        return Some(GeneratorSpec::Phone(phone::Phone {}));
    }
    None
}

/// Tokens, digests, identifiers: hexadecimal digits of the length that the name stands for.
fn secret(column: &Words, limit: Option<usize>) -> Option<GeneratorSpec> {
    let up_to = |length: usize| hex(limit.map_or(length, |limit| length.min(limit)).max(1));
    if column.has_any(&["uuid", "guid"]) && limit.is_none_or(|limit| limit >= 36) {
        return Some(GeneratorSpec::Uuid(uuid::Uuid {}));
    }
    if column.has("md5") {
        return Some(up_to(32));
    }
    if column.has_any(&["sha", "sha1", "commit", "revision"])
        && !column.has_any(&["message", "title", "count"])
    {
        return Some(up_to(40));
    }
    if column.has_any(&[
        "sha256",
        "hash",
        "checksum",
        "digest",
        "fingerprint",
        "etag",
    ]) {
        return Some(up_to(64));
    }
    if column.has_any(&["password", "passwd", "pwd"]) && !column.has_any(&["hint", "question"]) {
        return Some(match limit {
            Some(limit) if limit < 60 => hex(limit.max(1)),
            _ => pattern("\\$2a\\$12\\$[A-Za-z0-9./]{53}"),
        });
    }
    if column.has_any(&[
        "token",
        "secret",
        "nonce",
        "salt",
        "signature",
        "apikey",
        "otp",
        "jti",
        "sid",
    ]) || (column.has("key")
        && column.has_any(&[
            "api",
            "access",
            "secret",
            "private",
            "public",
            "session",
            "idempotency",
            "confirmation",
            "recovery",
            "consumer",
        ]))
        || column.joined() == "sessionid"
    {
        return Some(up_to(40));
    }
    None
}

/// Words of which a column has a few, again and again.
fn state(column: &Words) -> Option<GeneratorSpec> {
    let any = |words: &[&str]| Some(choice(words.iter().copied()));
    match column.last() {
        "status" | "state" => any(&["active", "pending", "completed", "failed", "cancelled"]),
        "role" | "permission" => any(&["member", "editor", "admin", "owner"]),
        "gender" | "sex" => any(&["f", "m"]),
        "priority" | "severity" | "level" => any(&["normal", "low", "high", "urgent"]),
        "visibility" | "privacy" => any(&["public", "private", "unlisted"]),
        "provider" => any(&["google", "github", "facebook", "saml"]),
        "kind" | "type" | "category" | "mode" | "scope" | "strategy" | "format" | "channel"
        | "source" | "method" | "event" | "action" => {
            any(&["standard", "custom", "system", "manual", "import"])
        }
        "environment" | "env" => any(&["production", "staging", "development"]),
        "size" => any(&["m", "s", "l", "xl"]),
        _ => None,
    }
}

fn thing(table: &Words, column: &Words, limit: Option<usize>) -> Option<GeneratorSpec> {
    let last = column.last();
    if column.has_any(&[
        "company",
        "organization",
        "organisation",
        "employer",
        "vendor",
        "supplier",
        "brand",
        "manufacturer",
    ]) && !column.has("id")
    {
        return Some(GeneratorSpec::Company(company::Company {}));
    }
    if matches!(last, "version") {
        return Some(fake(Kind::Semver, limit));
    }
    if column.has_any(&["isbn"]) {
        return Some(fake(Kind::Isbn, limit));
    }
    if column.joined() == "jobtitle" || column.has_any(&["occupation", "profession"]) {
        return Some(fake(Kind::JobTitle, limit));
    }
    if column.has("department") {
        return Some(fake(Kind::Department, limit));
    }
    if column.has("industry") {
        return Some(fake(Kind::Industry, limit));
    }
    if column.has_any(&[
        "sku",
        "code",
        "number",
        "reference",
        "ref",
        "barcode",
        "ean",
        "serial",
        "voucher",
        "coupon",
        "no",
    ]) {
        return Some(GeneratorSpec::Code(code::Code::default()));
    }
    prose(table, column, limit)
}

/// Names, titles and longer texts.
fn prose(table: &Words, column: &Words, limit: Option<usize>) -> Option<GeneratorSpec> {
    let last = column.last();
    let limited = |length: usize| limit.map_or(length, |limit| length.min(limit));
    if matches!(last, "name" | "label" | "displayname") || column.joined() == "title" {
        return Some(named(table, limit));
    }
    if matches!(
        last,
        "title" | "subject" | "headline" | "caption" | "heading"
    ) {
        return Some(title(limit));
    }
    if matches!(
        last,
        "description"
            | "body"
            | "content"
            | "text"
            | "bio"
            | "biography"
            | "message"
            | "comment"
            | "comments"
            | "note"
            | "notes"
            | "about"
            | "html"
            | "markdown"
            | "excerpt"
            | "summary"
            | "details"
            | "instructions"
    ) {
        return Some(text(limited(20), limited(400)));
    }
    if matches!(
        last,
        "reason" | "error" | "hint" | "tagline" | "motto" | "remark" | "remarks"
    ) {
        return Some(text(limited(10), limited(80)));
    }
    if matches!(last, "tag" | "keyword" | "word" | "term" | "topic") {
        return Some(fake(Kind::Word, limit));
    }
    None
}

/// What rows of a table are called.
fn named(table: &Words, limit: Option<usize>) -> GeneratorSpec {
    let is = |words: &[&str]| table.has_any(words);
    if is(&["users", "user"]) {
        GeneratorSpec::FullName(name::FullName {})
    } else if is(&[
        "companies",
        "company",
        "organizations",
        "organisations",
        "vendors",
        "suppliers",
        "brands",
        "tenants",
        "clients",
    ]) {
        GeneratorSpec::Company(company::Company {})
    } else if is(&["products", "product", "items", "variants", "articles"])
        && !is(&["categories", "category"])
    {
        GeneratorSpec::Product(product::Product {})
    } else if is(&["cities", "city", "towns"]) {
        GeneratorSpec::City(address::City {})
    } else if is(&["countries", "country"]) {
        fake(Kind::CountryName, limit)
    } else if is(&["states", "provinces", "regions"]) {
        fake(Kind::State, limit)
    } else if is(&["languages", "language"]) {
        fake(Kind::Language, limit)
    } else if is(&["currencies", "currency"]) {
        fake(Kind::CurrencyName, limit)
    } else if is(&["files", "attachments", "blobs", "uploads"]) {
        fake(Kind::FileName, limit)
    } else {
        title(limit)
    }
}

/// Texts of which the name says nothing.
pub(super) fn plain(limit: Option<usize>, default: Option<&str>) -> GeneratorSpec {
    match (default, limit) {
        // What has a default is, most of the time, one of a few.
        (Some(default), _) if !default.is_empty() && default.len() < 40 => literal([default]),
        (_, Some(limit)) if limit <= 8 => pattern(format!("[a-z0-9]{{{},{limit}}}", limit.min(3))),
        (_, Some(limit)) => text(3.min(limit), limit.min(60)),
        (_, None) => text(8, 60),
    }
}
