//! Begin, commit, abort, savepoints.
