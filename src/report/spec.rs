//! What `--report` asks for: `FORMAT=PATH`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::suggest;

/// A form of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// The whole document, as `reports/schema/report.schema.json` says.
    Json,
    /// Suites and cases for continuous integration.
    Junit,
    /// One page for a browser, with everything in it.
    Html,
    /// A summary for a job or a pull request; `md` and `markdown`.
    Markdown,
    /// One event a line.
    Ndjson,
    /// The load's histograms, as HdrHistogram tools read them.
    Hlog,
    /// The load over time.
    Csv,
    /// What shields.io makes a badge from.
    Badge,
    /// Everything that crossed the wire.
    Wire,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 9] = [
        Self::Json,
        Self::Junit,
        Self::Html,
        Self::Markdown,
        Self::Ndjson,
        Self::Hlog,
        Self::Csv,
        Self::Badge,
        Self::Wire,
    ];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Junit => "junit",
            Self::Html => "html",
            Self::Markdown => "md",
            Self::Ndjson => "ndjson",
            Self::Hlog => "hlog",
            Self::Csv => "csv",
            Self::Badge => "badge",
            Self::Wire => "wire",
        }
    }

    /// The words of all formats, for messages.
    fn words() -> String {
        Self::ALL.map(Self::as_str).join(", ")
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Format {
    type Err = ReportSpecError;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        if word == "markdown" {
            return Ok(Self::Markdown);
        }
        Self::ALL
            .into_iter()
            .find(|format| format.as_str() == word)
            .ok_or_else(|| ReportSpecError::UnknownFormat {
                word: word.to_owned(),
                hint: suggest::hint(word, Self::ALL.map(Self::as_str)),
            })
    }
}

/// Where a report goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Destination {
    /// Standard output, written `-`.
    Stdout,
    /// A file.
    File(PathBuf),
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout => f.write_str("standard output"),
            Self::File(path) => write!(f, "'{}'", path.display()),
        }
    }
}

/// One report that was asked for: `json=report.json`, `junit=-`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReportSpec {
    /// How it is written.
    pub format: Format,
    /// Where it goes.
    pub path: Destination,
}

/// Why a word is no report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportSpecError {
    /// There is no `=`.
    #[error(
        "'{word}' does not say where the report goes: write FORMAT=PATH, such as json=report.json \
         ('-' is standard output)"
    )]
    NoPath {
        /// What was given.
        word: String,
    },
    /// There is nothing after the `=`.
    #[error("the path after '{format}=' is empty ('-' is standard output)")]
    EmptyPath {
        /// The format.
        format: Format,
    },
    /// No format has this name.
    #[error("'{word}' is no report format{hint} (formats: {})", Format::words())]
    UnknownFormat {
        /// What was given.
        word: String,
        /// The nearest right word, as a phrase, or nothing.
        hint: String,
    },
}

impl FromStr for ReportSpec {
    type Err = ReportSpecError;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let Some((format, path)) = word.split_once('=') else {
            // A wrong format is the more telling fault.
            word.parse::<Format>()?;
            return Err(ReportSpecError::NoPath {
                word: word.to_owned(),
            });
        };
        let format = format.parse()?;
        let path = match path {
            "" => return Err(ReportSpecError::EmptyPath { format }),
            "-" => Destination::Stdout,
            path => Destination::File(PathBuf::from(path)),
        };
        Ok(Self { format, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn format_and_destination_are_read() {
        let cases = [
            ("json=-", Format::Json, Destination::Stdout),
            (
                "junit=a.xml",
                Format::Junit,
                Destination::File("a.xml".into()),
            ),
            ("json=x=y", Format::Json, Destination::File("x=y".into())),
            ("json=./-", Format::Json, Destination::File("./-".into())),
            ("md=-", Format::Markdown, Destination::Stdout),
            ("markdown=-", Format::Markdown, Destination::Stdout),
        ];
        for (word, format, path) in cases {
            assert_eq!(word.parse(), Ok(ReportSpec { format, path }), "{word}");
        }
    }

    #[test]
    fn a_wrong_word_is_told_what_is_wrong() {
        let cases = [
            (
                "json",
                "'json' does not say where the report goes: write FORMAT=PATH, such as json=report.json \
                 ('-' is standard output)",
            ),
            (
                "junit=",
                "the path after 'junit=' is empty ('-' is standard output)",
            ),
            (
                "jsno=a",
                "'jsno' is no report format, did you mean 'json'? (formats: json, junit, html, md, ndjson, hlog, csv, badge, wire)",
            ),
            (
                "junitt",
                "'junitt' is no report format, did you mean 'junit'? (formats: json, junit, html, md, ndjson, hlog, csv, badge, wire)",
            ),
            (
                "=a",
                "'' is no report format (formats: json, junit, html, md, ndjson, hlog, csv, badge, wire)",
            ),
            (
                "",
                "'' is no report format (formats: json, junit, html, md, ndjson, hlog, csv, badge, wire)",
            ),
        ];
        for (word, expected) in cases {
            let error = word.parse::<ReportSpec>().unwrap_err();
            assert_eq!(error.to_string(), expected, "{word}");
        }
    }
}
