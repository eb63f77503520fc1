//! The HTML report in a real browser: it loads without a request and without a complaint, whatever a target said.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use mcp_plumb::report::{Document, Outcome, Run, Target, html};
use tokio::net::TcpListener;

/// Names under which Chromium is installed.
const BROWSERS: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

fn browser() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let all = BROWSERS
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    all.into_iter().find(|path| path.is_file())
}

/// A page with everything in it that a target could try.
fn hostile(port: u16) -> String {
    let there = format!("http://127.0.0.1:{port}");
    let text = format!(
        "</title></style></pre><script src={there}/s></script><script>console.error('ran')</script>\
         <img src={there}/i onerror=\"console.error('ran')\"><svg onload=\"console.error('ran')\">\
         <link rel=stylesheet href={there}/l><iframe src={there}/f></iframe>\" style=\"background:url({there}/b)"
    );
    let mut document = Document::new(Target {
        url: text.clone(),
        ..Target::default()
    });
    document.not_exercised = Some(text.clone());
    let run = |revision: &str| Run {
        transport: Some(text.clone()),
        revision: Some(revision.to_owned()),
        outcome: Outcome::NotOffered,
        why: Some(text.clone()),
        doubt: Some(text.clone()),
        server: Some(text.clone()),
        ..Run::default()
    };
    document.add_run(run(&text));
    document.add_run(run("2025-11-25"));
    html::render(&document, true).unwrap()
}

/// What the browser makes of a page, and what it says on its console.
fn opened(browser: &Path, page: &Path, profile: &Path) -> (String, String) {
    let output = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--enable-logging=stderr",
            "--timeout=20000",
            "--dump-dom",
        ])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[tokio::test]
async fn pages_load_without_a_request_or_a_complaint() {
    let Some(browser) = browser() else {
        eprintln!("skipped: none of {BROWSERS:?} is installed");
        return;
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    let trap = folder.path().join("hostile.html");
    std::fs::write(&trap, hostile(port)).unwrap();
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/samples");
    let mut pages = vec![trap];
    pages.extend(["check", "matrix", "load"].map(|name| samples.join(format!("{name}.html"))));
    for page in pages {
        let profile = folder.path().join("profile");
        let of_page = page.clone();
        let browser = browser.clone();
        let opening = tokio::task::spawn_blocking(move || opened(&browser, &of_page, &profile));
        let (dom, console) = opening.await.unwrap();
        assert!(dom.contains("<footer>"), "{}: {console}", page.display());
        assert!(
            !console.contains("CONSOLE"),
            "{}: {console}",
            page.display()
        );
        for element in ["<script", "<img", "<link", "<iframe"] {
            assert!(!dom.contains(element), "{}: {element}", page.display());
        }
    }
    let asked = tokio::time::timeout(Duration::ZERO, listener.accept()).await;
    assert!(asked.is_err(), "the page asked for something");
}
