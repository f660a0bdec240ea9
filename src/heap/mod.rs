//! The heap access method. (Placeholder until it lands: replace this file whole.)

/// A table's open storage.
#[derive(Debug)]
pub struct TableStore;
