//! How a protected or encrypted target is reached: credentials, and whom to trust. All of it is read and checked before
//! anything is sent.

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use reqwest::header::{HeaderName, HeaderValue};

use super::{Refusal, complain};
use crate::protocol::Headers;
use crate::transport::tls::{PemError, TlsOptions};

/// Where the options stand in the help.
const HEADING: &str = "Access";
/// The largest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Fields that carry the protocol, or that frame the message: what is tested depends on them.
const OURS: [&str; 14] = [
    "accept",
    "connection",
    "content-length",
    "content-type",
    "host",
    "last-event-id",
    "mcp-method",
    "mcp-name",
    "mcp-protocol-version",
    "mcp-session-id",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Fields that repeat arguments of a tool (2026-07-28 basic/transports/streamable-http#server-behavior-for-custom-headers).
const OUR_PREFIX: &str = "mcp-param-";

/// Credentials, and how an encrypted target is known.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct AccessArgs {
    /// A header field sent with every request, as 'Name: value'. May be given several times. The command line can be
    /// seen by others on this machine; the options below keep secrets off it.
    #[arg(long = "header", help_heading = HEADING, value_name = "NAME: VALUE")]
    headers: Vec<Typed>,
    /// A header field whose value is that of an environment variable. May be given several times.
    #[arg(long = "header-env", help_heading = HEADING, value_name = "NAME: VARIABLE")]
    headers_env: Vec<FieldSource>,
    /// A header field whose value is the first line of a file ('-' is stdin). May be given several times.
    #[arg(long = "header-file", help_heading = HEADING, value_name = "NAME: FILE")]
    headers_file: Vec<FieldSource>,
    /// Sends 'Authorization: Bearer …' with the token in this environment variable.
    #[arg(long, help_heading = HEADING, value_name = "VARIABLE", conflicts_with = "bearer_file")]
    bearer_env: Option<String>,
    /// Sends 'Authorization: Bearer …' with the token in the first line of this file ('-' is stdin).
    #[arg(long, help_heading = HEADING, value_name = "FILE")]
    bearer_file: Option<PathBuf>,
    /// Trusts the authorities in this PEM file too, beside those of the system.
    #[arg(long, help_heading = HEADING, value_name = "FILE")]
    cacert: Option<PathBuf>,
    /// Shows this client certificate: a PEM file, which may hold the key too.
    #[arg(long, help_heading = HEADING, value_name = "FILE")]
    cert: Option<PathBuf>,
    /// The private key of --cert: a PEM file.
    #[arg(long, help_heading = HEADING, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// Does not verify the certificate of the target: anybody on the way can read and change all that is sent, secrets
    /// included. The report says so.
    #[arg(long, help_heading = HEADING)]
    insecure: bool,
}

/// What [`AccessArgs`] come to.
#[derive(Debug)]
pub(super) struct Access {
    /// Fields for every request.
    pub(super) headers: Headers,
    /// Whom to trust.
    pub(super) tls: TlsOptions,
}

impl AccessArgs {
    /// Reads variables, files and stdin, once. Warns of what is not taken, and of what is unsafe.
    pub(super) fn read(&self) -> Result<Access, Refusal> {
        Ok(Access {
            headers: self.read_headers(&mut std::io::stdin())?,
            tls: self.read_tls()?,
        })
    }

    fn read_headers(&self, stdin: &mut dyn Read) -> Result<Headers, Refusal> {
        self.check_stdin()?;
        let mut fields = Vec::new();
        for Typed(text) in &self.headers {
            let (name, value) = text.split_once(':').ok_or_else(|| {
                Refusal::usage("--header: a header field is written 'Name: value'")
            })?;
            fields.push(HeaderField::new("--header", name.trim(), value.trim())?);
        }
        for source in &self.headers_env {
            let value = variable("--header-env", &source.place)?;
            fields.push(HeaderField::new("--header-env", &source.name, &value)?);
        }
        for source in &self.headers_file {
            let value = first_line("--header-file", Path::new(&source.place), stdin)?;
            fields.push(HeaderField::new("--header-file", &source.name, &value)?);
        }
        let token = match (&self.bearer_env, &self.bearer_file) {
            (Some(name), _) => Some(("--bearer-env", variable("--bearer-env", name)?)),
            (None, Some(path)) => {
                Some(("--bearer-file", first_line("--bearer-file", path, stdin)?))
            }
            (None, None) => None,
        };
        if let Some((option, token)) = token {
            fields.push(bearer(option, &token)?);
        }
        let authorizations = fields.iter().filter(|field| field.is("authorization"));
        if authorizations.count() > 1 {
            return Err(Refusal::usage(
                "Authorization is given more than once; give it by one option",
            ));
        }
        let (ours, theirs): (Vec<_>, Vec<_>) = fields.into_iter().partition(HeaderField::is_ours);
        if !ours.is_empty() {
            let names: Vec<String> = ours.into_iter().map(|field| field.name).collect();
            complain(&format!(
                "not sent: {}, because what is tested depends on it; a scenario file can set it for one request",
                names.join(", ")
            ));
        }
        Ok(theirs
            .into_iter()
            .map(|field| (field.name, field.value))
            .collect())
    }

    /// Stdin has one first line.
    fn check_stdin(&self) -> Result<(), Refusal> {
        let in_headers = self.headers_file.iter().filter(|it| it.place == "-");
        let in_bearer = self
            .bearer_file
            .iter()
            .filter(|path| path.as_os_str() == "-");
        if in_headers.count() + in_bearer.count() > 1 {
            return Err(Refusal::usage("stdin (-) can hold one value only"));
        }
        Ok(())
    }

    fn read_tls(&self) -> Result<TlsOptions, Refusal> {
        let mut tls = TlsOptions::default();
        if let Some(path) = &self.cacert {
            let pem = file("--cacert", path)?;
            tls = tls
                .trust_pem(&pem)
                .map_err(|error| refusal("--cacert", path, &error))?;
        }
        if let Some(path) = &self.cert {
            let mut pem = file("--cert", path)?;
            if let Some(key) = &self.key {
                pem.push(b'\n');
                pem.extend(file("--key", key)?);
            }
            tls = tls.identify_pem(&pem).map_err(|error| match &self.key {
                Some(key) if error.is_about_key() => refusal("--key", key, &error),
                None if error == PemError::NoKey => {
                    refusal("--cert", path, &format!("{error}; give it with --key"))
                }
                _ => refusal("--cert", path, &error),
            })?;
        }
        if self.insecure {
            complain("--insecure: the target's certificate is not verified");
            tls = tls.insecure();
        }
        Ok(tls)
    }
}

fn refusal(option: &str, path: &Path, why: &dyn fmt::Display) -> Refusal {
    Refusal::usage(format!("{option}: {} {why}", path.display()))
}

/// The value of an environment variable, which must be set and not be blank.
fn variable(option: &str, name: &str) -> Result<String, Refusal> {
    let why = match std::env::var(name) {
        Ok(value) if value.trim().is_empty() => "is empty",
        Ok(value) => return Ok(value.trim().to_owned()),
        Err(std::env::VarError::NotPresent) => "is not set",
        Err(std::env::VarError::NotUnicode(_)) => "holds no UTF-8",
    };
    Err(Refusal::usage(format!(
        "{option}: the environment variable {name} {why}"
    )))
}

/// The first line of a file, or of `stdin` where the path is `-`, without white space around it.
fn first_line(option: &str, path: &Path, stdin: &mut dyn Read) -> Result<String, Refusal> {
    let unreadable = |error| refusal(option, path, &format!("cannot be read: {error}"));
    let mut opened;
    let from = if path.as_os_str() == "-" {
        stdin
    } else {
        opened = File::open(path).map_err(unreadable)?;
        &mut opened
    };
    let mut line = Vec::new();
    // No further: who types a token ends it with the line.
    BufReader::new(from.take(FILE_BYTES_MAX))
        .read_until(b'\n', &mut line)
        .map_err(unreadable)?;
    let line = String::from_utf8(line).map_err(|_| refusal(option, path, &"holds no UTF-8"))?;
    match line.trim() {
        "" => Err(refusal(option, path, &"has an empty first line")),
        line => Ok(line.to_owned()),
    }
}

/// A whole file.
fn file(option: &str, path: &Path) -> Result<Vec<u8>, Refusal> {
    let unreadable = |error| refusal(option, path, &format!("cannot be read: {error}"));
    let mut bytes = Vec::new();
    File::open(path)
        .map_err(unreadable)?
        .take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(refusal(option, path, &"is larger than 1 MiB"));
    }
    Ok(bytes)
}

