//! `pg_column_size` and `pg_column_compression` of a table's column tell how the row stores the value: they are columns of
//! the scan, since values leave it unpacked.

use crate::base::Oid;
use crate::catalog::{RelKind, Relation};
use crate::heap::Fact;
use crate::sql::bind::{Query, Source};
use crate::sql::expr::ExprKind;

const PG_COLUMN_SIZE: Oid = Oid(1269);
const PG_COLUMN_COMPRESSION: Oid = Oid(2121);

fn has_rows(rel: &Relation) -> bool {
    rel.generated_by.is_none() && matches!(rel.kind, RelKind::Table | RelKind::MatView | RelKind::Partitioned)
}

/// Puts such columns in place of the calls.
pub(super) fn read_stored(query: &mut Query) {
    let of = |source: &Source| matches!(source, Source::Table { rel, .. } if has_rows(rel));
    let tables: Vec<bool> = query.rels.iter().map(|r| of(&r.source)).collect();
    if query.write.is_some() || !tables.contains(&true) {
        return;
    }
    query.walk_mut(0, &mut |call, depth| {
        let ExprKind::Func { func, args, .. } = &call.kind else { return };
        let fact = match func.oid {
            PG_COLUMN_SIZE => Fact::Size,
            PG_COLUMN_COMPRESSION => Fact::Method,
            _ => return,
        };
        if let [arg] = args.as_slice()
            && let ExprKind::Var { rel, attno: attno @ 1.., levels_up } = arg.kind
            && levels_up == depth
            && tables.get(rel) == Some(&true)
        {
            call.kind = ExprKind::Var { rel, attno: fact.about(attno), levels_up };
        }
    });
}
