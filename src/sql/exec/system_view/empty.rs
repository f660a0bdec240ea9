//! Relations that have no rows, because the server has no objects of their kind: no triggers, no publications, no
//! extensions, … Each name stands here on purpose; what could hold rows has a generator.

use super::View;

macro_rules! empty {
    ($($name:literal),* $(,)?) => {
        &[$(View { name: $name, rows: |_, _| Ok(()) }),*]
    };
}

/// Of relations that can have no rows.
pub(super) static NOTHING: View = View { name: "", rows: |_, _| Ok(()) };

pub(super) const VIEWS: &[View] = empty![
    // Objects that cannot be made here.
    "pg_foreign_table",
    "pg_stats_ext_exprs",
    "pg_parameter_acl",
    "pg_transform",
    "pg_seclabel",
    "pg_shseclabel",
    "pg_seclabels",
    // Of information_schema: foreign tables and transforms.
    "transforms",
    "_pg_foreign_table_columns",
    "_pg_foreign_tables",
    "column_options",
    "foreign_table_options",
    "foreign_tables",
    // No replication, logical or physical.
    "pg_replication_origin",
    "pg_replication_origin_status",
    "pg_replication_slots",
    "pg_subscription",
    "pg_subscription_rel",
    "pg_stat_replication",
    "pg_stat_replication_slots",
    "pg_stat_wal_receiver",
    "pg_stat_subscription",
    "pg_stat_subscription_stats",
    "pg_stat_progress_basebackup",
    // Memory is not divided like that here.
    "pg_shmem_allocations",
    "pg_backend_memory_contexts",
    // No prefetching in recovery.
    "pg_stat_recovery_prefetch",
];
