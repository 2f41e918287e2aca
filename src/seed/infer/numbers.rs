//! What a number column holds, by its name.

use super::forms::{decimal, few, int, price, yes};
use super::words::Words;
use crate::seed::generators::GeneratorSpec;

const SECOND_2020: i64 = 1_577_836_800;
const SECOND_2026: i64 = 1_767_225_600;

/// Whole numbers up to `max`, the largest that the type takes. The second is whether the name said so.
pub(super) fn whole(column: &Words, max: i64) -> (GeneratorSpec, bool) {
    let upto = |limit: i64| limit.min(max);
    let says = |spec: GeneratorSpec| (spec, true);
    let last = column.last();
    let is_time = column.has_any(&["timestamp", "epoch", "unixtime"])
        || (column.ends_with_any(&["at", "time", "date"]) && max > SECOND_2026);
    if is_time && max > SECOND_2026 {
        let scale = if column.has_any(&["ms", "millis"]) {
            1_000
        } else {
            1
        };
        return says(int(SECOND_2020 * scale, SECOND_2026 * scale));
    }
    match last {
        "year" => return says(int(1990, 2026)),
        "month" => return says(int(1, 12)),
        "day" | "dom" => return says(int(1, 28)),
        "weekday" | "dow" => return says(int(0, 6)),
        "hour" => return says(int(0, 23)),
        "minute" | "second" => return says(int(0, 59)),
        "age" => return says(int(18, 90)),
        "port" => return says(int(1_024, upto(32_767))),
        "position" | "ordinal" | "rank" | "priority" | "sort" | "order" | "sequence" | "index"
        | "idx" | "line" | "step" | "weight" => {
            return says(few(1, upto(1_000), 0.6));
        }
        "version" => return says(few(1, upto(20), 1.0)),
        "status" | "state" | "type" | "kind" | "role" | "level" | "visibility" | "mode"
        | "category" => {
            return says(few(0, 4, 0.8));
        }
        "percent" | "percentage" | "progress" => return says(int(0, 100)),
        "rating" | "stars" => return says(int(1, 5)),
        "score" | "points" | "karma" | "reputation" => return says(few(0, upto(10_000), 0.7)),
        "quantity" | "qty" => return says(few(1, upto(50), 1.2)),
        "count" | "counter" | "total" | "views" | "likes" | "hits" | "attempts" | "retries"
        | "failures" | "usage" => {
            return says(few(0, upto(10_000), 1.0));
        }
        "width" | "height" => return says(int(16, upto(4_096))),
        "duration" | "timeout" | "interval" | "seconds" | "ms" | "latency" | "ttl" => {
            return says(few(1, upto(86_400), 0.8));
        }
        "latitude" | "lat" => return says(int(-90, 90)),
        "longitude" | "lng" | "lon" => return says(int(-180, 180)),
        _ => {}
    }
    if column.has("count") || column.has("counter") {
        return says(few(0, upto(10_000), 1.0));
    }
    if column.has_any(&[
        "cents", "amount", "price", "cost", "total", "balance", "fee",
    ]) {
        return says(few(100, upto(500_000), 0.5));
    }
    if column.has_any(&["bytes", "size", "length"]) {
        return says(few(1, upto(10_000_000), 0.5));
    }
    (int(1, upto(10_000)), false)
}

/// Numbers with `scale` digits after the point, below `limit`.
pub(super) fn fraction(column: &Words, limit: f64, scale: u8) -> (GeneratorSpec, bool) {
    let unit = 10f64.powi(-i32::from(scale));
    let upto = |max: f64| max.min(limit - unit).max(0.0);
    let between =
        |min: f64, max: f64| decimal(min.max(-upto(-min)).min(upto(max)), upto(max), scale);
    if column.has_any(&[
        "price", "amount", "total", "cost", "fee", "subtotal", "balance", "salary", "revenue",
        "charge", "tax", "discount", "value",
    ]) {
        // A price has cents: a column that takes fewer or more digits gets a plain number.
        let spec = if scale == 2 {
            price(upto(1.0), upto(2_000.0))
        } else {
            between(1.0, 2_000.0)
        };
        return (spec, true);
    }
    if column.has_any(&["latitude", "lat"]) {
        return (between(-90.0, 90.0), true);
    }
    if column.has_any(&["longitude", "lng", "lon"]) {
        return (between(-180.0, 180.0), true);
    }
    if column.has_any(&["percent", "percentage", "pct", "score"]) {
        return (between(0.0, 100.0), true);
    }
    if column.has_any(&[
        "rate",
        "ratio",
        "fraction",
        "probability",
        "factor",
        "confidence",
        "weight",
    ]) {
        return (between(0.0, 1.0), true);
    }
    if column.has_any(&["quantity", "qty"]) {
        return (between(1.0, 50.0), true);
    }
    (between(0.0, 1_000.0), false)
}

/// How often a flag is set.
pub(super) fn flag(column: &Words, default: Option<&str>) -> (GeneratorSpec, bool) {
    const RARE: [&str; 24] = [
        "deleted",
        "archived",
        "hidden",
        "locked",
        "blocked",
        "banned",
        "admin",
        "spam",
        "suspended",
        "disabled",
        "failed",
        "superuser",
        "staff",
        "closed",
        "cancelled",
        "canceled",
        "draft",
        "test",
        "internal",
        "sticky",
        "pinned",
        "featured",
        "flagged",
        "expired",
    ];
    const COMMON: [&str; 12] = [
        "active",
        "enabled",
        "visible",
        "published",
        "confirmed",
        "verified",
        "public",
        "approved",
        "valid",
        "available",
        "current",
        "open",
    ];
    if column.has_any(&RARE) {
        return (yes(0.05), true);
    }
    if column.has_any(&COMMON) {
        return (yes(0.85), true);
    }
    match default {
        Some("true") => (yes(0.85), false),
        Some("false") => (yes(0.15), false),
        _ => (yes(0.5), false),
    }
}
