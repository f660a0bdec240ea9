//! Policies that name what is renamed follow, as views do (`rename_views`).

use super::known::Reads;
use super::rename_readers::{Renamed, Target};
use super::stored_text;
use super::write::change;
use crate::base::{Error, Oid, Result};
use crate::catalog::Policy;
use crate::catalog::object::class;
use crate::sql::bind::scope::Clause;
use crate::sql::bind::{self, BindContext, Names, Written, parse_expression};
use crate::sql::exec::ExecContext;
use crate::sql::expr::Expr;
use std::sync::Arc;

/// A policy that has to do with what is to be renamed, as it was bound before.
pub struct Reader {
    table: Oid,
    policy: Policy,
    using: Option<Expr>,
    check: Option<Expr>,
}

/// The policies that name what is renamed, and a relation's own.
///
/// # Errors
/// 0A000 for one that cannot be bound.
pub fn readers(cx: &mut ExecContext, target: Target<'_>) -> Result<Vec<Reader>> {
    let (catalog, io) = (cx.backend()?.catalog.clone(), cx.fx.io.clone());
    let mut found = Vec::new();
    for record in target.candidates(&catalog, class::RELATION) {
        let Ok(c) = record.object.as_class() else { continue };
        for p in &c.policies {
            let texts = p.using.iter().chain(&p.check).map(|t| &**t);
            let named = target.concerns(&catalog, &p.depends, &p.kept, texts);
            if !named && !target.has(c.oid, &p.kept) {
                continue;
            }
            let Some(rel) = catalog.relation(c.oid)? else { continue };
            let written = Written(&*catalog);
            let names = written.along(&p.kept);
            let bound = |text: &Option<Arc<str>>| -> Result<Option<Expr>> {
                let Some(text) = text else { return Ok(None) };
                let mut bcx = BindContext { names: &*names, io: &io, text, params: Vec::new(), infer_params: false };
                let e = bind::bind_condition(&mut bcx, &parse_expression(text)?, &rel, Clause::Policy);
                e.map(Some).map_err(|_| refused(&p.name))
            };
            found.push(Reader { table: c.oid, policy: p.clone(), using: bound(&p.using)?, check: bound(&p.check)? });
        }
    }
    Ok(found)
}

/// Gives the policies their new texts, after the relation got its new names.
///
/// # Errors
/// 0A000 for one that cannot be written out.
pub fn follow(cx: &mut ExecContext, renamed: &Renamed<'_>, readers: Vec<Reader>) -> Result<()> {
    let Renamed { catalog, look, .. } = renamed;
    for Reader { table, policy, using, check } in readers {
        let Some(rel) = catalog.relation(table)? else { continue };
        let mut reads = Reads::default();
        reads.relation(table);
        reads.depends(&policy.depends);
        let mut text = |e: Option<Expr>| -> Result<Option<Arc<str>>> {
            let Some(mut e) = e else { return Ok(None) };
            reads.expression(&mut e);
            let shown = look.written_expression(&e, &rel).ok_or_else(|| refused(&policy.name))?;
            stored_text::text_of(cx, &stored_text::parse(&shown)?, None).map(Some)
        };
        let (using, check) = (text(using)?, text(check)?);
        let kept = reads.kept_again(cx, &policy.kept)?;
        change(cx, table, |c| {
            for p in c.policies.iter_mut().filter(|p| p.oid == policy.oid) {
                (p.using, p.check, p.kept) = (using.clone(), check.clone(), kept.clone());
            }
        })?;
    }
    Ok(())
}

fn refused(policy: &str) -> Error {
    Error::unsupported(format!("renaming what policy \"{policy}\" depends on is not supported"))
}
