//! A server that we start: a shell command in a process group of its own, which is ended as a whole.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

use super::{Refusal, complain};
use crate::report::text;

/// How long the processes have to end by themselves when they are asked to.
const GRACE: Duration = Duration::from_secs(3);
/// How often is looked whether they have.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long output may still come when they are gone: one that left the group can keep the pipe open.
const OUTPUT_GRACE: Duration = Duration::from_millis(500);
/// The longest line that is shown, in bytes.
const LINE_BYTES_MAX: usize = 4096;
/// How much of the end of a log is looked at, in bytes.
const TAIL_BYTES: u64 = 8192;
/// How many lines of it are told.
const TAIL_LINES: usize = 10;

/// The process group that runs, for who ends the process without unwinding.
static GROUP: AtomicI32 = AtomicI32::new(group::NONE);

/// Ends what was started, at once. For a process that is about to exit.
pub(super) fn kill_now() {
    group::kill(GROUP.load(Ordering::SeqCst));
}

/// A command that runs. Dropping it ends the whole group.
pub(super) struct Started {
    child: Child,
    group: i32,
    log: Option<PathBuf>,
    output: JoinSet<()>,
    ended: Option<ExitStatus>,
}

impl Started {
    /// Starts a command by the shell. Says so, since a file may have asked for it.
    pub(super) fn spawn(text: &str, log: Option<&Path>) -> Result<Self, Refusal> {
        let mut command = Command::new("sh");
        command.arg("-c").arg(text).stdin(Stdio::null());
        command.kill_on_drop(true);
        group::own(&mut command);
        match log {
            None => command.stdout(Stdio::piped()).stderr(Stdio::piped()),
            Some(path) => {
                let (out, err) = log_file(path)?;
                command.stdout(out).stderr(err)
            }
        };
        complain(&format!("starting: {text}"));
        let mut child = command
            .spawn()
            .map_err(|error| Refusal::usage(format!("--start: cannot run sh: {error}")))?;
        let group = child.id().and_then(|id| i32::try_from(id).ok());
        let group = group.unwrap_or(group::NONE);
        GROUP.store(group, Ordering::SeqCst);
        let mut output = JoinSet::new();
        if let Some(pipe) = child.stdout.take() {
            output.spawn(forward(pipe));
        }
        if let Some(pipe) = child.stderr.take() {
            output.spawn(forward(pipe));
        }
        Ok(Self {
            child,
            group,
            log: log.map(Path::to_owned),
            output,
            ended: None,
        })
    }

    /// Ends when the command fails, and says how. One that succeeds may have left a server behind, so that says nothing.
    pub(super) async fn fails(&mut self) -> String {
        match self.child.wait().await {
            Ok(status) if status.success() => {
                self.ended = Some(status);
                std::future::pending().await
            }
            Ok(status) => {
                self.ended = Some(status);
                self.drain().await;
                format!("{status}{}", self.last_lines())
            }
            Err(error) => error.to_string(),
        }
    }

    /// How the command ended, if it did while it was looked at.
    pub(super) fn ended(&self) -> Option<ExitStatus> {
        self.ended
    }

