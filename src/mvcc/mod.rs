//! Transaction ids, commit log, snapshots, horizons.
