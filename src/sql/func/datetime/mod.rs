//! Functions of dates, times, timestamps and intervals.

mod arith;
mod cast;
mod extract;
mod make;
mod truncate;
mod zone;

pub(super) static TABLES: &[&[(&str, super::FuncImpl)]] =
    &[arith::TABLE, cast::TABLE, extract::TABLE, make::TABLE, truncate::TABLE, zone::TABLE];

type Args<'a, 'b> = &'a [crate::types::Datum<'b>];
