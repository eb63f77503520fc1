//! Stdout is the result of the tool, so goose must write nothing there. Looked at from outside: this test starts itself
//! as a child.

use std::process::Command;
use std::sync::Arc;

use mcp_plumb_load_scheduler::{Body, Lane, Plan, run, stop};

const CHILD: &str = "MCP_PLUMB_SCHEDULER_TEST_CHILD";
const NAME: &str = "a_run_prints_nothing_on_stdout";

#[test]
fn a_run_prints_nothing_on_stdout() {
    if std::env::var_os(CHILD).is_some() {
        child();
        return;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture", "--test-threads=1", "-q"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(stdout.contains("begin\nend\n"), "{stdout}");
}

fn child() {
    println!("\nbegin");
    let body: Body = Arc::new(|index| {
        if index == 4 {
            stop("the last one runs");
        }
        Box::pin(std::future::ready(()))
    });
    let plan = Plan {
        host: "http://127.0.0.1:9".to_owned(),
        opens_per_s: 200.0,
        lanes: vec![Lane {
            name: "five".to_owned(),
            users: 5,
            body,
        }],
    };
    let summary = tokio::runtime::Runtime::new().unwrap().block_on(run(plan));
    println!("end");
    assert_eq!(summary.unwrap().started, [5]);
}
