//! A command line that sends the same request.

use super::redact::Redactor;
use crate::protocol::HttpRequest;

/// How much of a body is put on a command line; what is longer is left to the wire record.
const BODY_BYTES_MAX: usize = 4 * 1024;

/// The request as a `curl` command, with secrets replaced by shell variables or blotted out. `-i` shows the status and
/// header fields, `-N` shows events as they come, `--max-time` ends a stream.
pub fn curl(request: &HttpRequest, redactor: &Redactor) -> String {
    let mut command = format!(
        "curl -sS -i -N --max-time 5 -X {} {}",
        request.method,
        quoted(&redactor.url(&request.url))
    );
    for (name, value) in request.headers.iter() {
        if name.eq_ignore_ascii_case("mcp-session-id") && !value.is_empty() {
            // A session of the run is gone by the time that somebody reads this.
            command.push_str(&format!(" -H \"{name}: $SESSION\""));
        } else {
            command.push_str(" -H ");
            command.push_str(&quoted(&format!(
                "{name}: {}",
                redactor.header(name, value)
            )));
        }
    }
    if let Some(body) = &request.body {
        let text = String::from_utf8_lossy(body);
        if body.len() > BODY_BYTES_MAX {
            command.push_str(&format!(
                " --data-binary @body.json  # {} bytes, see the wire record",
                body.len()
            ));
        } else {
            command.push_str(" --data-raw ");
            command.push_str(&quoted(&redactor.text(&text)));
        }
    }
    command
}

/// `text` as one word of a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    #[test]
    fn a_request_becomes_a_command_that_leaks_nothing() {
        let headers = [("Authorization", "Bearer s3cr3t-token")]
            .into_iter()
            .collect();
        let request = HttpRequest::new("POST", Url::parse("http://h:1/mcp?a=b").unwrap())
            .header("Authorization", "Bearer s3cr3t-token")
            .header("Mcp-Session-Id", "0123456789")
            .body(r#"{"text":"it's s3cr3t-token"}"#);
        assert_eq!(
            curl(&request, &Redactor::new(&headers)),
            r#"curl -sS -i -N --max-time 5 -X POST 'http://h:1/mcp?a=b' -H 'Authorization: [redacted]' -H "Mcp-Session-Id: $SESSION" --data-raw '{"text":"it'\''s [redacted]"}'"#
        );
    }
}
