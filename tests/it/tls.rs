//! Encrypted targets: who is trusted, who is not and what the user is told then, and that all works over them.

use std::path::Path;

use axum::http::Version;
use mcp_plumb::protocol::Transport;
use mcp_plumb_reference_server::{Config, RunningServer};
use rcgen::{BasicConstraints, CertificateParams, IsCa, date_time_ymd};
use serde_json::Value;
use tempfile::TempDir;
use url::Url;

use super::front::{Authority, Front, Identity, Manner};
use super::peer::{Answer, Peer, well_behaved};
use super::program::{Ended, start, start_with_report};
use super::support::server;

const HTTP_1: &[&str] = &["http/1.1"];
const HTTP_2: &[&str] = &["h2", "http/1.1"];
/// A load as short as it may be.
const SHORT: [&str; 6] = ["--streams", "3", "--duration", "500ms", "--rate", "10"];

/// An authority, its folder of PEM files, and a server to stand before.
struct Place {
    authority: Authority,
    folder: TempDir,
    server: RunningServer,
    target: Url,
}

impl Place {
    async fn new() -> Self {
        let (server, target) = server(Config::default(), Transport::StreamableHttp).await;
        let place = Self {
            authority: Authority::new("ours"),
            folder: tempfile::tempdir().unwrap(),
            server,
            target,
        };
        place.write("ca.pem", &place.authority.pem());
        place
    }

