//! The collations a query's columns have, for relations made of them.

use super::Command;
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::Attribute;
use crate::sql::ast::Stmt;
use crate::sql::bind::{self, BindContext, Written};
use crate::sql::exec::ExecContext;
use crate::types;

/// Declares the columns of a new relation with the collations of the query they come from.
///
/// # Errors
/// 42P22 where those disagree.
pub fn declare(
    cmd: &Command,
    cx: &mut ExecContext,
    query: &Stmt,
    attributes: &mut [Attribute],
    view: bool,
) -> Result<()> {
    if !attributes.iter().any(|a| own_collation(a.ty.oid).is_valid()) {
        return Ok(());
    }
    let catalog = cx.backend()?.catalog.clone();
    let scoped = cmd.scoped(&*catalog, cx);
    let names = Written(&scoped);
    let params = cmd.param_types.clone();
    let mut bcx = BindContext { names: &names, io: &cx.fx.io, text: &cmd.source, params, infer_params: false };
    let mut bound = bind::bind_unsecured(&mut bcx, query)?;
    let found = bind::output_collations(&names, &mut bound)?;
    for (a, found) in attributes.iter_mut().zip(found) {
        let own = own_collation(a.ty.oid);
        if own.is_valid() && !found.is_valid() {
            let text = match view {
                true => format!("could not determine which collation to use for view column \"{}\"", a.name),
                false => {
                    let ty = types::format_type(a.ty.oid, -1, &*cx.fx.io.hooks);
                    format!("no collation was derived for column \"{}\" with collatable type {ty}", a.name)
                }
            };
            let hint = "Use the COLLATE clause to set the collation explicitly.";
            return Err(Error::new(SqlState::INDETERMINATE_COLLATION, text).hint(hint));
        }
        if own.is_valid() && found != own {
            a.declared.collation = found;
        }
    }
    Ok(())
}

fn own_collation(ty: Oid) -> Oid {
    types::info(ty).map_or(Oid::INVALID, |i| i.collation)
}
