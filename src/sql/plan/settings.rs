//! The settings the planner looks at, with PostgreSQL's names and defaults.

use crate::settings::{Id, Lookup, View};
use crate::sql::bind::Names;
use crate::types::IoContext;

/// PostgreSQL 15's planner settings.
#[derive(Clone, Debug)]
pub struct PlannerSettings {
    pub seq_page_cost: f64,
    pub random_page_cost: f64,
    pub cpu_tuple_cost: f64,
    pub cpu_index_tuple_cost: f64,
    pub cpu_operator_cost: f64,
    /// In pages of 8 KiB.
    pub effective_cache_size: f64,
    pub work_mem_kb: f64,
    pub hash_mem_multiplier: f64,
    pub enable_seqscan: bool,
    pub enable_indexscan: bool,
    pub enable_indexonlyscan: bool,
    pub enable_bitmapscan: bool,
    pub enable_tidscan: bool,
    pub enable_nestloop: bool,
    pub enable_hashjoin: bool,
    pub enable_mergejoin: bool,
    pub enable_hashagg: bool,
    pub enable_sort: bool,
    pub enable_incremental_sort: bool,
    pub enable_material: bool,
    pub enable_memoize: bool,
    pub enable_partition_pruning: bool,
    pub constraint_exclusion: Exclusion,
    pub recursive_worktable_factor: f64,
    pub from_collapse_limit: usize,
    pub join_collapse_limit: usize,
    pub cursor_tuple_fraction: f64,
}

/// Whose CHECK constraints are looked at (`constraint_exclusion`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exclusion {
    Off,
    /// Those of the members of trees.
    Partition,
    On,
}

impl Default for PlannerSettings {
    fn default() -> PlannerSettings {
        PlannerSettings {
            seq_page_cost: 1.0,
            random_page_cost: 4.0,
            cpu_tuple_cost: 0.01,
            cpu_index_tuple_cost: 0.005,
            cpu_operator_cost: 0.0025,
            effective_cache_size: 524_288.0,
            work_mem_kb: 4096.0,
            hash_mem_multiplier: 2.0,
            enable_seqscan: true,
            enable_indexscan: true,
            enable_indexonlyscan: true,
            enable_bitmapscan: true,
            enable_tidscan: true,
            enable_nestloop: true,
            enable_hashjoin: true,
            enable_mergejoin: true,
            enable_hashagg: true,
            enable_sort: true,
            enable_incremental_sort: true,
            enable_material: true,
            enable_memoize: true,
            enable_partition_pruning: true,
            constraint_exclusion: Exclusion::Partition,
            recursive_worktable_factor: 10.0,
            from_collapse_limit: 8,
            join_collapse_limit: 8,
            cursor_tuple_fraction: 0.1,
        }
    }
}

impl PlannerSettings {
    /// As the session's settings say.
    pub fn of(view: &View) -> PlannerSettings {
        PlannerSettings {
            seq_page_cost: view.real(Id::SeqPageCost),
            random_page_cost: view.real(Id::RandomPageCost),
            cpu_tuple_cost: view.real(Id::CpuTupleCost),
            cpu_index_tuple_cost: view.real(Id::CpuIndexTupleCost),
            cpu_operator_cost: view.real(Id::CpuOperatorCost),
            effective_cache_size: view.int(Id::EffectiveCacheSize) as f64,
            work_mem_kb: view.int(Id::WorkMem) as f64,
            hash_mem_multiplier: view.real(Id::HashMemMultiplier),
            enable_seqscan: view.bool(Id::EnableSeqscan),
            enable_indexscan: view.bool(Id::EnableIndexscan),
            enable_indexonlyscan: view.bool(Id::EnableIndexonlyscan),
            enable_bitmapscan: view.bool(Id::EnableBitmapscan),
            enable_tidscan: view.bool(Id::EnableTidscan),
            enable_nestloop: view.bool(Id::EnableNestloop),
            enable_hashjoin: view.bool(Id::EnableHashjoin),
            enable_mergejoin: view.bool(Id::EnableMergejoin),
            enable_hashagg: view.bool(Id::EnableHashagg),
            enable_sort: view.bool(Id::EnableSort),
            enable_incremental_sort: view.bool(Id::EnableIncrementalSort),
            enable_material: view.bool(Id::EnableMaterial),
            enable_memoize: view.bool(Id::EnableMemoize),
            enable_partition_pruning: view.bool(Id::EnablePartitionPruning),
            constraint_exclusion: match view.choice(Id::ConstraintExclusion) {
                "on" => Exclusion::On,
                "partition" => Exclusion::Partition,
                _ => Exclusion::Off,
            },
            recursive_worktable_factor: view.real(Id::RecursiveWorktableFactor),
            from_collapse_limit: view.int(Id::FromCollapseLimit) as usize,
            join_collapse_limit: view.int(Id::JoinCollapseLimit) as usize,
            cursor_tuple_fraction: view.real(Id::CursorTupleFraction),
        }
    }
}

/// What a query is planned against.
pub struct PlanContext<'a> {
    pub names: &'a dyn Names,
    pub io: &'a IoContext,
    pub settings: &'a PlannerSettings,
    /// Types of the client's parameters, after binding.
    pub params: &'a [crate::types::TypeRef],
}

/// Added to the cost of what an `enable_*` setting turned off (PostgreSQL 15, costsize.c, disable_cost).
pub(super) const DISABLED: f64 = 1.0e10;