    /// Writes a file and gives its path.
    fn write(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn path(&self, name: &str) -> String {
        let path: &Path = &self.folder.path().join(name);
        path.to_str().unwrap().to_owned()
    }

    async fn front(&self, identity: &Identity, alpn: &[&str]) -> Front {
        Front::start(&self.target, &Manner::new(identity, alpn)).await
    }
}

/// `check` on a URL that cannot be reached: exit 3, and one line that says why.
async fn refused(url: &str, more: &[&str]) -> String {
    let ended = start(&[&["check", url], more].concat()).ended().await;
    ended.expect(3);
    ended.stderr
}

/// The checks that were not exercised, by id.
fn skipped(report: &Value) -> Vec<&str> {
    let checks = report["runs"][0]["checks"].as_array().unwrap().iter();
    let skipped = checks.filter(|check| check["verdict"] == "skip");
    skipped.filter_map(|check| check["id"].as_str()).collect()
}

fn is_all_of(front: &Front, version: Version) {
    let versions: Vec<Version> = front.seen().into_iter().map(|(it, _)| it).collect();
    assert!(!versions.is_empty());
    assert!(versions.iter().all(|it| *it == version), "{versions:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_come_to_the_same_over_each_version_of_http() {
    let place = Place::new().await;
    let identity = place.authority.issue("127.0.0.1");
    let ca = place.path("ca.pem");
    let check = |url: String| {
        let args = ["check", &url, "--cacert", &ca, "--fixtures", "reference"];
        let running = start_with_report(&args);
        async move {
            let ended = running.ended().await;
            ended.expect(0);
            ended.report()
        }
    };
    let plain = check(place.target.to_string()).await;
    for (alpn, version) in [(HTTP_1, Version::HTTP_11), (HTTP_2, Version::HTTP_2)] {
        let front = place.front(&identity, alpn).await;
        let report = check(front.url()).await;
        is_all_of(&front, version);
        assert_eq!(skipped(&report), skipped(&plain), "{version:?}");
        assert_eq!(report["target"]["unverified"], false);
    }
    place.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn load_is_measured_over_each_version_of_http() {
    let place = Place::new().await;
    let identity = place.authority.issue("127.0.0.1");
    for (alpn, version) in [(HTTP_1, Version::HTTP_11), (HTTP_2, Version::HTTP_2)] {
        let front = place.front(&identity, alpn).await;
        let (url, ca) = (front.url(), place.path("ca.pem"));
        let args = [&["load", &url, "--cacert", &ca], SHORT.as_slice()].concat();
        let ended = start_with_report(&args).ended().await;
        ended.expect(0);
        is_all_of(&front, version);
        assert_eq!(ended.count("/load/streams/opened"), 3);
        assert_eq!(ended.count("/load/deliveries/received"), 15);
    }
    place.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_not_trusted_is_told_with_the_way_out() {
    let place = Place::new().await;
    let expired = |params: &mut CertificateParams| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2020, 2, 1);
    };
    let early = |params: &mut CertificateParams| {
        params.not_before = date_time_ymd(3000, 1, 1);
        params.not_after = date_time_ymd(3000, 2, 1);
    };
    let authority = |params: &mut CertificateParams| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    };
    let own = &place.authority;
    for (identity, hint) in [
        (
            Authority::new("theirs").issue("127.0.0.1"),
            "authority that is not known here",
        ),
        (
            Authority::new("ours").issue("127.0.0.1"),
            "the authority of that name",
        ),
        (own.issue("elsewhere.example"), "another host name"),
        (own.issue_with("127.0.0.1", expired), "has expired"),
        (own.issue_with("127.0.0.1", early), "not valid yet"),
        (own.issue_with("127.0.0.1", authority), "CA:TRUE"),
    ] {
        let front = place.front(&identity, HTTP_2).await;
        let url = front.url();
        let ca = place.path("ca.pem");
        let told = refused(&url, &["--cacert", &ca]).await;
        assert!(
            told.contains(hint) && told.contains("--insecure"),
            "{hint}: {told}"
        );
        let args = [&["load", &url, "--cacert", &ca], SHORT.as_slice()].concat();
        start(&args).ended().await.expect(3);
        assert_eq!(
            front.seen().len(),
            0,
            "nothing is sent to whom is not trusted"
        );
        let args = [&["load", &url, "--insecure"], SHORT.as_slice()].concat();
        unverified(&start_with_report(&args).ended().await);
    }
    let front = place.front(&own.issue("127.0.0.1"), HTTP_2).await;
    let told = refused(&front.url(), &[]).await;
    assert!(told.contains("not known here"), "{told}");
    place.server.shutdown().await;
}

fn unverified(ended: &Ended) {
    ended.expect(0);
    assert_eq!(ended.report()["target"]["unverified"], true);
    assert!(ended.stdout.contains("not verified"), "{}", ended.stdout);
    assert!(ended.stderr.contains("--insecure"), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_certificate_is_shown_where_one_is_required() {
    let place = Place::new().await;
    let clients = Authority::new("clients");
    let client = clients.issue("client");
    let stranger = place.authority.issue("stranger");
    let pem = |identity: &Identity| (identity.certificate.pem(), identity.key.serialize_pem());
    let (certificate, key) = pem(&client);
    let cert = place.write("cert.pem", &certificate);
    let both = place.write("both.pem", &format!("{key}{certificate}"));
    let key = place.write("key.pem", &key);
    let (certificate, strange_key) = pem(&stranger);
    let strange = place.write("stranger.pem", &format!("{certificate}{strange_key}"));
    let ca = place.path("ca.pem");
    let identity = place.authority.issue("127.0.0.1");
    for alpn in [HTTP_1, HTTP_2] {
        let manner = Manner {
            clients_of: Some(&clients),
            ..Manner::new(&identity, alpn)
        };
        let front = Front::start(&place.target, &manner).await;
        let url = front.url();
        let told = refused(&url, &["--cacert", &ca]).await;
        assert!(told.contains("--cert and --key"), "{alpn:?}: {told}");
        let told = refused(&url, &["--cacert", &ca, "--cert", &strange]).await;
        assert!(told.contains("--cert and --key"), "{alpn:?}: {told}");
        assert_eq!(front.seen().len(), 0);
        for shown in [
            ["--cert", &cert, "--key", &key].as_slice(),
            &["--cert", &both],
        ] {
            let args = [&["load", &url, "--cacert", &ca], shown, &SHORT].concat();
            start_with_report(&args).ended().await.expect(0);
        }
    }
    place.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_scheme_is_told() {
    let place = Place::new().await;
    let encrypted = place.target.as_str().replacen("http://", "https://", 1);
    let told = refused(&encrypted, &[]).await;
    assert!(told.contains("not TLS; is the URL http://"), "{told}");
    let identity = place.authority.issue("127.0.0.1");
    let front = place.front(&identity, HTTP_1).await;
    let plain = front.url().replacen("https://", "http://", 1);
    let told = refused(&plain, &[]).await;
    assert!(told.contains("not HTTP; is the URL https://"), "{told}");
    let silent = Peer::start(|_| Answer::Hold(Vec::new())).await;
    let encrypted = silent.url().replacen("http://", "https://", 1);
    let told = refused(&encrypted, &["--timeout", "500ms"]).await;
    assert!(told.contains("within 500 ms"), "{told}");
    place.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_cannot_be_used_are_refused_before_anything_is_sent() {
    let place = Place::new().await;
    let one = place.authority.issue("one");
    let two = place.authority.issue("two");
    let ca = place.path("ca.pem");
    let empty = place.write("empty.pem", "");
    let none = place.path("none.pem");
    let folder = place.path("");
    let text = place.write(
        "text.pem",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    );
    let broken = place.write("broken.pem", "-----BEGIN CERTIFICATE-----\n!!!\n");
    let cert = place.write("cert.pem", &one.certificate.pem());
    let key = place.write("key.pem", &two.key.serialize_pem());
    let sealed = one
        .key
        .serialize_pem()
        .replace("PRIVATE", "ENCRYPTED PRIVATE");
    let sealed = place.write("sealed.pem", &sealed);
    let huge = place.write("huge.pem", &"x".repeat(1024 * 1024 + 1));
    let peer = Peer::start(well_behaved).await;
    let url = peer.url();
    let cases: [(&[&str], &str); 12] = [
        (&["--cacert", &none], "cannot be read"),
        (&["--cacert", &folder], "cannot be read"),
        (&["--cacert", &empty], "no PEM certificate"),
        (&["--cacert", &key], "no PEM certificate"),
        (&["--cacert", &text], "certificate that cannot be read"),
        (&["--cacert", &broken], "certificate that cannot be read"),
        (&["--cacert", &huge], "larger than 1 MiB"),
        (&["--cert", &cert], "no PEM private key"),
        (&["--cert", &cert, "--key", &ca], "no PEM private key"),
        (&["--cert", &cert, "--key", &key], "cannot be used with its"),
        (&["--cert", &cert, "--key", &sealed], "decrypt it first"),
        (&["--cert", &empty, "--key", &key], "no PEM certificate"),
    ];
    for (args, part) in cases {
        for command in ["check", "load", "run"] {
            let ended = start(&[&[command, &url], args].concat()).ended().await;
            ended.expect(2);
            let line = ended.one_line();
            let path = args[args.len() - 1];
            let named = line.contains(path) || part == "no PEM certificate";
            assert!(line.contains(part) && named, "{args:?}: {line}");
        }
    }
    let ended = start(&["check", &url, "--key", &key]).ended().await;
    ended.expect(2);
    assert!(ended.stderr.contains("--cert"), "{}", ended.stderr);
    assert_eq!(peer.connections(), 0);
    place.server.shutdown().await;
}
