//! Lines as the server writes them, whole and cut.

use super::*;

const LOG: &str = r#"2026-11-21 02:00:00.110 UTC,"pgrehearse_load","app",42,"[local]",6.2a,1,"SELECT waiting",2026-11-21 02:00:00 UTC,3/4,0,LOG,00000,"process 42 still waiting for AccessShareLock on relation 16390 of database 16384 after 10.050 ms","Process holding the lock: 7. Wait queue: 8, 42, 43.",,,,"x","SELECT ""a""
FROM t",,,"pgrehearse load","client backend",,0
2026-11-21 02:00:01.000 UTC,"pgrehearse_load","app",42,"[local]",6.2a,2,"SELECT waiting",2026-11-21 02:00:00 UTC,3/4,0,LOG,00000,"process 42 acquired AccessShareLock on relation 16390 of database 16384 after 900.120 ms",,,,,"x","SELECT ""a""
FROM t",,,"pgrehearse load","client backend",,0
2026-11-21 02:00:02.010 UTC,"pgrehearse_load","app",43,"[local]",6.2b,1,"UPDATE waiting",2026-11-21 02:00:00 UTC,3/5,0,LOG,00000,"process 43 still waiting for ShareLock on transaction 756 after 10.001 ms","Processes holding the lock: 7, 9. Wait queue: 43.",,,,,"UPDATE t",,,"pgrehearse load","client backend",,0
2026-11-21 02:00:02.500 UTC,"pgrehearse_load","app",43,"[local]",6.2b,2,"UPDATE waiting",2026-11-21 02:00:00 UTC,3/5,0,ERROR,57014,"canceling statement due to user request",,,,,,"UPDATE t",,,"pgrehearse load","client backend",,0
"#;

fn clock() -> Clock {
    Clock::starting_at("2026-11-21T02:00:00Z".parse().unwrap())
}

fn read(chunks: &[usize]) -> Vec<Wait> {
    let mut reading = LogReading::new(clock());
    let (mut pending, mut from) = (Vec::new(), 0);
    for end in chunks.iter().copied().chain([LOG.len()]) {
        pending.extend_from_slice(&LOG.as_bytes()[from..end]);
        from = end;
        let consumed = reading.take_in(&pending, end == LOG.len()).unwrap();
        pending.drain(..consumed);
    }
    reading.finish(At(3_000_000))
}

#[test]
fn a_wait_has_its_exact_length_and_who_held_and_queued() {
    let waits = read(&[]);
    assert_eq!(waits.len(), 2);
    let wait = &waits[0];
    assert_eq!(
        (wait.pid, wait.mode, wait.target),
        (42, LockMode::AccessShareLock, Target::Relation(16390))
    );
    assert_eq!((wait.waited_ms, wait.started), (900.12, At(99_880)));
    assert_eq!(
        (&wait.holders[..], &wait.queue_before[..]),
        (&[7][..], &[8][..])
    );
    assert_eq!(wait.sql, "SELECT \"a\"\nFROM t");
    assert_eq!(wait.end, WaitEnd::Granted);
}

#[test]
fn a_wait_that_was_cancelled_ends_with_its_error() {
    let wait = &read(&[])[1];
    assert_eq!(wait.end, WaitEnd::Failed("57014".parse().unwrap()));
    assert_eq!(wait.target, Target::Transaction);
    assert_eq!(wait.holders, [7, 9]);
    assert!((wait.waited_ms - 500.0).abs() < 1.1, "{}", wait.waited_ms);
}

#[test]
fn a_line_cut_at_any_place_is_read_whole() {
    for cut in 1..LOG.len() - 1 {
        assert_eq!(read(&[cut]), read(&[]), "cut at {cut}");
    }
}

#[test]
fn a_tuple_names_its_relation() {
    assert_eq!(
        Target::parse("tuple (0,1) of relation 99 of database 5"),
        Target::Tuple(99)
    );
    assert_eq!(Target::parse("virtual transaction 3/4"), Target::Other);
}

#[test]
fn a_crash_of_the_server_ends_all_waits() {
    let waiting = LOG.lines().take(2).collect::<Vec<_>>().join("\n");
    let crash = r#"2026-11-21 02:00:00.600 UTC,,,1,,6.1,9,,2026-11-21 02:00:00 UTC,,0,LOG,00000,"terminating any other active server processes",,,,,,,,,"","postmaster",,0"#;
    let mut reading = LogReading::new(clock());
    let log = format!("{waiting}\n{crash}\n");
    reading.take_in(log.as_bytes(), true).unwrap();
    let waits = reading.finish(At(9_000_000));
    assert_eq!(waits.len(), 1);
    assert_eq!(waits[0].waited_ms, 500.05);
}