    /// Asks all processes to end, and after a while ends them.
    pub(super) async fn stop(mut self) {
        if self.ended.is_none()
            && let Ok(Some(status)) = self.child.try_wait()
            && !status.success()
        {
            complain(&format!(
                "the command of --start had ended by itself: {status}{}",
                self.last_lines()
            ));
        }
        group::ask_to_end(self.group);
        let gone = async {
            // One of the group may outlive the shell.
            while !matches!(self.child.try_wait(), Ok(Some(_)) | Err(_))
                || group::is_alive(self.group)
            {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        if tokio::time::timeout(GRACE, gone).await.is_err() {
            group::kill(self.group);
            // It cannot refuse.
            let _ = tokio::time::timeout(GRACE, self.child.wait()).await;
        }
        // From now on, the number may be that of somebody else.
        self.group = group::NONE;
        self.drain().await;
    }

    /// Waits for the rest of the output.
    async fn drain(&mut self) {
        let rest = async { while self.output.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(OUTPUT_GRACE, rest).await;
    }

    /// The end of the log, if the output went there; elsewhere it stands above.
    fn last_lines(&self) -> String {
        let Some(path) = &self.log else {
            return String::new();
        };
        let lines = tail(path).unwrap_or_default();
        let lines: String = lines.iter().map(|line| format!("\n  | {line}")).collect();
        format!("; the end of {}:{lines}", path.display())
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        group::kill(self.group);
        GROUP.store(group::NONE, Ordering::SeqCst);
    }
}

/// The file for both streams.
fn log_file(path: &Path) -> Result<(Stdio, Stdio), Refusal> {
    let open = || {
        let file = File::options().create(true).append(true).open(path)?;
        file.set_len(0)?;
        Ok((file.try_clone()?.into(), file.into()))
    };
    open().map_err(|error: std::io::Error| {
        Refusal::usage(format!(
            "--start-log: cannot write {}: {error}",
            path.display()
        ))
    })
}

/// The last lines of a file.
fn tail(path: &Path) -> std::io::Result<VecDeque<String>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let mut lines = VecDeque::new();
    for line in text.lines() {
        lines.push_back(line.to_owned());
        if lines.len() > TAIL_LINES {
            lines.pop_front();
        }
    }
    Ok(lines)
}

/// Writes what comes to stderr, line by line.
async fn forward(pipe: impl AsyncRead + Unpin) {
    let mut reader = BufReader::new(pipe);
    let mut line = Vec::new();
    while let Ok(chunk) = reader.fill_buf().await
        && !chunk.is_empty()
    {
        let end = memchr::memchr(b'\n', chunk);
        let taken = end.map_or(chunk.len(), |end| end + 1);
        let room = LINE_BYTES_MAX.saturating_sub(line.len());
        line.extend(chunk.iter().take(taken.min(room)));
        reader.consume(taken);
        if end.is_some() {
            show(&line);
            line.clear();
        }
    }
    if !line.is_empty() {
        show(&line);
    }
}

fn show(line: &[u8]) {
    let _ = writeln!(std::io::stderr(), "{}", shown(line));
}

/// A line of the server, told apart from ours, and without what steers a terminal.
fn shown(line: &[u8]) -> String {
    let line = String::from_utf8_lossy(line);
    let mut shown = String::from("server | ");
    for c in line.trim_end_matches(['\r', '\n']).chars() {
        if c != '\t' && text::is_unsafe(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    if line.len() >= LINE_BYTES_MAX {
        shown.push('…');
    }
    shown
}

/// Process groups, where the system has them.
#[cfg(unix)]
mod group {
    use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
    use tokio::process::Command;

    /// No group.
    pub(super) const NONE: i32 = 0;

    /// Gives a command a group of its own. Ctrl-C in a terminal then reaches us only.
    pub(super) fn own(command: &mut Command) {
        command.process_group(0);
    }

    pub(super) fn ask_to_end(group: i32) {
        signal(group, Signal::TERM);
    }

    pub(super) fn kill(group: i32) {
        signal(group, Signal::KILL);
    }

    pub(super) fn is_alive(group: i32) -> bool {
        id(group).is_some_and(|group| test_kill_process_group(group).is_ok())
    }

    fn signal(group: i32, signal: Signal) {
        if let Some(group) = id(group) {
            // It may be gone already.
            let _ = kill_process_group(group, signal);
        }
    }

    fn id(group: i32) -> Option<Pid> {
        // 1 would be every process.
        Pid::from_raw(group).filter(|_| group > 1)
    }
}

/// Where there are no process groups, the shell alone is ended, when it is dropped.
#[cfg(not(unix))]
mod group {
    use tokio::process::Command;

    pub(super) const NONE: i32 = 0;

    pub(super) fn own(_: &mut Command) {}

    pub(super) fn ask_to_end(_: i32) {}

    pub(super) fn kill(_: i32) {}

    pub(super) fn is_alive(_: i32) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a process runs; one that has ended and was not collected does not.
    fn runs(id: &str) -> bool {
        let status = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let state = status.rsplit_once(") ").map(|(_, rest)| rest);
        state.is_some_and(|state| !state.starts_with(['Z', 'X']))
    }

    #[tokio::test]
    async fn a_panic_ends_the_whole_group() {
        let folder = tempfile::tempdir().unwrap();
        let (log, id) = (folder.path().join("log"), folder.path().join("id"));
        let command = format!("sleep 600 & echo $! > '{}'; wait", id.display());
        let reads = id.clone();
        let running = tokio::spawn(async move {
            let _started = Started::spawn(&command, Some(&log)).unwrap();
            loop {
                let id = std::fs::read_to_string(&reads).unwrap_or_default();
                if id.ends_with('\n') {
                    assert!(!runs(id.trim()), "on purpose");
                    break;
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        });
        let ended = tokio::time::timeout(Duration::from_secs(30), running);
        assert!(ended.await.unwrap().unwrap_err().is_panic());
        let id = std::fs::read_to_string(&id).unwrap();
        let gone = async {
            while runs(id.trim()) {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), gone)
            .await
            .expect("it was killed");
    }

    #[test]
    fn a_line_of_the_server_steers_nothing() {
        for (line, expected) in [
            (b"listening\r\n".as_slice(), "server | listening"),
            (b"\x1b[31mred\n", "server | \\u{1b}[31mred"),
            (b"::error::x", "server | ::error::x"),
            (b"\xff\ta", "server | \u{fffd}\ta"),
        ] {
            assert_eq!(shown(line), expected);
        }
        let long = shown(&[b'a'; LINE_BYTES_MAX]);
        assert!(long.ends_with("a…"));
    }
}
