//! A command around which a server is waited for, or started and stopped.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::args::{TargetArgs, Timeout};
use super::start::Started;
use super::wait::{Answering, Probe};
use super::{Exit, Refusal, complain};
use crate::transport::Redactor;

/// How long a server that we start has to answer, unless `--wait` says otherwise.
const START_WAIT: Duration = Duration::from_secs(30);

/// What is done before the target is spoken to, and after.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct ReadyArgs {
    /// Waits until the server answers HTTP at all, for at most this long. With --start, 30s without it.
    #[arg(long, help_heading = "Server", value_name = "TIME")]
    wait: Option<Timeout>,
    /// Starts the server by this shell command, waits for it, and stops all that it started in the end. Its output goes to
    /// stderr.
    #[arg(long, help_heading = "Server", value_name = "COMMAND")]
    start: Option<String>,
    /// The file that the output of --start goes to instead. It is written anew.
    #[arg(long, help_heading = "Server", value_name = "FILE")]
    start_log: Option<PathBuf>,
}

/// Does `run` once the target answers, if that is asked for. A server that was started is stopped however it ends.
pub(super) async fn with(
    target: TargetArgs,
    stop: CancellationToken,
    run: impl Future<Output = Result<Exit, Refusal>>,
) -> Result<Exit, Refusal> {
    let ready = &target.ready;
    if ready.start.is_none() && ready.start_log.is_some() {
        return Err(Refusal::usage("--start-log is of no use without --start"));
    }
    let limit = match (&ready.wait, &ready.start) {
        (Some(wait), _) => wait.0,
        (None, Some(_)) => START_WAIT,
        (None, None) => return run.await,
    };
    let Some(url) = target.url()? else {
        return match &ready.start {
            Some(_) => Err(Refusal::usage(
                "--start needs the URL at which the server will answer",
            )),
            // The reference server answers before it has a URL.
            None => run.await,
        };
    };
    let probe = Probe::new(&url)?;
    let mut started = match &ready.start {
        Some(command) => {
            refuse_occupied(&probe, &url).await?;
            Some(Started::spawn(command, ready.start_log.as_deref())?)
        }
        None => None,
    };
    let waiting = Waiting {
        shown: Redactor::default().with_url(&url).url(&url),
        limit,
    };
    let outcome = match stop
        .run_until_cancelled(waiting.until_answered(&probe, started.as_mut()))
        .await
    {
        Some(Ok(())) => run.await,
        Some(Err(refusal)) => Err(refusal),
        None => {
            complain("interrupted before the server answered");
            Ok(Exit::Interrupted)
        }
    };
    if let Some(started) = started {
        started.stop().await;
    }
    outcome
}

/// A server that is there already would be tested instead of the one that is started.
async fn refuse_occupied(probe: &Probe, url: &Url) -> Result<(), Refusal> {
    match probe.ask().await {
        Answering::Yes => Err(Refusal::usage(format!(
            "something answers at {} already, and --start is to start it; stop that, or leave out --start",
            Redactor::default().with_url(url).url(url)
        ))),
        Answering::NotYet(_) => Ok(()),
    }
}

/// A server that is waited for.
struct Waiting {
    shown: String,
    limit: Duration,
}

impl Waiting {
    async fn until_answered(
        &self,
        probe: &Probe,
        mut started: Option<&mut Started>,
    ) -> Result<(), Refusal> {
        let begun = tokio::time::Instant::now();
        let mut last = None;
        let answered = tokio::time::timeout(self.limit, probe.until_answered(&mut last));
        let answered = match started.as_deref_mut() {
            None => answered.await.is_ok(),
            Some(started) => {
                tokio::select! {
                    answered = answered => answered.is_ok(),
                    ended = started.fails() => {
                        return Err(unreachable(format!(
                            "the command of --start ended before {} answered: {ended}",
                            self.shown
                        )));
                    }
                }
            }
        };
        if answered {
            let waited = begun.elapsed().as_secs_f64();
            complain(&format!("{} answers after {waited:.1} s", self.shown));
            return Ok(());
        }
        let why = last.map_or_else(String::new, |why| format!(": {why}"));
        let ended = started.and_then(|started| started.ended());
        let ended = ended.map_or_else(String::new, |how| format!("; --start had ended: {how}"));
        Err(unreachable(format!(
            "{} gave no answer within {:?}{why}{ended}",
            self.shown, self.limit
        )))
    }
}

fn unreachable(message: String) -> Refusal {
    Refusal {
        exit: Exit::Unreachable,
        message,
    }
}
