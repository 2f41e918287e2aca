//! Adversaries, and what a step does about locks that it does not get.

use std::time::Duration;

use super::*;

#[test]
fn an_adversary_is_held_against_the_schema() {
    check(
        "[[adversaries]]\nkind = \"idle_in_transaction\"\nsql = \"SELECT * FROM order_\"\nhold_ms = 5\n",
        &[
            "scenario.toml:7: adversaries[0].sql = \"SELECT * FROM order_\": no table `order_` in the dataset; did you mean `orders`?",
        ],
    );
}

#[test]
fn an_adversary_has_the_keys_of_its_kind() {
    check(
        "[[adversaries]]\nkind = \"snapsho\"\nhold_ms = 5\n",
        &[
            "scenario.toml:6: adversaries[0].kind = \"snapsho\": unknown name `snapsho`; did you mean `snapshot`?",
        ],
    );
    check(
        "[[adversaries]]\nkind = \"snapshot\"\nsql = \"SELECT 1\"\nhold = 5\n",
        &[
            "scenario.toml:8: adversaries[0].hold: unknown key `hold`; known: kind, sql, table, hold_ms, count",
            "scenario.toml:5: adversaries[0].hold_ms: the key `hold_ms` is missing",
            "scenario.toml:7: adversaries[0].sql = \"SELECT 1\": an adversary of this kind has no `sql`",
        ],
    );
    check(
        "[[adversaries]]\nkind = \"wraparound_vacuum\"\ntable = \"order\"\nhold_ms = 5\n",
        &[
            "scenario.toml:7: adversaries[0].table = \"order\": no table `order` in the dataset; did you mean `orders`?",
        ],
    );
    check(
        "[[adversaries]]\nkind = \"long_transaction\"\nsql = \"SELECT 1\"\nhold_ms = \"5\"\n",
        &[
            "scenario.toml:8: adversaries[0].hold_ms = \"5\": expected a whole number from 0, found a string",
        ],
    );
    check(
        "[[adversaries]]\nkind = \"long_transaction\"\nsql = \"SELECT id FROM orders WHERE id = $1\"\nhold_ms = 5\n",
        &[
            "scenario.toml:7: adversaries[0].sql = \"SELECT id FROM orders WHERE id = $1\": there is no value for $1",
            "scenario.toml:7: adversaries[0].sql = \"SELECT id FROM orders WHERE id = $1\": a long transaction has written, and this only reads; a reader that stays is kind = \"idle_in_transaction\"",
        ],
    );
    check(
        "[[adversaries]]\nkind = \"migrators\"\ncount = 0\n",
        &[
            "scenario.toml:7: adversaries[0].count = 0: must be from 1 to 100; it counts those beside the step's own",
        ],
    );
}

#[test]
fn every_adversary_of_the_schema_is_read() {
    let schema = crate::plan::scenario_schema();
    let kinds = schema["$defs"]["Adversary"]["oneOf"].as_array().unwrap();
    let mut written = String::new();
    for kind in kinds {
        written += "[[adversaries]]\n";
        for (key, property) in kind["properties"].as_object().unwrap() {
            assert!(
                property["description"].is_string() || key == "kind",
                "{key}"
            );
            let value = match key.as_str() {
                "kind" => property["const"].clone(),
                "sql" => "UPDATE orders SET status = 'paid' WHERE id = 1".into(),
                "table" => "orders".into(),
                _ => 5.into(),
            };
            written += &format!("{key} = {value}\n");
        }
    }
    let bench = Bench::new(&format!("{SCENARIO}{written}"));
    let plan = bench.plan(&bench.args());
    assert_eq!(plan.rehearse.adversaries.len(), kinds.len());
    assert_eq!(plan.rehearse.further_migrators(), 5);
}

#[test]
fn what_a_step_does_about_locks_is_held_against_the_step() {
    check(
        "lock_timeout_ms = 0\n[[steps]]\nwait = \"1s\"\nretries = 3\n[[steps]]\nmigrate = \"up.sql\"\nbackoff_ms = 5\n[[steps]]\nmigrate = \"up.sql\"\nlock_timeout_ms = 3_000_000_000\n",
        &[
            "scenario.toml:5: steps[0].lock_timeout_ms = 0: must be at least 1; leave it out to wait until the lock comes",
            "scenario.toml:8: steps[1].retries = 3: only a migrate step has retries",
            "scenario.toml:11: steps[2].backoff_ms = 5: there is no retry to wait for; add retries, or leave it out",
            "scenario.toml:14: steps[3].lock_timeout_ms = 3_000_000_000: Postgres takes at most 2147483647",
        ],
    );
    let bench = Bench::new(&format!("{SCENARIO}lock_timeout_ms = 50\nretries = 3\n"));
    let [Step::Migrate(migrate)] = &bench.plan(&bench.args()).rehearse.steps[..] else {
        panic!("one step");
    };
    assert_eq!(migrate.lock_timeout, Some(Duration::from_millis(50)));
    assert_eq!(
        (migrate.retries, migrate.pause_after(1)),
        (3, Duration::from_millis(100))
    );
}
