//! `mcp-plumb.toml`: what a repository always passes. Keys are the names of options; those above the first table are for
//! every command that has such an option, those in a table for the command of its name.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Arg, Command};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{find, is_configurable, is_flag, is_list, key_of, options};
use crate::suggest::hint;

/// The largest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// A file that cannot be taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConfigError {
    /// It cannot be read.
    #[error("{path}: {why}")]
    Unreadable { path: String, why: String },
    /// A line of it is wrong.
    #[error("{path}: line {line}: {why}")]
    Line {
        path: String,
        line: usize,
        why: String,
    },
}

/// The file as it was read.
#[derive(Debug)]
pub(super) struct ConfigFile {
    pub(super) path: PathBuf,
    shared: Vec<Entry>,
    tables: Vec<Table>,
}

#[derive(Debug)]
struct Table {
    command: String,
    line: usize,
    entries: Vec<Entry>,
}

/// A line of the file.
#[derive(Clone, Debug)]
struct Entry {
    key: String,
    line: usize,
    given: Given,
}

/// What a key is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Given {
    Flag(bool),
    One(String),
    Many(Vec<String>),
}

impl Given {
    /// As it would be typed.
    pub(super) fn values(&self) -> Vec<String> {
        match self {
            Self::Flag(flag) => vec![flag.to_string()],
            Self::One(value) => vec![value.clone()],
            Self::Many(values) => values.clone(),
        }
    }
}

/// An option that the file sets.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    /// The option, by the parser's id.
    pub(super) id: String,
    /// Where in the file.
    pub(super) line: usize,
    pub(super) given: Given,
    key: String,
}

impl ConfigFile {
    /// Reads a file. What its keys mean is not looked at yet.
    pub(super) fn read(path: &Path) -> Result<Self, ConfigError> {
        let unreadable = |why: String| ConfigError::Unreadable {
            path: path.display().to_string(),
            why,
        };
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes))
            .map_err(|error| unreadable(format!("cannot be read: {error}")))?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(unreadable("is larger than 64 KiB".to_owned()));
        }
        let text = String::from_utf8(bytes).map_err(|_| unreadable("holds no UTF-8".to_owned()))?;
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let mut file = Self {
            path: path.to_owned(),
            shared: Vec::new(),
            tables: Vec::new(),
        };
        let table = DeTable::parse(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            file.wrong(line_of(text, at), error.message().to_owned())
        })?;
        for (key, value) in table.get_ref() {
            let line = line_of(text, key.span().start);
            match value.get_ref() {
                DeValue::Table(entries) => {
                    let entries = entries
                        .iter()
                        .map(|(key, value)| file.entry(text, key, value))
                        .collect::<Result<_, _>>()?;
                    file.tables.push(Table {
                        command: key.get_ref().to_string(),
                        line,
                        entries,
                    });
                }
                _ => file.shared.push(file.entry(text, key, value)?),
            }
        }
        Ok(file)
    }

    fn entry(
        &self,
        text: &str,
        key: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<Entry, ConfigError> {
        let line = line_of(text, key.span().start);
        let key = key.get_ref().to_string();
        let given = given(value.get_ref())
            .map_err(|kind| self.wrong(line, format!("'{key}' cannot be {kind}")))?;
        Ok(Entry { key, line, given })
    }

    fn wrong(&self, line: usize, why: String) -> ConfigError {
        ConfigError::Line {
            path: self.path.display().to_string(),
            line,
            why,
        }
    }

    /// What the file sets of a subcommand. All of the file is looked at, whichever subcommand is run.
    pub(super) fn settings(
        &self,
        command: &Command,
        subcommand: &Command,
    ) -> Result<Vec<Setting>, ConfigError> {
        let configurable: Vec<&Command> = command
            .get_subcommands()
            .filter(|subcommand| is_configurable(subcommand))
            .collect();
        self.check_keys(&configurable)?;
        let own = self
            .tables
            .iter()
            .filter(|table| table.command == subcommand.get_name())
            .flat_map(|table| &table.entries);
        let mut settings: Vec<Setting> = Vec::new();
        for entry in self.shared.iter().chain(own) {
            let Some(arg) = by_key(subcommand, &entry.key) else {
                continue;
            };
            let setting = Setting {
                id: arg.get_id().to_string(),
                line: entry.line,
                given: entry.given.clone(),
                key: entry.key.clone(),
            };
            settings.retain(|earlier| earlier.id != setting.id);
            settings.push(setting);
        }
        self.check_values(subcommand, &settings)?;
        Ok(settings)
    }

    fn check_keys(&self, commands: &[&Command]) -> Result<(), ConfigError> {
        let keys = || {
            commands
                .iter()
                .flat_map(|command| options(command))
                .map(key_of)
        };
        let names = || commands.iter().map(|command| command.get_name());
        for entry in &self.shared {
            match commands
                .iter()
                .find_map(|command| by_key(command, &entry.key))
            {
                Some(arg) => self.check_kind(arg, entry)?,
                None => {
                    let hint = hint(&entry.key, keys().chain(names()));
                    return Err(
                        self.wrong(entry.line, format!("unknown key '{}'{hint}", entry.key))
                    );
                }
            }
        }
        for table in &self.tables {
            let command = commands
                .iter()
                .find(|command| command.get_name() == table.command)
                .ok_or_else(|| {
                    let hint = hint(&table.command, names());
                    let why = format!("no table is called '{}'{hint}", table.command);
                    self.wrong(table.line, why)
                })?;
            for entry in &table.entries {
                let arg = by_key(command, &entry.key).ok_or_else(|| {
                    let hint = hint(&entry.key, options(command).map(key_of));
                    let why = format!("'{}' has no key '{}'{hint}", table.command, entry.key);
                    self.wrong(entry.line, why)
                })?;
                self.check_kind(arg, entry)?;
            }
        }
        Ok(())
    }

    fn check_kind(&self, arg: &Arg, entry: &Entry) -> Result<(), ConfigError> {
        let wanted = match &entry.given {
            Given::Flag(_) if is_flag(arg) => return Ok(()),
            _ if is_flag(arg) => "true or false",
            Given::Flag(_) => "a text or a number",
            Given::Many(_) if !is_list(arg) => "one value",
            _ => return Ok(()),
        };
        Err(self.wrong(entry.line, format!("'{}' must be {wanted}", entry.key)))
    }

    /// The parser judges the values, as if they were typed: first each, so that the line is known, then all together.
    fn check_values(&self, subcommand: &Command, settings: &[Setting]) -> Result<(), ConfigError> {
        for setting in settings {
            judge(subcommand, &[setting])
                .or_else(|error| {
                    // What goes with another option is looked at below.
                    let is_lonely = error.kind() == clap::error::ErrorKind::MissingRequiredArgument;
                    if is_lonely { Ok(()) } else { Err(error) }
                })
                .map_err(|error| {
                    let why = format!("'{}': {}", setting.key, reason(&error));
                    self.wrong(setting.line, why)
                })?;
        }
        let all: Vec<&Setting> = settings.iter().collect();
        judge(subcommand, &all).map_err(|error| ConfigError::Unreadable {
            path: self.path.display().to_string(),
            why: reason(&error),
        })
    }
}

