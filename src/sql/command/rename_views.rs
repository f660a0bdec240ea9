//! Views follow when a function, a type or a schema they name is renamed. (Relations they know: `known`.)
//!
//! A view is kept as text. It is bound before the renaming and written out again after it; only a text that is read back
//! as the same is kept.

use super::known::Reads;
use super::rename_readers::{Renamed, Target};
use super::write::{change, class_of};
use crate::base::{Error, Oid, Result};
use crate::catalog::View;
use crate::catalog::object::class;
use crate::sql::bind::{self, Query, Written};
use crate::sql::exec::ExecContext;

/// A view that names what is to be renamed, as it was bound before.
pub struct Reader {
    view: Oid,
    query: Query,
}

/// The views that have to do with what is renamed.
///
/// # Errors
/// 0A000 for one that cannot be bound.
pub fn readers(cx: &mut ExecContext, target: Target<'_>) -> Result<Vec<Reader>> {
    let (catalog, io) = (cx.backend()?.catalog.clone(), cx.fx.io.clone());
    let mut found = Vec::new();
    for record in target.candidates(&catalog, class::RELATION) {
        let Ok(c) = record.object.as_class() else { continue };
        let Some(view) = &c.view else { continue };
        if !target.concerns(&catalog, &c.depends, &view.kept, [&*view.query]) {
            continue;
        }
        let query = bind::view_query(view, &Written(&*catalog), &io).map_err(|_| refused(&c.name))?;
        found.push(Reader { view: c.oid, query });
    }
    Ok(found)
}

/// Gives the views their new texts.
///
/// # Errors
/// 0A000 for one that cannot be written out.
pub fn follow(cx: &mut ExecContext, renamed: &Renamed<'_>, readers: Vec<Reader>) -> Result<()> {
    let Renamed { look, .. } = renamed;
    let mut followers = Vec::new();
    for Reader { view, mut query } in readers {
        let c = class_of(cx, view)?;
        let Some(old) = c.view else { continue };
        let names: Vec<&str> = c.attributes.iter().filter(|a| !a.dropped).map(|a| a.name.as_str()).collect();
        let text = look.written_query(&query, &names).ok_or_else(|| refused(&c.name))?;
        let mut reads = Reads::default();
        reads.depends(&c.depends);
        reads.query(&mut query);
        let kept = reads.kept_again(cx, &old.kept)?;
        let new = View { query: text.into(), kept, ..old };
        change(cx, view, |c| c.view = Some(new.clone()))?;
        followers.push((c.name, new, query));
    }
    // One may read another: they are read again when all have their new texts.
    cx.backend()?.txn.next_command();
    match followers.iter().find(|(_, view, query)| !look.reads_as(view, &view.query, query)) {
        Some((name, ..)) => Err(refused(name)),
        None => Ok(()),
    }
}

fn refused(view: &str) -> Error {
    Error::unsupported(format!("renaming what view \"{view}\" depends on is not supported"))
        .hint("Drop the view and create it again.")
}
