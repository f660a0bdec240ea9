//! The write-ahead log and the control file.
