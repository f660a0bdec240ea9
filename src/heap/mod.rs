//! The heap access method.
