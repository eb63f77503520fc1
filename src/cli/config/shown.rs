//! `--print-config`: every option with its value and where that came from. What is printed is a file of options itself,
//! but for what is secret.

use std::fmt::Write as _;
use std::path::Path;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};
use url::Url;

use super::file::Setting;
use super::{is_flag, is_list, key_of, options, variable_of};
use crate::report::text;
use crate::transport::Redactor;

/// What stands for a secret.
const REDACTED: &str = "(redacted)";
/// The widest value after which the sources still stand in one column.
const COLUMN_MAX: usize = 48;

/// The options that hold.
pub(super) struct Shown<'a> {
    pub(super) path: Option<&'a Path>,
    pub(super) settings: &'a [Setting],
    pub(super) matches: &'a ArgMatches,
}

impl Shown<'_> {
    /// All options of a subcommand, those that are not set as comments.
    pub(super) fn of(&self, subcommand: &Command) -> String {
        let rows: Vec<(String, String)> = options(subcommand)
            .map(|arg| match self.value(arg) {
                Some(value) => (format!("{} = {value}", key_of(arg)), self.source(arg)),
                None => (format!("# {} =", key_of(arg)), "not set".to_owned()),
            })
            .collect();
        let widths = rows.iter().map(|(row, _)| row.chars().count());
        let width = widths.filter(|width| *width <= COLUMN_MAX).max();
        let width = width.unwrap_or(0);
        let mut page = format!("[{}]\n", subcommand.get_name());
        for (row, source) in rows {
            let _ = writeln!(page, "{row:width$}  # {source}");
        }
        page
    }

    fn value(&self, arg: &Arg) -> Option<String> {
        let raw = self.matches.get_raw(arg.get_id().as_str())?;
        let key = key_of(arg);
        let mut values = raw.map(|value| redacted(key, &value.to_string_lossy()));
        if is_list(arg) {
            let values: Vec<String> = values.map(|value| quoted(&value)).collect();
            return Some(format!("[{}]", values.join(", ")));
        }
        let value = values.next()?;
        let is_number = value.parse::<u64>().is_ok_and(|it| it.to_string() == value)
            || value
                .parse::<f64>()
                .is_ok_and(|it| format!("{it:?}") == value && it.is_finite());
        Some(if is_flag(arg) || is_number {
            value
        } else {
            quoted(&value)
        })
    }

    fn source(&self, arg: &Arg) -> String {
        let id = arg.get_id().as_str();
        match self.matches.value_source(id) {
            Some(ValueSource::CommandLine) => "command line".to_owned(),
            Some(ValueSource::EnvVariable) => format!("environment, {}", variable_of(arg)),
            _ => {
                let setting = self.settings.iter().find(|setting| setting.id == id);
                match (setting, self.path) {
                    (Some(setting), Some(path)) => {
                        let path = path.display().to_string();
                        format!("{}, line {}", escaped(&path), setting.line)
                    }
                    _ => "default".to_owned(),
                }
            }
        }
    }
}

/// A value without what is secret in it: that of a header field, and what a URL may hold.
fn redacted(key: &str, value: &str) -> String {
    if key == "header" {
        let name = value.split_once(':').map_or("", |(name, _)| name);
        return format!("{name}: {REDACTED}");
    }
    let words: Vec<String> = value.split(' ').map(redacted_word).collect();
    words.join(" ")
}

fn redacted_word(word: &str) -> String {
    match Url::parse(word) {
        Ok(url) if url.has_host() => {
            let shown = Redactor::default().with_url(&url).url(&url);
            // As it was written, where nothing is secret: parsing adds a slash.
            if shown == url.as_str() {
                word.to_owned()
            } else {
                shown
            }
        }
        _ => word.to_owned(),
    }
}

/// A basic string (<https://toml.io/en/v1.0.0#string>).
fn quoted(value: &str) -> String {
    format!("\"{}\"", escaped(value))
}

fn escaped(value: &str) -> String {
    let mut shown = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '"' | '\\' => shown.extend(['\\', c]),
            _ if text::is_unsafe(c) => {
                let _ = write!(shown, "\\U{:08x}", u32::from(c));
            }
            _ => shown.push(c),
        }
    }
    shown
}
