//! The B-tree access method.
