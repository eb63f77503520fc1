//! Reports of real runs, as the program writes them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use serde_json::Value;

use crate::program;

/// A folder for reports, and the `--report` words for these formats in it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn spec(&self, format: &str) -> String {
        format!("{format}={}", self.0.path().join(format).display())
    }

    fn read(&self, format: &str) -> String {
        std::fs::read_to_string(self.0.path().join(format)).unwrap()
    }
}

#[tokio::test]
async fn a_load_is_written_in_every_form() {
    let folder = Folder::new();
    let formats = [
        "json", "html", "md", "ndjson", "hlog", "csv", "badge", "wire",
    ];
    let specs = formats.map(|format| folder.spec(format));
    let mut args = vec![
        "load",
        "--streams",
        "5",
        "--rate",
        "20",
        "--duration",
        "3s",
        "--callers",
        "1",
    ];
    for spec in &specs {
        args.extend(["--report", spec]);
    }
    let ended = program::start(&args).ended().await;
    // Thresholds may be missed on a slow machine; that changes no form.
    assert!(matches!(ended.code, Some(0 | 5)), "{ended:?}");

    let document: Value = serde_json::from_str(&folder.read("json")).unwrap();
    let load = &document["load"];
    let series = load["series"].as_array().unwrap();
    assert!(series.len() >= 3, "{series:?}");
    let rises = |pair: &[Value]| pair[0]["t_s"].as_f64() < pair[1]["t_s"].as_f64();
    assert!(series.windows(2).all(rises), "{series:?}");
    assert!(
        series.iter().any(|it| it["fanout_p99_us"].is_u64()),
        "{series:?}"
    );
    assert!(series.iter().any(|it| it["streams"] == 5), "{series:?}");
    // A line for each sample of the target, and the head.
    assert_eq!(folder.read("csv").lines().count(), series.len() + 1);

    let log = folder.read("hlog");
    let fanout = IntervalLogIterator::new(log.as_bytes()).find_map(|entry| match entry.unwrap() {
        LogEntry::Interval(interval) if interval.tag().unwrap().as_str() == "fanout" => {
            Some(STANDARD.decode(interval.encoded_histogram()).unwrap())
        }
        _ => None,
    });
    let fanout = fanout.unwrap();
    let histogram: Histogram<u64> = Deserializer::new()
        .deserialize(&mut fanout.as_slice())
        .unwrap();
    let reported = &load["latency_us"]["fanout"];
    assert_eq!(reported["count"], histogram.len());
    assert_eq!(reported["p99"], histogram.value_at_quantile(0.99));

    assert!(folder.read("html").contains("Latency by percentile"));
    assert!(folder.read("md").contains("| fan-out |"));
    let badge: Value = serde_json::from_str(&folder.read("badge")).unwrap();
    assert!(
        badge["message"].as_str().unwrap().ends_with(" thresholds"),
        "{badge}"
    );
    let events = folder.read("ndjson");
    assert!(
        events
            .lines()
            .last()
            .unwrap()
            .starts_with("{\"event\":\"summary\"")
    );
    // How it was found out is all that is recorded of a load.
    assert!(
        folder
            .read("wire")
            .contains("> request POST http://127.0.0.1:")
    );
}

#[tokio::test]
async fn a_job_summary_is_appended_and_told() {
    let folder = Folder::new();
    let page = folder.0.path().join("summary");
    std::fs::write(&page, "of the step before\n").unwrap();
    let variables = [("GITHUB_STEP_SUMMARY", page.to_str().unwrap())];
    let wire = folder.spec("wire");
    let args = ["check", "--revision", "2025-11-25", "--report", &wire];
    let ended = program::spawn(&args, &variables, false).ended().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let text = folder.read("summary");
    assert!(
        text.starts_with("of the step before\n## mcp-plumb: PASS\n"),
        "{text}"
    );
    assert!(
        ended
            .stderr
            .contains("the summary was added to GITHUB_STEP_SUMMARY"),
        "{ended:?}"
    );
    // The transcript has what no finding points at.
    assert!(folder.read("wire").matches("> request POST").count() > 20);

    let nowhere = [("GITHUB_STEP_SUMMARY", "/nonexistent/summary")];
    let ended = program::spawn(&args, &nowhere, false).ended().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("no job summary: "), "{ended:?}");
}
