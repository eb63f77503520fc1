//! The reference server in a process of its own, as the target is: in ours it would share threads with the generator.

use std::io::{BufRead, BufReader, Read as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use url::Url;

use crate::cli::Refusal;
use crate::protocol::Transport;

/// A process that does not say where it listens within this time never will.
const START_MAX: Duration = Duration::from_secs(20);
/// Lines of its output that are looked at; the longest is a URL.
const LINES_MAX: usize = 10;

/// The process. Dropping it ends it.
pub(super) struct Reference {
    child: Child,
    pub(super) url: Url,
    /// Kept open: the process ends when it writes and nobody can read.
    output: Option<BufReader<ChildStdout>>,
}

impl Reference {
    /// Starts `mcp-plumb serve` on a free port; the URL is that of its endpoint for `transport`.
    pub(super) async fn start(transport: Transport) -> Result<Self, Refusal> {
        let failed =
            |why: String| Refusal::ours(format!("cannot start the reference server: {why}"));
        let program = std::env::current_exe().map_err(|error| failed(error.to_string()))?;
        let mut child = Command::new(program)
            .args(["serve", "--port", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| failed(error.to_string()))?;
        let output = child.stdout.take();
        // From here on, whatever happens ends the process.
        let mut reference = Self {
            child,
            url: Url::parse("http://127.0.0.1/").map_err(Refusal::ours)?,
            output: None,
        };
        let told = tokio::task::spawn_blocking(move || {
            let mut output = BufReader::new(output?);
            let lines = output.by_ref().lines().take(LINES_MAX);
            let url = lines.map_while(Result::ok).find_map(|line| {
                let (name, url) = line.split_once(' ')?;
                (name == transport.as_str()).then(|| Url::parse(url.trim()).ok())?
            })?;
            Some((url, output))
        });
        let told = tokio::time::timeout(START_MAX, told).await;
        let (url, output) = told
            .ok()
            .and_then(Result::ok)
            .flatten()
            .ok_or_else(|| failed("it does not say where it is".to_owned()))?;
        reference.url = url;
        reference.output = Some(output);
        Ok(reference)
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
