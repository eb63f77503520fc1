//! What makes the server publish: the words of `--trigger`, and what stands in for them.

use serde_json::{Map, Value, json};

use super::{Consent, ProfileArgs, permit};
use crate::cli::Refusal;
use crate::engine::{Facts, Fixtures};
use crate::load::Trigger;
use crate::load::correlation::Correlate;
use crate::load::passive::Passive;
use crate::load::plan::{Source, TOKEN_PLACE};
use crate::load::trigger::{HttpTrigger, ToolTrigger};
use crate::scenario::ToolRole;

/// A `--trigger` as it is written.
enum Word<'a> {
    None,
    Http(HttpTrigger),
    Tool(&'a str),
}

impl<'a> Word<'a> {
    fn read(text: &'a str) -> Result<Self, Refusal> {
        if text == "none" {
            return Ok(Self::None);
        }
        match text.strip_prefix("http=") {
            Some(request) => HttpTrigger::parse(request)
                .map(Self::Http)
                .map_err(|why| Refusal::usage(format!("--trigger: {why}"))),
            None => Ok(Self::Tool(text.strip_prefix("tool=").unwrap_or(text))),
        }
    }
}

/// Refuses what cannot be, before anything is sent.
pub(super) fn check(profile: &ProfileArgs, vouched: bool) -> Result<(), Refusal> {
    let word = profile.trigger.as_deref().map(Word::read).transpose()?;
    let passive = matches!(word, Some(Word::None));
    if profile.timestamp.is_some() && !passive {
        return Err(Refusal::usage(
            "--timestamp is for a server that emits by itself: add --trigger none (a publish that is triggered is timed from when it was due)",
        ));
    }
    if profile.correlate.is_some() && passive {
        return Err(Refusal::usage(
            "--correlate is for publishes, and with --trigger none there are none",
        ));
    }
    if let Some(Word::Http(http)) = word {
        permit(http.url(), vouched)?;
        tells_apart(&Trigger::Http(http), profile)?;
    }
    Ok(())
}

/// Refuses a trigger whose publishes could not be told apart.
fn tells_apart(trigger: &Trigger, profile: &ProfileArgs) -> Result<(), Refusal> {
    if profile.correlate == Some(Correlate::Order) {
        return Ok(());
    }
    trigger
        .finder()
        .map(drop)
        .map_err(|why| Refusal::usage(format!("--trigger: {trigger}: {why}")))
}

/// What makes the server publish.
pub(super) fn source(
    profile: &ProfileArgs,
    facts: &Facts,
    fixtures: &Fixtures,
    consent: Consent,
) -> Result<Source, Refusal> {
    let trigger = match profile.trigger.as_deref().map(Word::read).transpose()? {
        Some(Word::None) => {
            return Ok(Source::Passive(Passive {
                timestamp: profile.timestamp.clone(),
            }));
        }
        Some(Word::Http(http)) => Trigger::Http(http),
        Some(Word::Tool(word)) => named(word, facts, profile.correlate)?,
        None => match unnamed(facts, fixtures, consent) {
            Some(trigger) => trigger,
            None => return Ok(Source::Unknown),
        },
    };
    tells_apart(&trigger, profile)?;
    Ok(Source::Trigger(trigger))
}

/// The tool that fixtures name, or one that is called `publish`.
fn unnamed(facts: &Facts, fixtures: &Fixtures, consent: Consent) -> Option<Trigger> {
    if let Some(tool) = facts.tools.get(&ToolRole::Publishes)
        && fixtures.tools.contains_key(&ToolRole::Publishes)
    {
        return Some(Trigger::Tool(ToolTrigger {
            tool: tool.name.clone(),
            arguments: with_token_place(&tool.arguments),
        }));
    }
    let publish = listed(facts, "publish").filter(|_| consent == Consent::Given)?;
    text_argument(publish).map(|argument| Trigger::with_argument("publish", argument))
}

