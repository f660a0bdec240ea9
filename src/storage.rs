//! The shared state below the catalog: one struct that all layers above hold.
