//! What holds on all traffic, whatever the scenario: judged on every exchange and every stream of a run.

mod meta;
mod rules;
mod stateless;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use self::rules::{Judgement, Rule, Seen, What, is_initialize};
use super::verdict::{CheckResult, Skip, SkipReason, Verdict};
use crate::catalog::Catalog;
use crate::protocol::{Revision, Transport};
use crate::transport::curl::curl;
use crate::transport::{Arrival, BodyEnd, Exchange, Recorder};

/// The scenario part of the ids of these checks.
const SCENARIO: &str = "wire/traffic";

/// The rules about session ids need the whole run.
const SESSION_ID_RULES: [(&str, &[&str], &str); 2] = [
    (
        "session-id-is-visible-ascii",
        &["streamable.session.id-visible-ascii"],
        "a session id of characters 0x21 to 0x7E",
    ),
    (
        "session-ids-differ",
        &["streamable.session.id-nondeterministic"],
        "a new session id for every session",
    ),
];

/// Every rule that is judged on one exchange or stream by itself.
fn rules() -> impl Iterator<Item = &'static Rule> {
    rules::RULES.iter().chain(&stateless::RULES)
}

/// How many there are.
const RULES_LEN: usize = rules::RULES.len() + stateless::RULES.len();

/// The checks on all traffic: id, the requirements of which the first that holds counts, and what is expected.
pub fn traffic_checks() -> impl Iterator<Item = (String, &'static [&'static str], &'static str)> {
    rules()
        .map(|rule| (rule.slug, rule.requirements, rule.expected))
        .chain(SESSION_ID_RULES)
        .map(|(slug, requirements, expected)| {
            (format!("{SCENARIO}#{slug}"), requirements, expected)
        })
}

#[derive(Clone, Debug, Default)]
struct Tally {
    held: u32,
    violations: u32,
    first: Option<Violation>,
}

#[derive(Clone, Debug)]
struct Violation {
    got: String,
    evidence: Vec<u32>,
    curl: String,
}

impl Tally {
    fn add(&mut self, judgement: Judgement, violation: impl FnOnce(String) -> Violation) {
        match judgement {
            None => {}
            Some(Ok(())) => self.held += 1,
            Some(Err(got)) => {
                self.violations += 1;
                self.first.get_or_insert_with(|| violation(got));
            }
        }
    }
}

/// Judges what it is shown, from any task.
#[derive(Debug)]
pub(super) struct Traffic {
    recorder: Arc<Recorder>,
    revision: Revision,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    tallies: Vec<Tally>,
    session_ids: BTreeSet<String>,
}

impl Traffic {
    pub(super) fn new(recorder: Arc<Recorder>, revision: Revision) -> Self {
        Self {
            recorder,
            revision,
            inner: Mutex::new(Inner {
                tallies: vec![Tally::default(); RULES_LEN + SESSION_ID_RULES.len()],
                session_ids: BTreeSet::new(),
            }),
        }
    }

    /// Judges an exchange.
    pub(super) fn exchange(&self, exchange: &Exchange) {
        self.add(What::Exchange(exchange), &exchange.records, exchange);
        self.session_id(exchange);
    }

    /// Judges a session's stream, at its end.
    pub(super) fn stream(
        &self,
        opening: &Exchange,
        arrivals: &[Arrival],
        end: Option<&BodyEnd>,
        unterminated: bool,
    ) {
        let mut evidence = opening.records.clone();
        evidence.extend(arrivals.iter().map(|arrival| arrival.record));
        let seen = What::Stream {
            resumes: opening.request.headers.get("last-event-id").is_some(),
            arrivals,
            end,
            unterminated,
        };
        self.add(seen, &evidence, opening);
    }

    fn add(&self, what: What<'_>, evidence: &[u32], exchange: &Exchange) {
        let seen = Seen {
            revision: self.revision,
            what,
        };
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        for (rule, tally) in rules().zip(&mut inner.tallies) {
            tally.add((rule.judge)(&seen), |got| {
                self.violation(got, evidence, exchange)
            });
        }
    }

    fn session_id(&self, exchange: &Exchange) {
        let Some(id) = exchange
            .reply()
            .filter(|_| is_initialize(exchange))
            .and_then(|reply| reply.headers.get("mcp-session-id"))
        else {
            return;
        };
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = inner.session_ids.insert(id.to_owned());
        let visible = !id.is_empty() && id.bytes().all(|byte| (0x21..=0x7E).contains(&byte));
        let judgements = [
            if visible {
                Ok(())
            } else {
                Err(format!("{id:?}"))
            },
            if is_new {
                Ok(())
            } else {
                Err("an id that an earlier session had".to_owned())
            },
        ];
        for (tally, judgement) in inner.tallies.iter_mut().skip(RULES_LEN).zip(judgements) {
            tally.add(Some(judgement), |got| {
                self.violation(got, &exchange.records, exchange)
            });
        }
    }

    fn violation(&self, got: String, evidence: &[u32], exchange: &Exchange) -> Violation {
        Violation {
            got,
            evidence: evidence.to_vec(),
            curl: curl(&exchange.request, self.recorder.redactor()),
        }
    }

    /// The results, one for each rule that holds for the target.
    pub(super) fn results(&self, transport: Transport) -> Vec<CheckResult> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        traffic_checks()
            .zip(&inner.tallies)
            .filter_map(|((id, requirements, expected), tally)| {
                let ids = requirements.iter().copied();
                let entry = Catalog::embedded().first_applicable(ids, transport, self.revision)?;
                let mut result = CheckResult {
                    id,
                    requirement: Some(entry.id.clone()),
                    level: entry.level,
                    verdict: Verdict::Pass,
                    skip: None,
                    expected: Some(expected.to_owned()),
                    got: None,
                    evidence: Vec::new(),
                    curl: None,
                    file: None,
                };
                match &tally.first {
                    Some(first) => {
                        let warned = stateless::NEVER_FAILED
                            .iter()
                            .any(|slug| result.id.ends_with(&format!("#{slug}")));
                        result.verdict = Verdict::of_violation(entry.level, warned);
                        let more = tally.violations - 1;
                        let times = if more == 0 {
                            String::new()
                        } else {
                            format!(" (and {more} more)")
                        };
                        result.got = Some(
                            self.recorder
                                .redactor()
                                .text(&format!("{}{times}", first.got)),
                        );
                        result.evidence.clone_from(&first.evidence);
                        result.curl = Some(first.curl.clone());
                    }
                    None if tally.held == 0 => {
                        result.verdict = Verdict::Skip;
                        result.expected = None;
                        result.skip = Some(Skip::new(SkipReason::NothingToJudge, "none was seen"));
                    }
                    None => result.got = Some(format!("held {} times", tally.held)),
                }
                Some(result)
            })
            .collect()
    }
}
