//! Options from a file and from the environment: which goes before which, and what is said of a file that is wrong.

use super::peer::{Peer, well_behaved};
use super::program::{Ended, Variables, spawn_among};

async fn shown(file: &str, args: &[&str], variables: Variables<'_>) -> Ended {
    let args = [args, &["--print-config"]].concat();
    let files = [("mcp-plumb.toml", file)];
    let ended = spawn_among(&files, &args, variables, false).ended().await;
    ended.expect(0);
    assert_eq!(ended.stderr, "");
    ended
}

/// The row of an option, with one space where there are several.
#[track_caller]
fn row(ended: &Ended, key: &str) -> String {
    let begins = [format!("{key} = "), format!("# {key} =")];
    let mut rows = ended.stdout.lines();
    let row = rows.find(|row| begins.iter().any(|begin| row.starts_with(begin)));
    let row = row.unwrap_or_else(|| panic!("no {key}: {}", ended.stdout));
    row.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_goes_before_the_environment_and_that_before_the_file() {
    let file = "timeout = '3s'\n[check]\nstrict = true\n[load]\nstreams = 7\n";
    let variable = [("MCP_PLUMB_TIMEOUT", "4s")];
    let cases: [(&[&str], Variables<'_>, &str); 3] = [
        (&["check"], &[], "timeout = \"3s\" # mcp-plumb.toml, line 1"),
        (
            &["check"],
            &variable,
            "timeout = \"4s\" # environment, MCP_PLUMB_TIMEOUT",
        ),
        (
            &["check", "--timeout", "5s"],
            &variable,
            "timeout = \"5s\" # command line",
        ),
    ];
    for (args, variables, expected) in cases {
        let ended = shown(file, args, variables).await;
        assert_eq!(row(&ended, "timeout"), expected);
        let strict = "strict = true # mcp-plumb.toml, line 3";
        assert_eq!(row(&ended, "strict"), strict);
        assert_eq!(row(&ended, "transport"), "transport = \"auto\" # default");
        assert_eq!(row(&ended, "wait"), "# wait = # not set");
    }
    let load = shown(file, &["load"], &[]).await;
    assert_eq!(row(&load, "strict"), "strict = false # default");
    let streams = "streams = 7 # mcp-plumb.toml, line 5";
    assert_eq!(row(&load, "streams"), streams);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_replaced_and_what_excludes_another_too() {
    let file = "allow-tool = ['a', 'b']\nbearer-env = 'A'\n";
    let kept = shown(file, &["check"], &[]).await;
    let list = "allow-tool = [\"a\", \"b\"] # mcp-plumb.toml, line 1";
    assert_eq!(row(&kept, "allow-tool"), list);
    let args = ["check", "--allow-tool", "c", "--bearer-file", "f"];
    let replaced = shown(file, &args, &[]).await;
    let list = "allow-tool = [\"c\"] # command line";
    assert_eq!(row(&replaced, "allow-tool"), list);
    assert_eq!(row(&replaced, "bearer-env"), "# bearer-env = # not set");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_printed_is_a_file_that_says_the_same() {
    let file = "url = 'http://127.0.0.1:1/mcp'\n[load]\nstreams = 7\nrate = 0.5\n\
        trigger = 'tool=a:{\"b\": \"\\\\ c\"}'\nthreshold = ['lost==0', 'fanout.p99<50ms']\n";
    let once = shown(file, &["load"], &[]).await;
    let again = shown(&once.stdout, &["load"], &[]).await;
    let values = |ended: &Ended| -> Vec<String> {
        let rows = ended.stdout.lines();
        rows.filter_map(|row| row.rsplit_once("  #"))
            .map(|(row, _)| row.trim_end().to_owned())
            .collect()
    };
    assert_eq!(values(&once), values(&again));
    assert!(again.stdout.contains("\"lost==0\", \"fanout.p99<50ms\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_not_printed() {
    let file = "header = ['X-Key: s3cr3t-value']\nurl = 'http://127.0.0.1:1/?token=s3cr3t-value'\n";
    let ended = shown(file, &["check"], &[("MCP_PLUMB_BEARER_ENV", "TOKEN")]).await;
    assert!(!ended.stdout.contains("s3cr3t"), "{}", ended.stdout);
    assert!(row(&ended, "header").starts_with("header = [\"X-Key: (redacted)\"]"));
    assert!(row(&ended, "url").starts_with("url = \"http://127.0.0.1:1/?token=redacted\""));
    assert!(row(&ended, "bearer-env").starts_with("bearer-env = \"TOKEN\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_wrong_is_refused_with_its_line() {
    let large = format!("# {}", "x".repeat(70_000));
    let cases = [
        (
            "\ntiemout = '3s'",
            "line 2: unknown key 'tiemout', did you mean 'timeout'?",
        ),
        (
            "timeout = '3 parsecs'",
            "line 1: 'timeout': invalid value '3 parsecs'",
        ),
        ("strict = 1", "line 1: 'strict' must be true or false"),
        (
            "timeout = true",
            "line 1: 'timeout' must be a text or a number",
        ),
        ("url = ['a', 'b']", "line 1: 'url' must be one value"),
        (
            "header = [['a']]",
            "line 1: 'header' cannot be a list of lists",
        ),
        ("config = 'a'", "line 1: unknown key 'config'"),
        (
            "[laod]\nstreams = 3",
            "line 1: no table is called 'laod', did you mean 'load'?",
        ),
        ("[list]\n", "line 1: no table is called 'list'"),
        // Whichever command is run.
        (
            "[load]\nstrems = 3",
            "line 2: 'load' has no key 'strems', did you mean 'streams'?",
        ),
        (
            "[check]\nstreams = 3",
            "line 2: 'check' has no key 'streams'",
        ),
        (
            "report = 'jsno=x'",
            "line 1: 'report': invalid value 'jsno=x'",
        ),
        ("key = 'a'", "--cert"),
        ("bearer-env = 'A'\nbearer-file = 'B'", "cannot be used with"),
        ("a = \n", "line 1: "),
        ("strict = true\nstrict = false", "line 2: duplicate key"),
        ("\u{1b}[31m = 1", "line 1: "),
        (large.as_str(), "is larger than 64 KiB"),
    ];
    for (file, part) in cases {
        let files = [("mcp-plumb.toml", file)];
        let ended = spawn_among(&files, &["check"], &[], false).ended().await;
        ended.expect(2);
        let line = ended.one_line();
        assert!(line.starts_with("mcp-plumb: mcp-plumb.toml: "), "{line}");
        assert!(line.contains(part), "{part}: {line}");
        assert!(!line.contains('\u{1b}'));
        assert_eq!(ended.stdout, "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_can_be_another_or_none() {
    let files = [
        ("mcp-plumb.toml", "timeout = '3s'"),
        ("other.toml", "timeout = '6s'"),
    ];
    let cases: [(&[&str], Variables<'_>, &str); 3] = [
        (
            &["--config", "other.toml"],
            &[],
            "\"6s\" # other.toml, line 1",
        ),
        (
            &[],
            &[("MCP_PLUMB_CONFIG", "other.toml")],
            "\"6s\" # other.toml, line 1",
        ),
        (&["--no-config"], &[], "\"5s\" # default"),
    ];
    for (args, variables, expected) in cases {
        let args = [&["run", "--print-config"], args].concat();
        let ended = spawn_among(&files, &args, variables, false).ended().await;
        ended.expect(0);
        assert_eq!(row(&ended, "timeout"), format!("timeout = {expected}"));
    }
    let args = ["check", "--config", "none.toml"];
    let ended = spawn_among(&files, &args, &[], false).ended().await;
    ended.expect(2);
    assert!(ended.one_line().contains("none.toml: cannot be read"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_options_of_a_file_are_obeyed() {
    let peer = Peer::start(well_behaved).await;
    let file = format!(
        "url = '{}'\ntimeout = '500ms'\nreport = 'json=report.json'\n",
        peer.url()
    );
    let files = [("mcp-plumb.toml", file.as_str())];
    let ended = spawn_among(&files, &["check"], &[], false).ended().await;
    assert_eq!(ended.report()["target"]["url"], peer.url());
    assert!(peer.connections() > 0);
}