fn by_key<'a>(command: &'a Command, key: &str) -> Option<&'a Arg> {
    options(command).find(|arg| key_of(arg) == key)
}

/// What the parser says to settings that are typed.
fn judge(subcommand: &Command, settings: &[&Setting]) -> Result<(), clap::Error> {
    let mut line = Vec::new();
    let mut positional = Vec::new();
    for setting in settings {
        let is_named = find(subcommand, &setting.id).is_some_and(|arg| arg.get_long().is_some());
        match &setting.given {
            Given::Flag(true) => line.push(format!("--{}", setting.key)),
            Given::Flag(false) => {}
            given if is_named => {
                let values = given.values().into_iter();
                line.extend(values.map(|value| format!("--{}={value}", setting.key)));
            }
            given => positional.extend(given.values()),
        }
    }
    line.push("--".to_owned());
    line.append(&mut positional);
    let command = subcommand.clone().no_binary_name(true);
    command.try_get_matches_from(line).map(|_| ())
}

/// The first paragraph of what the parser says, on one line.
fn reason(error: &clap::Error) -> String {
    let text = error.to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let paragraph = text.split("\n\n").next().unwrap_or(text);
    let lines: Vec<&str> = paragraph.lines().map(str::trim).collect();
    lines.join(" ")
}

/// A value as text, or the kind of value that no option can be.
fn given(value: &DeValue<'_>) -> Result<Given, &'static str> {
    match value {
        DeValue::Boolean(flag) => Ok(Given::Flag(*flag)),
        DeValue::Array(items) => items
            .iter()
            .map(|item| scalar(item.get_ref()))
            .collect::<Result<_, _>>()
            .map(Given::Many),
        other => scalar(other).map(Given::One),
    }
}

fn scalar(value: &DeValue<'_>) -> Result<String, &'static str> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) => Ok(number.to_string()),
        DeValue::Float(number) => Ok(number.to_string()),
        DeValue::Datetime(moment) => Ok(moment.to_string()),
        DeValue::Boolean(_) => Err("a list with true or false in it"),
        DeValue::Array(_) => Err("a list of lists"),
        DeValue::Table(_) => Err("a table"),
    }
}

/// The number of the line, from 1, that holds this byte.
fn line_of(text: &str, byte: usize) -> usize {
    let before = text.as_bytes().get(..byte).unwrap_or(text.as_bytes());
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}
