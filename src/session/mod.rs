//! One connection's state.
