//! `to_char`, `to_date` and `to_timestamp` of dates and times.

use crate::sql::func::FuncImpl;

pub(super) static TABLE: &[(&str, FuncImpl)] = &[];
