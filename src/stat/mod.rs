//! Activity slots and cumulative counters, shared by all layers above.
