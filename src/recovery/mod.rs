//! Startup, redo and checkpoints.