/// `Authorization` with a token of the form that RFC 6750, 2.1 gives it.
fn bearer(option: &str, token: &str) -> Result<HeaderField, Refusal> {
    let complaint = if token.to_ascii_lowercase().starts_with("bearer ") {
        "give the token alone, without the word Bearer"
    } else if token.contains(char::is_whitespace) {
        "a bearer token has no space in it"
    } else {
        return HeaderField::new(option, "Authorization", &format!("Bearer {token}"));
    };
    Err(Refusal::usage(format!("{option}: {complaint}")))
}

/// A header field as it was typed, which is read later: a parser's complaint would repeat what may be secret.
#[derive(Clone)]
struct Typed(String);

impl From<String> for Typed {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Typed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Typed(…)")
    }
}

/// A header field that can be sent.
struct HeaderField {
    name: String,
    value: String,
}

impl HeaderField {
    fn new(option: &str, name: &str, value: &str) -> Result<Self, Refusal> {
        check_name(name).map_err(|why| Refusal::usage(format!("{option}: {why}")))?;
        if HeaderValue::from_str(value).is_err() {
            return Err(Refusal::usage(format!(
                "{option}: the value of '{name}' has characters that a header field cannot hold"
            )));
        }
        Ok(Self {
            name: name.to_owned(),
            value: value.to_owned(),
        })
    }

    fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    fn is_ours(&self) -> bool {
        let name = self.name.to_ascii_lowercase();
        OURS.contains(&name.as_str()) || name.starts_with(OUR_PREFIX)
    }
}

/// A header field whose value is elsewhere.
#[derive(Clone, Debug)]
struct FieldSource {
    name: String,
    place: String,
}

impl FromStr for FieldSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, place) = text
            .split_once(':')
            .ok_or("write the field and where its value is, as 'Name: place'")?;
        let (name, place) = (name.trim(), place.trim());
        check_name(name)?;
        if place.is_empty() {
            return Err(format!("say where the value of '{name}' is"));
        }
        Ok(Self {
            name: name.to_owned(),
            place: place.to_owned(),
        })
    }
}

fn check_name(name: &str) -> Result<(), String> {
    match HeaderName::from_bytes(name.as_bytes()) {
        Ok(_) => Ok(()),
        Err(_) => Err(format!("'{name}' is no name of a header field")),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        access: AccessArgs,
    }

    fn read(args: &[&str], mut stdin: &[u8]) -> Result<Vec<(String, String)>, String> {
        let line = Line::try_parse_from([&["test"], args].concat()).unwrap();
        let headers = line.access.read_headers(&mut stdin);
        let headers = headers.map_err(|refusal| refusal.message)?;
        let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Ok(headers.iter().map(own).collect())
    }

    #[test]
    fn stdin_gives_its_first_line() {
        for (args, stdin, expected) in [
            (["--bearer-file", "-"], "tok\r\nmore", Ok("Bearer tok")),
            (["--bearer-file", "-"], "  tok", Ok("Bearer tok")),
            (["--header-file", "X-Key: -"], "a b\n", Ok("a b")),
            (["--bearer-file", "-"], "\ntok", Err("empty first line")),
            (["--bearer-file", "-"], "two words", Err("no space")),
            (["--bearer-file", "-"], "bearer tok", Err("token alone")),
            (["--bearer-file", "-"], "t\u{e9}\u{7}", Err("cannot hold")),
        ] {
            match (read(&args, stdin.as_bytes()), expected) {
                (Ok(fields), Ok(value)) => {
                    let values: Vec<&str> = fields.iter().map(|(_, it)| it.as_str()).collect();
                    assert_eq!(values, [value]);
                }
                (Err(message), Err(part)) => assert!(message.contains(part), "{message}"),
                (got, expected) => panic!("{args:?}: {got:?}, expected {expected:?}"),
            }
        }
    }

    #[test]
    fn several_fields_of_one_name_are_kept_and_those_of_the_protocol_are_not() {
        let args = ["X-A: 1", "x-a: 2", "ACCEPT: x", "Mcp-Param-A: 0", "X-B:"];
        let args: Vec<&str> = args.iter().flat_map(|text| ["--header", text]).collect();
        let own = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let expected = vec![own("X-A", "1"), own("x-a", "2"), own("X-B", "")];
        assert_eq!(read(&args, b""), Ok(expected));
    }

    #[test]
    fn what_was_typed_is_in_no_debug_text() {
        let args = ["test", "--header", "Authorization: Bearer s3cr3t"];
        let line = Line::try_parse_from(args).unwrap();
        assert!(!format!("{:?}", line.access).contains("s3cr3t"));
    }
}