/// `NAME` or `NAME:{json arguments}`.
fn named(word: &str, facts: &Facts, correlate: Option<Correlate>) -> Result<Trigger, Refusal> {
    let (name, arguments) = match word.find(":{") {
        Some(at) => word.split_at(at),
        None => (word, ""),
    };
    let Some(tool) = listed(facts, name) else {
        let names = facts
            .tools_listed
            .iter()
            .filter_map(|tool| tool.get("name")?.as_str());
        let hint = crate::suggest::hint(name, names);
        return Err(Refusal::usage(format!(
            "--trigger: the target lists no tool '{name}'{hint}"
        )));
    };
    let arguments = match arguments.strip_prefix(':') {
        Some(json) => serde_json::from_str::<Map<String, Value>>(json).map_err(|error| {
            Refusal::usage(format!(
                "--trigger: the arguments are no JSON object: {error}"
            ))
        })?,
        None => match text_argument(tool) {
            Some(argument) => return Ok(Trigger::with_argument(name, argument)),
            None if correlate == Some(Correlate::Order) => Map::new(),
            None => {
                return Err(Refusal::usage(format!(
                    "--trigger: say which argument of '{name}' takes the payload, for instance 'tool={name}:{{\"text\": \"{TOKEN_PLACE}\"}}', or let arrivals only be counted with --correlate order"
                )));
            }
        },
    };
    Ok(Trigger::Tool(ToolTrigger {
        tool: name.to_owned(),
        arguments,
    }))
}

fn listed<'a>(facts: &'a Facts, name: &str) -> Option<&'a Value> {
    facts
        .tools_listed
        .iter()
        .find(|tool| tool.get("name").and_then(Value::as_str) == Some(name))
}

/// The argument that takes a text: the only required one, or else the only one. One without a type takes anything.
fn text_argument(tool: &Value) -> Option<String> {
    let properties = tool.pointer("/inputSchema/properties")?.as_object()?;
    let is_text = |name: &str| match properties.get(name).map(|schema| schema.get("type")) {
        Some(Some(Value::Array(types))) => types.contains(&json!("string")),
        Some(Some(only)) => *only == json!("string"),
        Some(None) => true,
        None => false,
    };
    let required: Vec<&str> = tool
        .pointer("/inputSchema/required")
        .and_then(Value::as_array)
        .map_or_else(Vec::new, |names| {
            names.iter().filter_map(Value::as_str).collect()
        });
    let candidates: Vec<&str> = if required.is_empty() {
        properties.keys().map(String::as_str).collect()
    } else {
        required
    };
    match candidates.as_slice() {
        [only] if is_text(only) => Some((*only).to_owned()),
        _ => None,
    }
}

