//! What makes the program at home in CI: it waits for a server, starts and stops it, and annotates what failed.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, Instant};

use mcp_plumb::protocol::Transport;
use mcp_plumb_reference_server::{Config, start};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use super::peer::{Answer, Peer, response, well_behaved};
use super::program::{Running, Variables, spawn, start as run};
use super::support::server;

const PROGRAM: &str = env!("CARGO_BIN_EXE_mcp-plumb");
/// A run that ends because of what it was told takes less than this.
const PROMPT: Duration = Duration::from_secs(20);

/// A port on which nothing listens for now.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// The ids that a command wrote to a file, once it has.
async fn written(path: &Path, lines: usize) -> Vec<String> {
    let begun = Instant::now();
    loop {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        if text.ends_with('\n') && text.lines().count() >= lines {
            return text.lines().map(str::to_owned).collect();
        }
        assert!(begun.elapsed() < PROMPT, "{}: {text}", path.display());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Whether a process runs; one that has ended and was not collected does not.
fn runs(id: &str) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let state = status
        .rsplit_once(") ")
        .and_then(|(_, rest)| rest.chars().next());
    state.is_some_and(|state| state != 'Z' && state != 'X')
}

async fn expect_gone(id: &str) {
    let begun = Instant::now();
    while runs(id) {
        assert!(begun.elapsed() < PROMPT, "process {id} still runs");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_comes_up_later_is_waited_for() {
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}/mcp");
    let running = run(&["check", &url, "--revision", "2025-11-25", "--wait", "50s"]);
    // The first question comes to nobody.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let server = start(Config {
        port,
        ..Config::default()
    })
    .await
    .unwrap();
    let ended = running.ended().await;
    ended.expect(0);
    assert!(ended.stderr.contains("answers after"), "{}", ended.stderr);
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_answer_ends_the_wait_and_none_ends_the_run() {
    let peer = Peer::start(|asked| match asked.method.as_str() {
        "OPTIONS" => response("503 Service Unavailable", "text/plain", "soon"),
        _ => well_behaved(asked),
    })
    .await;
    let url = peer.url();
    let ended = run(&["check", &url, "--wait", "50s", "--timeout", "500ms"])
        .ended()
        .await;
    assert!(ended.stderr.contains("answers after"), "{}", ended.stderr);

    let silent = Peer::start(|_| Answer::Hold(Vec::new())).await;
    let nobody = format!("http://127.0.0.1:{}/mcp", free_port());
    for (url, why) in [(silent.url(), ""), (nobody, "cannot connect")] {
        let ended = run(&["check", &url, "--wait", "1s"]).ended().await;
        ended.expect(3);
        let line = ended.one_line();
        assert!(line.contains("gave no answer within 1s"), "{line}");
        assert!(line.contains(why), "{line}");
        assert!(ended.elapsed < PROMPT);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_wait_ends_at_once() {
    let (asked, mut asking) = tokio::sync::mpsc::unbounded_channel();
    let peer = Peer::start(move |_| {
        let _ = asked.send(());
        Answer::Hold(Vec::new())
    })
    .await;
    let running = run(&["check", &peer.url(), "--wait", "50s"]);
    tokio::time::timeout(PROMPT, asking.recv()).await.unwrap();
    running.interrupt();
    let ended = running.ended().await;
    ended.expect(130);
    assert!(ended.elapsed < PROMPT);
}

/// Starts a check of a server that it starts itself, by a shell with a process beside it; their ids are in `ids`.
fn check_started(more: &[&str], rest: &str) -> (Running, u16) {
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}/mcp");
    let command =
        format!("sleep 600 & echo $$ > ids; echo $! >> ids; {PROGRAM} serve --port {port}{rest}");
    let args = [
        "check",
        &url,
        "--revision",
        "2025-11-25",
        "--start",
        &command,
    ];
    (run(&[&args, more].concat()), port)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_started_and_all_of_it_is_stopped() {
    let (running, port) = check_started(&[], "; true");
    let ids = written(&running.folder().join("ids"), 2).await;
    let ended = running.ended().await;
    ended.expect(0);
    let says = format!("server | streamable-http  http://127.0.0.1:{port}/mcp");
    assert!(ended.stderr.contains(&says), "{}", ended.stderr);
    assert!(ended.stdout.contains("PASS"), "{}", ended.stdout);
    for id in ids {
        expect_gone(&id).await;
    }
    TcpListener::bind(("127.0.0.1", port)).expect("the port is free again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interruption_stops_what_was_started() {
    // It never answers, and does not mind being asked to end.
    let url = format!("http://127.0.0.1:{}/mcp", free_port());
    let command = "trap '' TERM; sleep 600 & echo $$ > ids; echo $! >> ids; wait; wait";
    for interruptions in [1, 2] {
        let running = run(&["check", &url, "--start", command]);
        let ids = written(&running.folder().join("ids"), 2).await;
        for _ in 0..interruptions {
            running.interrupt();
        }
        let ended = running.ended().await;
        ended.expect(130);
        for id in ids {
            expect_gone(&id).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_output_of_a_server_can_go_to_a_file() {
    let (running, port) = check_started(&["--start-log", "server.log"], "");
    let log = running.folder().join("server.log");
    let lines = written(&log, 3).await;
    assert!(lines[0].ends_with(&format!(":{port}/mcp")), "{lines:?}");
    let ended = running.ended().await;
    ended.expect(0);
    assert!(!ended.stderr.contains("server | "), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_be_started_is_told() {
    let (server, taken) = server(Config::default(), Transport::StreamableHttp).await;
    let free = format!("http://127.0.0.1:{}/mcp", free_port());
    let dies = "echo no such module; exit 7";
    let cases: [(&str, &[&str], u8, &[&str]); 7] = [
        (
            &free,
            &["--start", dies],
            3,
            &["server | no such module", "exit status: 7"],
        ),
        (
            &free,
            &["--start", dies, "--start-log", "log"],
            3,
            &["exit status: 7; the end of log:\n  | no such module"],
        ),
        (&free, &["--start", "kill -9 $$"], 3, &["signal: 9"]),
        (
            &free,
            &["--start", "true", "--wait", "1s"],
            3,
            &[
                "gave no answer within 1s",
                "--start had ended: exit status: 0",
            ],
        ),
        (taken.as_str(), &["--start", dies], 2, &["already"]),
        (&free, &["--start-log", "log"], 2, &["without --start"]),
        (
            &free,
            &["--start", dies, "--start-log", "no/log"],
            2,
            &["cannot write no/log"],
        ),
    ];
    for (url, args, code, parts) in cases {
        let ended = run(&[&["check", url], args].concat()).ended().await;
        ended.expect(code);
        assert_eq!(ended.stdout, "", "{args:?}");
        for part in parts {
            assert!(ended.stderr.contains(part), "{args:?}: {}", ended.stderr);
        }
    }
    let ended = run(&["check", "--start", dies]).ended().await;
    ended.expect(2);
    assert!(ended.one_line().contains("--start needs the URL"));
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_annotated_where_github_reads_them() {
    let config = Config {
        faults: ["origin-not-checked".parse().unwrap()]
            .into_iter()
            .collect(),
        ..Config::default()
    };
    let (server, url) = server(config, Transport::StreamableHttp).await;
    let check = ["check", url.as_str(), "--revision", "2025-11-25"];
    let github = [("GITHUB_ACTIONS", "true")];
    let cases: [(Variables<'_>, &[&str], bool); 4] = [
        (&[], &[], false),
        (&github, &[], true),
        (&github, &["--annotations", "never"], false),
        (&[], &["--annotations", "github"], true),
    ];
    for (variables, args, annotated) in cases {
        let ended = spawn(&[&check, args].concat(), variables, false)
            .ended()
            .await;
        ended.expect(1);
        let error = "\n::error title=initialize/origin#foreign-origin-refused-403 MUST::";
        assert_eq!(ended.stdout.contains(error), annotated, "{}", ended.stdout);
        assert_eq!(
            ended.stdout.starts_with("::stop-commands::plumb-"),
            annotated
        );
    }
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_summary_of_a_job_is_added_to() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("summary.md");
    std::fs::write(&file, "# of another step\n").unwrap();
    let (server, url) = server(Config::default(), Transport::StreamableHttp).await;
    let variables = [("GITHUB_STEP_SUMMARY", file.to_str().unwrap())];
    let check = ["check", url.as_str(), "--revision", "2025-11-25"];
    let ended = spawn(&check, &variables, false).ended().await;
    ended.expect(0);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(
        text.starts_with("# of another step\n## mcp-plumb: PASS\n"),
        "{text}"
    );
    // Where it cannot be written, that is told, and the verdict stays.
    let nowhere = folder.path().join("none/summary.md");
    let variables = [("GITHUB_STEP_SUMMARY", nowhere.to_str().unwrap())];
    let ended = spawn(&check, &variables, false).ended().await;
    ended.expect(0);
    assert!(ended.stderr.contains("no job summary"), "{}", ended.stderr);
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn completions_and_manual_pages_are_printed() {
    for (args, part) in [
        (
            ["completions", "bash"].as_slice(),
            "complete -F _mcp__plumb",
        ),
        (&["completions", "fish"], "complete -c mcp-plumb"),
        (&["man"], ".TH mcp-plumb 1"),
    ] {
        let ended = run(args).ended().await;
        ended.expect(0);
        assert!(ended.stdout.contains(part), "{args:?}: {}", ended.stdout);
    }
    let ended = run(&["completions", "bsh"]).ended().await;
    ended.expect(2);
    assert!(ended.stderr.contains("bash"), "{}", ended.stderr);
}

/// Runs a script as CI does, with the program on the path and without what the developer's shell sets for it.
async fn shell(shell: &[&str], folder: &Path, variables: Variables<'_>) -> Output {
    let mut path = Path::new(PROGRAM).parent().unwrap().as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    let mut command = Command::new(shell[0]);
    command
        .args(&shell[1..])
        .current_dir(folder)
        .env("PATH", path)
        .env_remove("GITHUB_ACTIONS")
        .env_remove("GITHUB_STEP_SUMMARY")
        .envs(variables.iter().copied())
        .kill_on_drop(true);
    let ended = tokio::time::timeout(Duration::from_secs(120), command.output());
    ended.await.expect("the script ends").unwrap()
}

#[track_caller]
fn expect_code(output: &Output, code: i32) {
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{stdout}\n{stderr}");
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A copy of an example, since it writes beside its files.
fn example(name: &str) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let from = repository("examples").join(name).join(&folder);
        std::fs::create_dir_all(copy.path().join(&folder)).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let inside = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                folders.push(inside);
            } else {
                std::fs::copy(entry.path(), copy.path().join(inside)).unwrap();
            }
        }
    }
    copy
}

/// Runs an example on a port of its own: the environment goes before its file.
async fn run_example(folder: &Path, more: &str) -> Output {
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}/mcp");
    let start = format!("exec mcp-plumb serve --port {port}{more}");
    let variables = [("MCP_PLUMB_URL", url.as_str()), ("MCP_PLUMB_START", &start)];
    shell(&["sh", "run.sh"], folder, &variables).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_validate_is_green_and_turns_red() {
    let folder = example("validate");
    let ended = run_example(folder.path(), "").await;
    expect_code(&ended, 0);
    let junit = std::fs::read_to_string(folder.path().join("mcp-plumb.xml")).unwrap();
    assert!(junit.contains("/shop/sum\""), "{junit}");
    let ended = run_example(folder.path(), " --fault origin-not-checked").await;
    expect_code(&ended, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_fan_out_finds_what_is_lost() {
    let folder = example("fan-out");
    let short = "\nduration = \"1s\"";
    let path = folder.path().join("mcp-plumb.toml");
    let file = std::fs::read_to_string(&path).unwrap();
    // A machine under load decides nothing here: only the ledger counts.
    let file = file
        .replace("\nduration = \"5s\"", short)
        .replace("<500ms", "<60s");
    std::fs::write(&path, file).unwrap();
    let ended = run_example(folder.path(), "").await;
    expect_code(&ended, 0);
    let ended = run_example(folder.path(), " --fault fanout-drop-1-in-100").await;
    expect_code(&ended, 5);
    assert!(text(&ended.stdout).contains("FAIL  threshold lost==0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_nightly_keeps_a_report_for_tomorrow() {
    let folder = example("nightly");
    let ended = run_example(folder.path(), "").await;
    expect_code(&ended, 0);
    assert!(folder.path().join("yesterday.json").is_file());
}

/// The script of a step of the action.
fn action_step(name: &str) -> String {
    let file = std::fs::read_to_string(repository("action.yml")).unwrap();
    let action: Value = serde_saphyr::from_str(&file).unwrap();
    let steps = action["runs"]["steps"].as_array().unwrap();
    let step = steps.iter().find(|step| step["name"] == name).unwrap();
    step["run"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_action_passes_its_inputs_and_gives_the_exit_code() {
    let script = action_step("Run mcp-plumb");
    // As runners start it: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
    let bash = [
        "bash",
        "--noprofile",
        "--norc",
        "-eo",
        "pipefail",
        "-c",
        &script,
    ];
    for (fault, code) in [("", 0), (" --fault origin-not-checked", 1)] {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let url = format!("http://127.0.0.1:{port}/mcp");
        let start = format!("mcp-plumb serve --port {port}{fault}");
        let output = folder.path().join("output");
        let variables = [
            ("PLUMB_BINARY", PROGRAM),
            ("PLUMB_COMMAND", "check"),
            ("PLUMB_URL", &url),
            ("PLUMB_START", &start),
            ("PLUMB_WAIT", "50s"),
            (
                "PLUMB_ARGS",
                "--revision '2025-11-25' --header \"X-Note: $(touch evil) a\"",
            ),
            ("PLUMB_REPORT_DIR", "reports of plumb"),
            ("PLUMB_FORMATS", "json junit"),
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_OUTPUT", output.to_str().unwrap()),
        ];
        let ended = shell(&bash, folder.path(), &variables).await;
        expect_code(&ended, code);
        let written = std::fs::read_to_string(&output).unwrap();
        assert_eq!(written, format!("exit-code={code}\n"));
        for report in ["mcp-plumb.json", "mcp-plumb.xml"] {
            let path = folder.path().join("reports of plumb").join(report);
            assert!(path.is_file(), "{report}");
        }
        assert!(!folder.path().join("evil").exists());
        let annotated = text(&ended.stdout).contains("\n::error title=initialize/origin#");
        assert_eq!(annotated, code == 1);
    }
}
