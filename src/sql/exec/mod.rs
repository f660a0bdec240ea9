//! One file per plan node.
