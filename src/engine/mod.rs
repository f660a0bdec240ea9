//! Opens the data directory, recovers, serves, stops.
