//! Writing a report whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::document::Document;
use super::spec::{Destination, Format, ReportSpec};
use super::{badge, csv, hlog, html, json, junit, markdown, ndjson, wire};
use crate::compare::Comparison;

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The document has no form in JSON.
    #[error("cannot render the JSON report: {0}")]
    Json(#[source] serde_json::Error),
    /// The document has no form in JUnit XML.
    #[error("cannot render the JUnit report: {0}")]
    Junit(#[source] quick_junit::SerializeError),
    /// The document has no form in HTML.
    #[error("cannot render the HTML report: {0}")]
    Html(#[source] askama::Error),
    /// The destination does not take it.
    #[error("cannot write the report to {destination}: {source}")]
    Write {
        /// Where it was to go.
        destination: Destination,
        /// Why not.
        source: io::Error,
    },
}

/// Writes the report that `spec` asks for. With `strict`, warnings count as failures.
///
/// A file appears whole: it is written under another name in the same directory, and renamed. What is no regular file
/// (a pipe, a device) is written to directly.
///
/// # Errors
/// If the document cannot be rendered or the destination cannot be written; the message names the path.
pub fn write(document: &Document, spec: &ReportSpec, strict: bool) -> Result<(), ReportError> {
    let text = match spec.format {
        Format::Json => json::render(document).map_err(ReportError::Json)?,
        Format::Junit => junit::render(document, strict).map_err(ReportError::Junit)?,
        Format::Html => html::render(document, strict).map_err(ReportError::Html)?,
        Format::Markdown => markdown::render(document, strict),
        Format::Ndjson => ndjson::render(document).map_err(ReportError::Json)?,
        Format::Hlog => hlog::render(document),
        Format::Csv => csv::render(document),
        Format::Badge => badge::render(document),
        Format::Wire => wire::render(document),
    };
    write_text(&text, &spec.path)
}

/// Writes the JSON of a comparison, in the same way.
///
/// # Errors
/// As [`write`].
pub fn write_comparison(
    comparison: &Comparison,
    destination: &Destination,
) -> Result<(), ReportError> {
    let text = json::render(comparison).map_err(ReportError::Json)?;
    write_text(&text, destination)
}

fn write_text(text: &str, destination: &Destination) -> Result<(), ReportError> {
    let written = match destination {
        Destination::Stdout => write_to(io::stdout().lock(), text),
        Destination::File(path) => write_file(path, text),
    };
    written.map_err(|source| ReportError::Write {
        destination: destination.clone(),
        source,
    })
}

/// Appends the Markdown summary to `path`, as job summaries are written: each step adds its own.
///
/// # Errors
/// If the file cannot be written.
pub fn append_summary(document: &Document, path: &Path, strict: bool) -> Result<(), ReportError> {
    let text = markdown::render(document, strict);
    let append = || {
        let file = File::options().append(true).create(true).open(path)?;
        write_to(file, &text)
    };
    append().map_err(|source| ReportError::Write {
        destination: Destination::File(path.to_owned()),
        source,
    })
}

fn write_to(mut sink: impl io::Write, text: &str) -> io::Result<()> {
    sink.write_all(text.as_bytes())?;
    sink.flush()
}

fn write_file(path: &Path, text: &str) -> io::Result<()> {
    let path = match fs::metadata(path) {
        // A rename would replace a link, or `/dev/null` itself.
        Ok(metadata) if metadata.is_file() => fs::canonicalize(path)?,
        Ok(metadata) if metadata.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Ok(_) => return write_to(File::options().write(true).open(path)?, text),
        Err(_) => path.to_owned(),
    };
    let beside = name_beside(&path)?;
    let written = File::create(&beside)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&beside, &path));
    if written.is_err() {
        // The first error is the one worth telling.
        let _ = fs::remove_file(&beside);
    }
    written
}

/// A hidden name in the same directory, so that the rename does not cross a file system. The process id keeps two runs
/// apart.
fn name_beside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}.tmp", std::process::id()));
    Ok(path.with_file_name(hidden))
}

#[cfg(test)]
mod tests {
    use crate::report::samples;

    use super::*;

    fn spec(path: &Path) -> ReportSpec {
        ReportSpec {
            format: Format::Json,
            path: Destination::File(path.to_owned()),
        }
    }

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("report.json");
        fs::write(&path, "what was there, and longer than nothing").unwrap();
        write(&samples::minimal(), &spec(&path), false).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, json::render(&samples::minimal()).unwrap());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_cannot_be_written_is_named_and_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("none/report.json");
        for path in [missing.as_path(), directory.path()] {
            let error = write(&samples::minimal(), &spec(path), false).unwrap_err();
            let message = error.to_string();
            assert!(message.contains(&path.display().to_string()), "{message}");
        }
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link_and_a_device_a_device() {
        use std::os::unix::fs::FileTypeExt as _;

        let directory = tempfile::tempdir().unwrap();
        let (real, link) = (
            directory.path().join("real.json"),
            directory.path().join("link.json"),
        );
        fs::write(&real, "").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        write(&samples::minimal(), &spec(&link), false).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(fs::read_to_string(&real).unwrap().starts_with('{'));

        let null = Path::new("/dev/null");
        write(&samples::minimal(), &spec(null), false).unwrap();
        assert!(fs::metadata(null).unwrap().file_type().is_char_device());
    }
}
