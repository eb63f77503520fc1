//! `${name}`: a variable in a value. As a whole text it keeps its JSON type; inside a text it becomes text.

use std::collections::BTreeMap;

use serde_json::Value;

/// Variables, by name.
pub type Variables = BTreeMap<String, Value>;

/// A variable that nothing has set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing has set ${{{0}}}")]
pub struct Unset(pub String);

/// `value` with its variables filled in.
///
/// # Errors
/// If a variable is not set.
pub fn render(value: &Value, variables: &Variables) -> Result<Value, Unset> {
    Ok(match value {
        Value::String(text) => match whole(text) {
            Some(name) => lookup(name, variables)?.clone(),
            None => Value::String(render_text(text, variables)?),
        },
        Value::Array(items) => items
            .iter()
            .map(|item| render(item, variables))
            .collect::<Result<_, _>>()?,
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(key, member)| Ok((key.clone(), render(member, variables)?)))
                .collect::<Result<_, Unset>>()?,
        ),
        other => other.clone(),
    })
}

/// `text` with its variables filled in as text.
///
/// # Errors
/// If a variable is not set.
pub fn render_text(text: &str, variables: &Variables) -> Result<String, Unset> {
    let mut rendered = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, name, after)) = next_variable(rest) {
        rendered.push_str(before);
        match lookup(name, variables)? {
            Value::String(text) => rendered.push_str(text),
            other => rendered.push_str(&other.to_string()),
        }
        rest = after;
    }
    rendered.push_str(rest);
    Ok(rendered)
}

/// The names of the variables in `value`.
pub fn names(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => names_in_text(text, found),
        Value::Array(items) => items.iter().for_each(|item| names(item, found)),
        Value::Object(members) => members.values().for_each(|member| names(member, found)),
        _ => {}
    }
}

/// The names of the variables in `text`.
pub fn names_in_text(text: &str, found: &mut Vec<String>) {
    let mut rest = text;
    while let Some((_, name, after)) = next_variable(rest) {
        found.push(name.to_owned());
        rest = after;
    }
}

fn lookup<'a>(name: &str, variables: &'a Variables) -> Result<&'a Value, Unset> {
    variables.get(name).ok_or_else(|| Unset(name.to_owned()))
}

fn whole(text: &str) -> Option<&str> {
    match next_variable(text)? {
        ("", name, "") => Some(name),
        _ => None,
    }
}

/// The text before the next variable, its name, and the text after it.
fn next_variable(text: &str) -> Option<(&str, &str, &str)> {
    let (before, from) = text.split_once("${")?;
    let (name, after) = from.split_once('}')?;
    Some((before, name, after))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn variables() -> Variables {
        [("n".to_owned(), json!(7)), ("s".to_owned(), json!("x${n}"))]
            .into_iter()
            .collect()
    }

    #[test]
    fn a_whole_value_keeps_its_type_and_text_becomes_text() {
        let value = json!({"a": "${n}", "b": ["<${n}-${s}>"], "c": "no ${ here", "d": 1});
        let rendered = render(&value, &variables()).unwrap();
        // What a variable holds is not rendered again: a target cannot smuggle one in.
        assert_eq!(
            rendered,
            json!({"a": 7, "b": ["<7-x${n}>"], "c": "no ${ here", "d": 1})
        );
    }

    #[test]
    fn an_unset_variable_is_named() {
        assert_eq!(
            render(&json!(["${gone}"]), &variables()),
            Err(Unset("gone".to_owned()))
        );
    }

    #[test]
    fn names_are_found_everywhere() {
        let mut found = Vec::new();
        names(
            &json!({"a": "${x} and ${y}", "b": [{"c": "${z}"}]}),
            &mut found,
        );
        assert_eq!(found, ["x", "y", "z"]);
    }
}
