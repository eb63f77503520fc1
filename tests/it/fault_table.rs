//! Which checks each deliberate fault turns red, by dialect. Faults that stand in no table turn nothing red there.

mod batch;
mod hybrid;
mod sse;
mod stateless;
mod streamable;

use mcp_plumb::protocol::{Revision, Transport};

use super::support::Spoken;

/// A fault, and the checks that it turns red, each with its verdict before it.
type Row = (&'static str, &'static [&'static str]);

/// All rows of one dialect.
pub(crate) struct Table {
    pub(crate) spoken: Spoken,
    /// Other tables. What breaks only rules that hold there as well is tried there, and not again here.
    pub(crate) beyond: &'static [Spoken],
    pub(crate) rows: &'static [Row],
}

impl Table {
    /// What a fault turns red, if it has a row.
    pub(crate) fn row(&self, fault: &str) -> Option<&'static [&'static str]> {
        self.rows
            .iter()
            .find(|(id, _)| *id == fault)
            .map(|(_, red)| *red)
    }
}

const STREAMABLE_SPOKEN: Spoken = Spoken {
    transport: Transport::StreamableHttp,
    revision: Revision::V2025_11_25,
};

pub(crate) const STREAMABLE: Table = Table {
    spoken: STREAMABLE_SPOKEN,
    beyond: &[],
    rows: streamable::ROWS,
};

pub(crate) const HYBRID: Table = Table {
    spoken: Spoken {
        transport: Transport::Hybrid,
        revision: Revision::V2025_11_25,
    },
    beyond: &[STREAMABLE_SPOKEN],
    rows: hybrid::ROWS,
};

pub(crate) const STATELESS: Table = Table {
    spoken: Spoken {
        transport: Transport::StreamableHttp,
        revision: Revision::V2026_07_28,
    },
    beyond: &[],
    rows: stateless::ROWS,
};

pub(crate) const SSE: Table = Table {
    spoken: Spoken {
        transport: Transport::Sse,
        revision: Revision::V2024_11_05,
    },
    beyond: &[STREAMABLE_SPOKEN],
    rows: sse::ROWS,
};

pub(crate) const BATCH: Table = Table {
    spoken: Spoken {
        transport: Transport::StreamableHttp,
        revision: Revision::V2025_03_26,
    },
    beyond: &[STREAMABLE_SPOKEN],
    rows: batch::ROWS,
};

/// The tables of all dialects.
pub(crate) const TABLES: [&Table; 5] = [&STREAMABLE, &HYBRID, &SSE, &BATCH, &STATELESS];

/// What is spoken in no table, and green all the same without a fault.
pub(crate) const ALSO_SPOKEN: [Spoken; 3] = [
    Spoken {
        transport: Transport::Sse,
        revision: Revision::V2025_11_25,
    },
    Spoken {
        transport: Transport::StreamableHttp,
        revision: Revision::V2025_06_18,
    },
    Spoken {
        transport: Transport::StreamableHttp,
        revision: Revision::V2024_11_05,
    },
];
