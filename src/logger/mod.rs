//! The log: formats, files, the collector process.
