//! Bodies in SQL that are kept by what they mean (BEGIN ATOMIC, RETURN) follow when what they name is renamed, as views
//! do (`rename_views`).

use super::known::Reads;
use super::rename_readers::{Renamed, Target};
use super::write::put;
use crate::base::{Error, Result};
use crate::catalog::Object;
use crate::catalog::object::{Function, class};
use crate::sql::bind::Query;
use crate::sql::exec::ExecContext;
use crate::sql::exec::system::define::Look;

/// A function whose body has to do with what is renamed, as it was bound before.
pub struct Reader {
    function: Function,
    body: Vec<Query>,
}

/// The functions and procedures that name it, and itself.
///
/// # Errors
/// 0A000 for one that cannot be bound.
pub fn readers(cx: &mut ExecContext, target: Target<'_>) -> Result<Vec<Reader>> {
    let (catalog, io) = (cx.backend()?.catalog.clone(), cx.fx.io.clone());
    let look = Look { catalog: &catalog, io: &io, pretty: false, width: 0 };
    let mut found = Vec::new();
    for record in target.candidates(&catalog, class::PROC) {
        let Object::Function(f) = &record.object else { continue };
        let named = || target.is(record.object.key()) || target.concerns(&catalog, &f.depends, &f.kept, [&*f.body]);
        if f.atomic && named() {
            let body = look.bind_body(f).ok_or_else(|| refused(f))?;
            found.push(Reader { function: f.clone(), body });
        }
    }
    Ok(found)
}

/// Gives the functions their new bodies, after it got its new names.
///
/// # Errors
/// 0A000 for one that cannot be written out.
pub fn follow(cx: &mut ExecContext, renamed: &Renamed<'_>, readers: Vec<Reader>) -> Result<()> {
    let Renamed { catalog, look, .. } = renamed;
    for Reader { function, mut body } in readers {
        let mut reads = Reads::default();
        reads.depends(&function.depends);
        body.iter_mut().for_each(|q| reads.query(q));
        let record = catalog.get(Object::Function(function.clone()).key());
        let Some(Object::Function(now)) = record.map(|r| r.object.clone()) else { continue };
        let text = look.written_body(&now, &body).ok_or_else(|| refused(&function))?;
        let kept = reads.kept_again(cx, &function.kept)?;
        let now = Function { body: text.into(), kept, ..now };
        if look.bind_body(&now).is_none() {
            return Err(refused(&function));
        }
        put(cx, Object::Function(now))?;
    }
    Ok(())
}

fn refused(f: &Function) -> Error {
    Error::unsupported(format!("renaming what function \"{}\" depends on is not supported", f.name))
        .hint("Drop the function and create it again.")
}
