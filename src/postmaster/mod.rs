//! Listens, supervises, hands connections over.
