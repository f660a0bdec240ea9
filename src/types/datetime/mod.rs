//! Dates, times, timestamps, intervals and time zones.

pub mod zone;
