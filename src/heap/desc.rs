//! The columns of a table as the heap sees them: physical forms, in order.

use crate::types::{Phys, TypeRef, Value};

/// How long values of a column are kept (`attstorage`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// In the row, as they are.
    Plain,
    /// Out of line, never compressed.
    External,
    /// Compressed, and out of line only where nothing else helps.
    Main,
    /// Compressed, then out of line.
    Extended,
}

impl Strategy {
    /// From its letter in the catalog.
    pub fn of(letter: u8) -> Strategy {
        match letter {
            b'p' => Strategy::Plain,
            b'e' => Strategy::External,
            b'm' => Strategy::Main,
            _ => Strategy::Extended,
        }
    }
}

/// How values are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    Pglz,
    Lz4,
}

/// One attribute, dropped ones included: the position in [`TupleDesc::attrs`] is the attribute number − 1.
#[derive(Clone, Debug, PartialEq)]
pub struct AttrDesc {
    pub phys: Phys,
    pub typ: TypeRef,
    pub dropped: bool,
    /// What rows written before the column was added show (`attmissingval`).
    pub missing: Option<Value>,
    pub strategy: Strategy,
    /// None: what the session prefers (`default_toast_compression`).
    pub compression: Option<Compression>,
}

impl AttrDesc {
    pub fn new(phys: Phys, typ: TypeRef) -> AttrDesc {
        AttrDesc { phys, typ, dropped: false, missing: None, strategy: Strategy::Extended, compression: None }
    }
}

/// The shape of a table's rows.
#[derive(Clone, Debug, Default)]
pub struct TupleDesc {
    pub attrs: Vec<AttrDesc>,
    /// Where a column starts behind the header when no value before it is NULL; `None` behind a variable-length one.
    pub(super) fixed: Vec<Option<u16>>,
}

impl TupleDesc {
    pub fn new(attrs: Vec<AttrDesc>) -> TupleDesc {
        let mut at = Some(0u16);
        let fixed = attrs
            .iter()
            .map(|a| {
                let here = at;
                at = at.zip(a.phys.width()).map(|(at, w)| at + w as u16);
                here
            })
            .collect();
        TupleDesc { attrs, fixed }
    }

    pub fn len(&self) -> usize {
        self.attrs.len()
    }

    pub fn is_empty(&self) -> bool {
        self.attrs.is_empty()
    }
}
