//! The B-tree access method (Lehman and Yao, 1981, with right links), over normalised keys.

/// An open index: its blocks and what is remembered of its metapage.
#[derive(Debug)]
pub struct IndexStore {
    pub file: crate::base::RelFileId,
}
