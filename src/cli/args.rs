//! Options that several subcommands share.

use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use url::Url;

use super::Refusal;
use super::access::AccessArgs;
use super::annotations::Annotations;
use super::config::ConfigArgs;
use super::ready::ReadyArgs;
use crate::detect::Wish;
use crate::engine::Fixtures;
use crate::protocol::{Revision, Transport};
use crate::report::ReportSpec;
use crate::scenario::words::Span;

/// Which server, and how to speak to it.
#[derive(Clone, Debug, Args)]
pub(super) struct TargetArgs {
    /// The URL of the server's MCP endpoint. Without it, the bundled reference server is started on a free loopback port.
    pub(super) url: Option<String>,
    /// The transport: auto, streamable-http or hybrid.
    #[arg(long, default_value = "auto")]
    pub(super) transport: TransportChoice,
    /// The longest wait for one answer, for instance 500ms or 5s.
    #[arg(long, default_value = "5s", value_name = "TIME")]
    pub(super) timeout: Timeout,
    /// Which tools play which role: a preset (reference) or a YAML file. Tools named here may be called.
    #[arg(long, value_name = "FILE|PRESET")]
    pub(super) fixtures: Option<String>,
    /// A tool that may be called although it is not marked read-only. May be given several times.
    #[arg(long = "allow-tool", value_name = "NAME")]
    pub(super) allowed_tools: Vec<String>,
    #[command(flatten)]
    pub(super) access: AccessArgs,
    #[command(flatten)]
    pub(super) ready: ReadyArgs,
    #[command(flatten)]
    pub(super) config: ConfigArgs,
}

impl TargetArgs {
    /// The URL, if one is given.
    pub(super) fn url(&self) -> Result<Option<Url>, Refusal> {
        self.url.as_deref().map(parse_url).transpose()
    }

    pub(super) fn fixtures(&self) -> Result<Fixtures, Refusal> {
        let mut fixtures = match &self.fixtures {
            Some(word) => Fixtures::load(word)
                .map_err(|error| Refusal::usage(format!("--fixtures: {error}")))?,
            // The reference server that we start ourselves is known.
            None if self.url.is_none() => Fixtures::reference(),
            None => Fixtures::default(),
        };
        fixtures.allow.extend(self.allowed_tools.iter().cloned());
        Ok(fixtures)
    }

    pub(super) fn wish(&self, revision: Option<Revision>) -> Wish {
        Wish {
            transport: self.transport.0,
            revision,
        }
    }
}

/// Reads a URL as people write it.
fn parse_url(text: &str) -> Result<Url, Refusal> {
    let complete =
        || format!("write it whole, for instance http://127.0.0.1:3000/mcp (not '{text}')");
    match Url::parse(text) {
        Ok(url) if !url.username().is_empty() || url.password().is_some() => Err(Refusal::usage(
            "credentials in the URL are not sent; give them with --header 'Authorization: Basic …', or keep them off the command line with --header-env",
        )),
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
        Ok(url) if url.has_host() => Err(Refusal::usage(format!(
            "the URL's scheme is '{}', and only http and https can be tested",
            url.scheme()
        ))),
        _ => match Url::parse(&format!("http://{text}")) {
            Ok(meant) if meant.has_host() && !text.contains(char::is_whitespace) => Err(
                Refusal::usage(format!("the URL lacks its scheme, did you mean '{meant}'?")),
            ),
            _ => Err(Refusal::usage(format!("this is no URL: {}", complete()))),
        },
    }
}

/// `auto`, or a transport.
#[derive(Clone, Copy, Debug)]
pub(super) struct TransportChoice(pub(super) Option<Transport>);

impl FromStr for TransportChoice {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        if word == "auto" {
            return Ok(Self(None));
        }
        let transport = Transport::from_str(word).map_err(|error| format!("{error}, or auto"))?;
        Ok(Self(Some(transport)))
    }
}

/// A revision, or all of them.
#[derive(Clone, Copy, Debug)]
pub(super) enum RevisionChoice {
    /// Each that the server offers.
    All,
    /// This one.
    One(Revision),
}

impl FromStr for RevisionChoice {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        if word == "all" {
            return Ok(Self::All);
        }
        Revision::from_str(word)
            .map(Self::One)
            .map_err(|error| error.to_string())
    }
}

/// A span of time that is not zero.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeout(pub(super) Duration);

impl FromStr for Timeout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse::<Span>() {
            Ok(span) if !span.get().is_zero() => Ok(Self(span.get())),
            Ok(_) => Err("it must be more than zero".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// How often per second: more than zero, at most 100,000.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate(pub(super) f64);

impl Rate {
    const MAX: f64 = 100_000.0;
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse::<f64>() {
            Ok(rate) if rate > 0.0 && rate <= Self::MAX => Ok(Self(rate)),
            _ => Err(format!("a rate is a number above 0, at most {}", Self::MAX)),
        }
    }
}

/// How the result is reported.
#[derive(Clone, Debug, Args)]
pub(super) struct ReportArgs {
    /// Writes a report: html, md, json, ndjson, junit, csv, hlog, badge or wire, such as html=report.html; the path - is stdout.
    /// May be given several times.
    #[arg(long = "report", value_name = "FORMAT=PATH")]
    pub(super) reports: Vec<ReportSpec>,
    /// Violations of a SHOULD, and of good practice, fail the run too.
    #[arg(long)]
    pub(super) strict: bool,
    /// Tells what failed in the way that a CI service shows beside a change: auto (where one is recognised), github or
    /// never.
    #[arg(long, default_value = "auto", value_name = "auto|github|never")]
    pub(super) annotations: Annotations,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_as_people_write_them() {
        let cases = [
            ("http://127.0.0.1:3000/mcp", None),
            ("https://example.com/mcp", None),
            (
                "localhost:3000/mcp",
                Some("did you mean 'http://localhost:3000/mcp'"),
            ),
            (
                "127.0.0.1:3000",
                Some("did you mean 'http://127.0.0.1:3000/'"),
            ),
            (
                "http://user:secret@example.com/",
                Some("--header 'Authorization"),
            ),
            ("ftp://example.com/", Some("only http and https")),
            ("not a url", Some("this is no URL")),
            ("", Some("this is no URL")),
        ];
        for (text, expected) in cases {
            let got = parse_url(text).err().map(|refusal| refusal.message);
            match (expected, got) {
                (None, None) => {}
                (Some(part), Some(message)) => assert!(message.contains(part), "{text}: {message}"),
                (expected, got) => panic!("{text}: expected {expected:?}, got {got:?}"),
            }
        }
    }
}
