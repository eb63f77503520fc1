//! Which checks each fault turns red, for each transport. A fault that is not listed turns none red there.

mod hybrid;
mod streamable;

pub(crate) use self::hybrid::HYBRID;
pub(crate) use self::streamable::STREAMABLE;

/// A fault, and the verdicts and ids of the checks that it turns red.
pub(crate) type Row = (&'static str, &'static [&'static str]);
