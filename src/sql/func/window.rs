//! Window functions proper, by name: what they answer, the executor computes (`sql::exec::window`).

use super::FuncDef;

/// What a window call computes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WindowKind {
    RowNumber,
    Rank,
    DenseRank,
    PercentRank,
    CumeDist,
    Ntile,
    Lag,
    Lead,
    FirstValue,
    LastValue,
    NthValue,
    /// An aggregate over the frame.
    Aggregate,
}

/// The kind of a call in a window; None: nothing known here.
pub fn kind(func: &FuncDef) -> Option<WindowKind> {
    if func.kind == b'a' {
        return Some(WindowKind::Aggregate);
    }
    Some(match func.name {
        "row_number" => WindowKind::RowNumber,
        "rank" => WindowKind::Rank,
        "dense_rank" => WindowKind::DenseRank,
        "percent_rank" => WindowKind::PercentRank,
        "cume_dist" => WindowKind::CumeDist,
        "ntile" => WindowKind::Ntile,
        "lag" => WindowKind::Lag,
        "lead" => WindowKind::Lead,
        "first_value" => WindowKind::FirstValue,
        "last_value" => WindowKind::LastValue,
        "nth_value" => WindowKind::NthValue,
        _ => return None,
    })
}
