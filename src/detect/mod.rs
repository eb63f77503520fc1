//! Finds out which transport and revision a URL speaks, and says what it saw and why.
//!
//! Transport and era are known after at most four requests: `server/discover`, which only a server of 2026-07-28 answers as
//! one; `initialize`, which every older one understands; then streams, which tell HTTP+SSE and `hybrid` from the rest. Over
//! HTTP+SSE the handshake that tells the revision follows. Sessions that this opens are ended.

mod looking;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use url::Url;

use self::looking::Looking;
use crate::protocol::{Dialect, Revision, Transport};
use crate::transport::{HttpClient, KnownServer, Link, OpenSessions, Recorder, Retention};

/// The newest revision with a handshake: what a server that has one is asked for when the user names none.
pub const NEWEST_WITH_HANDSHAKE: Revision = Revision::V2025_11_25;
/// The newest revision of all.
const NEWEST: Revision = Revision::V2026_07_28;

/// What the user fixed; what is left open is found out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wish {
    /// The transport.
    pub transport: Option<Transport>,
    /// The revision.
    pub revision: Option<Revision>,
}

/// How requests of the detection are sent and recorded.
#[derive(Clone, Debug)]
pub struct Means {
    /// Sends them.
    pub client: HttpClient,
    /// Records them.
    pub recorder: Arc<Recorder>,
    /// The longest wait for each.
    pub timeout: Duration,
}

/// How long a server has to end a stream after the response on it.
const STREAM_END_GRACE: Duration = Duration::from_millis(500);

impl Means {
    /// The way to a target by a dialect.
    pub fn link(&self, dialect: Box<dyn Dialect>, revision: Revision) -> Arc<Link> {
        Arc::new(Link {
            client: self.client.clone(),
            dialect,
            revision,
            timeout: self.timeout,
            stream_end_grace: STREAM_END_GRACE,
            recorder: Arc::clone(&self.recorder),
            retention: Retention::All,
            open: OpenSessions::default(),
            known: KnownServer::default(),
        })
    }
}

/// What a URL speaks.
#[derive(Debug)]
pub struct Detected {
    /// The URL that is spoken to: the one that was given, or the stream of HTTP+SSE that stands beside it.
    pub url: Url,
    /// The transport.
    pub transport: Transport,
    /// The revision that the run is judged by.
    pub revision: Revision,
    /// The revision that it speaks too, in the other era, as far as it was asked.
    pub also: Option<Revision>,
    /// The way to the target.
    pub link: Arc<Link>,
    /// What was seen, and why it means this.
    pub notes: Vec<String>,
}

/// Why nothing can be run.
#[derive(Debug, thiserror::Error)]
pub enum DetectError {
    /// No answer at all.
    #[error("{url} cannot be reached: {why}")]
    Unreachable {
        /// The URL.
        url: String,
        /// What happened.
        why: String,
    },
    /// It answers, but nothing that can be tested.
    #[error("nothing at {url} can be exercised: {why}")]
    NothingToExercise {
        /// The URL.
        url: String,
        /// What was seen.
        why: String,
        /// Everything that was seen.
        notes: Vec<String>,
    },
    /// It speaks, but not the revision that the user wants.
    #[error("{url} does not speak {revision}: {why}")]
    NotOffered {
        /// The URL.
        url: String,
        /// The revision.
        revision: Revision,
        /// What it said instead.
        why: String,
        /// The revision that it offers in its place, if that is a known one.
        offered: Option<Revision>,
        /// Everything that was seen.
        notes: Vec<String>,
    },
}

/// Finds out what `url` speaks.
///
/// # Errors
/// If the target cannot be reached, or speaks nothing that can be tested, or not the revision that is wanted.
pub async fn detect(url: &Url, wish: Wish, means: &Means) -> Result<Detected, DetectError> {
    let mut looking = Looking::new(url, means, wish.revision);
    let found = match wish.transport {
        Some(transport) => looking.by_order(transport).await?,
        None => looking.by_looking().await?,
    };
    looking.settle(found)
}

/// The code of an error that names the versions which a server of 2026-07-28 has
/// (2026-07-28, basic/versioning).
const UNSUPPORTED_VERSION: i64 = -32022;

/// The members of `list` that are revisions known here, newest first.
fn known_revisions(list: Option<&Value>) -> Vec<Revision> {
    let mut known: Vec<Revision> = list
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|version| version.as_str()?.parse().ok())
        .collect();
    known.sort_unstable_by(|a, b| b.cmp(a));
    known
}
