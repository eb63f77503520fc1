//! The binary as a user starts it: its exit code, what it writes, how much memory it takes.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

/// No test waits longer than this for the program; it is generous because machines are slow.
const OUTER_DEADLINE: Duration = Duration::from_secs(60);
/// How often the memory of the program is looked at.
const MEMORY_SAMPLE_EVERY: Duration = Duration::from_millis(10);

/// Environment variables, each a name and a value.
pub(crate) type Variables<'a> = &'a [(&'a str, &'a str)];

/// The program while it runs. Dropping it kills the process.
pub(crate) struct Running {
    child: Child,
    begun: Instant,
    directory: TempDir,
    stdout: JoinHandle<Vec<u8>>,
    stderr: JoinHandle<Vec<u8>>,
}

/// The program after its end.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// The JSON report as text, if one was written.
    pub(crate) report_text: Option<String>,
    /// The most memory that it held, in MiB, as far as it was seen.
    pub(crate) peak_mib: u64,
    pub(crate) elapsed: Duration,
}

/// Starts the program with these arguments.
pub(crate) fn start(args: &[&str]) -> Running {
    spawn(args, &[], false)
}

/// Starts the program with these arguments and `--report json=PATH`.
pub(crate) fn start_with_report(args: &[&str]) -> Running {
    spawn(args, &[], true)
}

/// Starts the program with these arguments and environment variables.
pub(crate) fn spawn(args: &[&str], variables: Variables<'_>, with_report: bool) -> Running {
    spawn_among(&[], args, variables, with_report)
}

/// Starts the program in a folder with these files, each a name and what it holds.
pub(crate) fn spawn_among(
    files: &[(&str, &str)],
    args: &[&str],
    variables: Variables<'_>,
    with_report: bool,
) -> Running {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_mcp-plumb"));
    command
        .args(args)
        .current_dir(directory.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    // What the developer's shell sets must not decide a test.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let is_read = ["NO_COLOR", "CLICOLOR_FORCE"].contains(&&*text);
        if is_read || text.starts_with("GITHUB_") || text.starts_with("MCP_PLUMB_") {
            command.env_remove(&name);
        }
    }
    command.envs(variables.iter().copied());
    if with_report {
        command.args(["--report", "json=report.json"]);
    }
    let mut child = command.spawn().unwrap();
    let stdout = drain(child.stdout.take().unwrap());
    let stderr = drain(child.stderr.take().unwrap());
    Running {
        child,
        begun: Instant::now(),
        directory,
        stdout,
        stderr,
    }
}

fn drain(mut pipe: impl AsyncRead + Unpin + Send + 'static) -> JoinHandle<Vec<u8>> {
    tokio::spawn(async move {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).await.unwrap();
        bytes
    })
}

impl Running {
    /// Does what Ctrl-C does.
    pub(crate) fn interrupt(&self) {
        let id = self.child.id().expect("the program still runs").to_string();
        let sent = std::process::Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap();
        assert!(sent.success(), "kill -INT {id}: {sent}");
    }

    /// The folder in which the program runs.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.directory.path()
    }

    /// Waits for the end.
    pub(crate) async fn ended(mut self) -> Ended {
        let mut peak_kib = 0;
        let status = tokio::time::timeout(OUTER_DEADLINE, async {
            loop {
                peak_kib = peak_kib.max(self.peak_kib());
                tokio::select! {
                    status = self.child.wait() => return status.unwrap(),
                    () = tokio::time::sleep(MEMORY_SAMPLE_EVERY) => {}
                }
            }
        })
        .await
        .expect("the program ends by itself");
        let elapsed = self.begun.elapsed();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the program writes UTF-8");
        Ended {
            code: status.code(),
            stdout: text(self.stdout.await.unwrap()),
            stderr: text(self.stderr.await.unwrap()),
            report_text: std::fs::read_to_string(self.directory.path().join("report.json")).ok(),
            peak_mib: peak_kib / 1024,
            elapsed,
        }
    }

    /// The most memory that the process has held so far; 0 where the system does not say.
    fn peak_kib(&self) -> u64 {
        let Some(id) = self.child.id() else { return 0 };
        std::fs::read_to_string(format!("/proc/{id}/status"))
            .ok()
            .and_then(|status| {
                let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
                line.split_whitespace().nth(1)?.parse().ok()
            })
            .unwrap_or(0)
    }
}

impl Ended {
    /// The JSON report.
    pub(crate) fn report(&self) -> Value {
        let text = self.report_text.as_ref();
        let text = text.unwrap_or_else(|| panic!("no report was written: {self:#?}"));
        serde_json::from_str(text).unwrap()
    }

    /// A number of the JSON report.
    pub(crate) fn count(&self, pointer: &str) -> u64 {
        let report = self.report();
        let found = report.pointer(pointer).and_then(Value::as_u64);
        found.unwrap_or_else(|| panic!("no number at {pointer}: {}", self.stdout))
    }

    /// Asserts the exit code, and that the report gives the same one and blames no fault of our own.
    #[track_caller]
    pub(crate) fn expect(&self, code: u8) {
        assert_eq!(
            self.code,
            Some(i32::from(code)),
            "after {:?}\n--- stdout\n{}\n--- stderr\n{}",
            self.elapsed,
            self.stdout,
            self.stderr
        );
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        assert!(!self.stderr.contains("this is a bug"), "{}", self.stderr);
        if self.report_text.is_some() {
            assert_eq!(self.count("/exit_code"), u64::from(code));
            assert_eq!(self.count("/summary/errors"), 0, "{}", self.stdout);
        }
    }

    /// The only line on stderr.
    #[track_caller]
    pub(crate) fn one_line(&self) -> &str {
        let lines: Vec<&str> = self.stderr.lines().collect();
        assert_eq!(lines.len(), 1, "{}", self.stderr);
        lines[0]
    }
}

/// Whether `text` holds a character that steers a terminal.
pub(crate) fn steers(text: &str) -> bool {
    text.chars()
        .any(|c| c.is_control() && c != '\n' || matches!(c, '\u{202a}'..='\u{202e}'))
}
