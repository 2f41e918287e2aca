//! How a server is set while a template is filled.

use super::Settings;

/// What makes seeding fast at the price of surviving a crash. None of it outlives the seeding.
pub(super) fn settings() -> Settings {
    [
        ("fsync", "off"),
        ("full_page_writes", "off"),
        ("synchronous_commit", "off"),
        ("wal_level", "minimal"),
        ("max_wal_senders", "0"),
        ("autovacuum", "off"),
        ("max_wal_size", "4GB"),
        ("checkpoint_timeout", "1h"),
        // WAL that is kept for reuse would be copied with every clone.
        ("wal_recycle", "off"),
        ("wal_init_zero", "off"),
        ("shared_buffers", "64MB"),
        ("maintenance_work_mem", "64MB"),
        ("max_parallel_maintenance_workers", "4"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}
