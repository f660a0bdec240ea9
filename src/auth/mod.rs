//! Who may connect, and how they prove who they are: stored passwords, the SCRAM exchange, `pg_hba.conf`,
//! `pg_ident.conf`.
//!
//! Must never wait, touch a socket, or tell a stranger whether a role exists: answers about unknown roles take
//! the same course and time as those about known ones.
//!
//! Invariants:
//! - AUTH-1: the first rule that fits a connection decides; without one it is refused.
//! - AUTH-2: secrets are compared in a time that does not depend on where they differ.
//!
//! `access` holds what the files said when they were read last; `certificate` reads what a client's or the server's
//! certificate says.
//!
//! On disk: verifiers in `pg_authid.rolpassword` (`SCRAM-SHA-256$…`, `md5…`), the two files in PostgreSQL's format.

pub mod access;
pub mod certificate;
pub mod hba;
mod hba_rule;
pub mod ident;
pub mod scram;
mod tokens;
pub mod verifier;

/// AUTH-2.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |d, (x, y)| d | (x ^ y)) == 0
}
