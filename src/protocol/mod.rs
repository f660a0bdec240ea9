//! The connection loop over PostgreSQL's messages.
