//! The connection: startup, authentication, the loop over messages, the end.
