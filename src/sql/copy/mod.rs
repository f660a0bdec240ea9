//! COPY's formats as pure bytes: fields of rows out of a stream, rows into one.
//!
//! Must never know tables, clients or files.

pub mod binary;
pub mod csv;
mod options;
pub mod text;

pub use options::{CopyFormat, CopyOptions};

use crate::base::Result;

/// One row's fields as read: None is NULL. Positions are into the reader's row buffer.
#[derive(Default, Debug)]
pub struct Fields {
    pub bytes: Vec<u8>,
    pub ends: Vec<Option<(usize, usize)>>,
}

impl Fields {
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub fn get(&self, n: usize) -> Option<&[u8]> {
        self.ends[n].map(|(from, to)| &self.bytes[from..to])
    }
}

/// Cuts a stream that arrives in pieces into rows.
pub trait RowReader: Send + Sync {
    /// More bytes of the stream.
    fn feed(&mut self, bytes: &[u8]);

    /// The next complete row. `ended`: no more bytes will come. None: more bytes are needed, or it is the end.
    fn next(&mut self, ended: bool, fields: &mut Fields) -> Result<Option<()>>;

    /// Whether the data said that it ends; what follows is not looked at.
    fn has_ended(&self) -> bool {
        false
    }

    /// The number of the line last read, from 1.
    fn line(&self) -> u64;

    /// The row last read as it came, where rows are text; until more bytes come.
    fn row_text(&self) -> &[u8] {
        &[]
    }
}
