//! Lazy semantics, NULL logic and repetition of expressions.
