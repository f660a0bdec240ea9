//! One connection's state, and how its statements run.
