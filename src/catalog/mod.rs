//! System tables, caches, names; never executes.
