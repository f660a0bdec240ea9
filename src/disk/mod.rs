//! The only file access.
