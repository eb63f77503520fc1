//! Goose behind one function: starts the users of a load run at a fixed rate, and ends them when told to.
//!
//! Goose is the scheduler and nothing else: each user runs one body that owns its own client, its own streams and its
//! own measurements. This is the only crate that names goose, and [`run`] is not generic, so that an edit elsewhere
//! does not compile goose's futures again.
//!
//! What goose would do by default and must not do here: build an HTTP client per user (milliseconds of processor time
//! and 100 KB each), open a control port, print its metrics, log on stdout.

mod attack;
mod quiet;
mod stop;

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;

pub use stop::stop;

/// The slowest start of users that goose takes, in users per second: about one a day.
pub const OPENS_PER_S_MIN: f64 = 0.000_012;
/// The fastest start of users, in users per second: goose plans in milliseconds.
pub const OPENS_PER_S_MAX: f64 = 1_000.0;

/// What one user does, given its index within its lane (from 0). It is called once and awaited to its end; it must
/// return soon after [`stop`], because [`run`] waits for it.
pub type Body = Arc<dyn Fn(usize) -> BoxFuture<'static, ()> + Send + Sync>;

/// Users that all do the same.
#[derive(Clone)]
pub struct Lane {
    /// A name, unique within the plan.
    pub name: String,
    /// How many users; a lane without users is left out.
    pub users: usize,
    /// What each of them does, once.
    pub body: Body,
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane")
            .field("name", &self.name)
            .field("users", &self.users)
            .finish_non_exhaustive()
    }
}

/// A load run, as the scheduler needs to know it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The base URL of the target. Goose wants one; nothing is sent to it from here.
    pub host: String,
    /// How many users start in a second over all lanes, fractions included; kept within [`OPENS_PER_S_MIN`] and
    /// [`OPENS_PER_S_MAX`].
    pub opens_per_s: f64,
    /// The lanes. Users start in turn from all of them until each has its own number.
    pub lanes: Vec<Lane>,
}

/// How a run went, as the scheduler saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The users that started, in the order of the plan's lanes; fewer than planned if the stop came during the ramp.
    pub started: Vec<usize>,
}

/// Why a run could not be scheduled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SchedulerError {
    /// The plan has no user in any lane.
    #[error("schedule a load run without users")]
    NoUsers,
    /// The rate is not a positive number.
    #[error("start {0} users per second")]
    BadRate(f64),
    /// Another run is under way in this process; goose's stop is one for the whole process.
    #[error("schedule a load run while another one is under way")]
    AlreadyRunning,
    /// Goose refused the plan or failed.
    #[error("schedule the load run: {0}")]
    Goose(Box<goose::GooseError>),
}

impl From<goose::GooseError> for SchedulerError {
    fn from(error: goose::GooseError) -> Self {
        Self::Goose(Box::new(error))
    }
}

/// Runs a plan until [`stop`] is called and every user has returned.
///
/// A user whose body returns before the stop idles. The run counts as begun when this function is called, so that a
/// stop between this call and the first poll is not lost. The future must be polled to its end: goose's users are
/// detached, and dropping it stops none of them.
///
/// # Errors
/// See [`SchedulerError`]. If goose fails after the start, users may still be running; [`stop`] ends them.
pub fn run(plan: Plan) -> BoxFuture<'static, Result<Summary, SchedulerError>> {
    attack::run(plan)
}