/// Fixtures write `${payload}` where the token goes.
fn with_token_place(arguments: &Value) -> Map<String, Value> {
    let text = arguments.to_string().replace("${payload}", TOKEN_PLACE);
    serde_json::from_str(&text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(tools: Value) -> Facts {
        Facts {
            tools_listed: tools.as_array().cloned().unwrap_or_default(),
            ..Facts::default()
        }
    }

    fn publish() -> Facts {
        facts(json!([
            {"name": "publish", "inputSchema": {"type": "object",
                "properties": {"payload": {"type": "string"}}, "required": ["payload"]}},
            {"name": "bump", "inputSchema": {"type": "object"}},
        ]))
    }

    fn profile(trigger: Option<&str>) -> ProfileArgs {
        ProfileArgs {
            trigger: trigger.map(str::to_owned),
            ..ProfileArgs::default()
        }
    }

    fn by_order(trigger: &str) -> ProfileArgs {
        ProfileArgs {
            correlate: Some(Correlate::Order),
            ..profile(Some(trigger))
        }
    }

    fn found(profile: &ProfileArgs, consent: Consent) -> Option<Trigger> {
        match source(profile, &publish(), &Fixtures::default(), consent).unwrap() {
            Source::Trigger(trigger) => Some(trigger),
            _ => None,
        }
    }

    #[test]
    fn an_argument_takes_a_text_unless_its_type_says_otherwise() {
        for (schema, takes) in [
            (json!({"type": "string"}), true),
            (json!({"type": ["string", "null"]}), true),
            (json!({}), true),
            (json!({"type": "object"}), false),
            (json!({"type": ["number", "null"]}), false),
        ] {
            let tool = json!({"name": "publish", "inputSchema": {"type": "object",
                "properties": {"payload": schema}, "required": ["payload"]}});
            assert_eq!(text_argument(&tool).is_some(), takes, "{tool}");
        }
    }

    #[test]
    fn publish_is_called_only_with_consent() {
        let ours = Some(Trigger::with_argument("publish", "payload"));
        assert_eq!(found(&profile(None), Consent::Given), ours);
        assert_eq!(found(&profile(None), Consent::Withheld), None);
        assert_eq!(found(&profile(Some("none")), Consent::Given), None);
        for word in [
            "publish",
            "tool=publish",
            "tool=publish:{\"payload\": \"{token}\"}",
        ] {
            assert_eq!(
                found(&profile(Some(word)), Consent::Withheld),
                ours,
                "{word}"
            );
        }
    }

    #[test]
    fn by_order_a_tool_needs_no_argument() {
        let Some(Trigger::Tool(bump)) = found(&by_order("bump"), Consent::Withheld) else {
            panic!("a tool")
        };
        assert_eq!((bump.tool.as_str(), bump.arguments.len()), ("bump", 0));
        assert!(found(&by_order("tool=bump:{\"n\": 1}"), Consent::Withheld).is_some());
    }

    #[test]
    fn a_wrong_trigger_is_refused_with_what_would_be_right() {
        let cases = [
            ("publsh", "did you mean 'publish'"),
            ("publish:{", "no JSON object"),
            ("publish:x", "lists no tool 'publish:x'"),
            ("bump", "--correlate order"),
            ("bump:{\"n\": 1}", "no text in it holds {token}"),
            ("bump:{\"n\": \"{seq}\"}", "must both stand in one text"),
            ("http=POST", "expected METHOD URL"),
        ];
        for (word, words) in cases {
            let refused = source(
                &profile(Some(word)),
                &publish(),
                &Fixtures::default(),
                Consent::Given,
            );
            let message = refused.unwrap_err().message;
            assert!(message.contains(words), "{word}: {message}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused_before_anything_is_sent() {
        let timed = |trigger| ProfileArgs {
            timestamp: Some("$.params.ts".parse().unwrap()),
            ..profile(trigger)
        };
        let here = "http=POST http://127.0.0.1:9/ {token}";
        let there = "http=POST http://10.0.0.1:9/ {token}";
        // (profile, whether the target is vouched for, what is wrong)
        let cases = [
            (profile(None), false, None),
            (profile(Some("none")), false, None),
            (timed(Some("none")), false, None),
            (timed(None), false, Some("add --trigger none")),
            (timed(Some("publish")), false, Some("add --trigger none")),
            (by_order("none"), false, Some("there are none")),
            (profile(Some(here)), false, None),
            (profile(Some(there)), false, Some("--i-own-this-target")),
            (profile(Some(there)), true, None),
            (
                profile(Some("http=GET http://127.0.0.1:9/x")),
                false,
                Some("no text in it"),
            ),
            (by_order("http=GET http://127.0.0.1:9/x"), false, None),
            (profile(Some("http=GET x")), false, Some("http://")),
        ];
        for (profile, vouched, wrong) in cases {
            let refused = check(&profile, vouched).err().map(|it| it.message);
            match (refused, wrong) {
                (None, None) => {}
                (Some(message), Some(words)) => assert!(message.contains(words), "{message}"),
                (refused, wrong) => panic!("{:?}: {refused:?} {wrong:?}", profile.trigger),
            }
        }
    }
}
