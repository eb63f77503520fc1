//! The set of scenarios of a run: those embedded in the binary, and those that the user adds.

use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};

use super::lint;
use super::model::Scenario;
use crate::yaml;

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/scenarios");

/// Folders of `scenarios/` that hold other things than scenarios.
const OTHER_FOLDERS: [&str; 2] = ["requirements", "load"];
/// How deep the user's folder is searched.
const DEPTH_MAX: usize = 8;
/// How many files of the user's folder are read.
const FILES_MAX: usize = 10_000;

/// A scenario and the file that it was read from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The scenario.
    pub scenario: Scenario,
    /// The file, as the user knows it.
    pub file: String,
}

/// Why scenarios could not be loaded. The text names the file.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file or folder cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is no scenario.
    #[error("{file}: {message}")]
    Invalid {
        /// The file.
        file: String,
        /// Line, column and excerpt.
        message: String,
    },
    /// A folder has no scenario in it.
    #[error("{0} has no scenario file (*.yaml) in it")]
    Empty(PathBuf),
    /// Two files have the same id.
    #[error("{second}: scenario '{id}' is there already, in {first}")]
    Twice {
        /// The id.
        id: String,
        /// The file that has it.
        first: String,
        /// The file that has it again.
        second: String,
    },
}

/// Scenarios in a stable order.
#[derive(Clone, Debug, Default)]
pub struct Library {
    loaded: Vec<Loaded>,
}

impl Library {
    /// The embedded scenarios.
    ///
    /// # Errors
    /// If one cannot be read, which a test rules out.
    pub fn embedded(known_probes: &[&str]) -> Result<Self, LoadError> {
        let mut library = Self::default();
        let mut files = Vec::new();
        collect_embedded(&EMBEDDED, &mut files);
        files.sort_unstable();
        for (path, text) in files {
            library.add(&format!("scenarios/{path}.yaml"), path, text, known_probes)?;
        }
        Ok(library)
    }

    /// Adds every `*.yaml` below `folder`; the id of a scenario is its path without the ending.
    ///
    /// # Errors
    /// If something cannot be read, is no scenario, or has an id that is taken.
    pub fn add_folder(&mut self, folder: &Path, known_probes: &[&str]) -> Result<(), LoadError> {
        let mut files = Vec::new();
        collect_files(folder, 0, &mut files)?;
        if files.is_empty() {
            return Err(LoadError::Empty(folder.to_owned()));
        }
        files.sort_unstable();
        for file in files {
            let text = std::fs::read_to_string(&file).map_err(|source| LoadError::Read {
                path: file.clone(),
                source,
            })?;
            let id = file
                .strip_prefix(folder)
                .unwrap_or(&file)
                .with_extension("")
                .components()
                .map(|part| part.as_os_str().to_string_lossy())
                .collect::<Vec<_>>()
                .join("/");
            self.add(&file.display().to_string(), &id, &text, known_probes)?;
        }
        Ok(())
    }

    fn add(
        &mut self,
        file: &str,
        id: &str,
        text: &str,
        known_probes: &[&str],
    ) -> Result<(), LoadError> {
        let invalid = |message: String| LoadError::Invalid {
            file: file.to_owned(),
            message,
        };
        let scenario: Scenario = yaml::parse(text).map_err(|error| invalid(error.to_string()))?;
        lint::lint(&scenario, id, known_probes)
            .map_err(|finding| invalid(finding.located(text)))?;
        if let Some(first) = self.get(id) {
            return Err(LoadError::Twice {
                id: id.to_owned(),
                first: first.file.clone(),
                second: file.to_owned(),
            });
        }
        self.loaded.push(Loaded {
            scenario,
            file: file.to_owned(),
        });
        Ok(())
    }

    /// The scenario with that id.
    pub fn get(&self, id: &str) -> Option<&Loaded> {
        self.loaded
            .iter()
            .find(|loaded| loaded.scenario.scenario == id)
    }

    /// The scenarios, embedded ones first, each group in the order of ids.
    pub fn iter(&self) -> impl Iterator<Item = &Loaded> {
        self.loaded.iter()
    }
}

fn collect_embedded<'a>(dir: &'a Dir<'a>, files: &mut Vec<(&'a str, &'a str)>) {
    for file in dir.files() {
        let path = file
            .path()
            .to_str()
            .and_then(|path| path.strip_suffix(".yaml"));
        if let (Some(id), Some(text)) = (path, file.contents_utf8()) {
            files.push((id, text));
        }
    }
    for folder in dir.dirs() {
        let name = folder.path().to_str().unwrap_or_default();
        if !OTHER_FOLDERS.contains(&name) {
            collect_embedded(folder, files);
        }
    }
}

fn collect_files(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), LoadError> {
    let failed = |source| LoadError::Read {
        path: folder.to_owned(),
        source,
    };
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let is_yaml = path
            .extension()
            .is_some_and(|ending| ending == "yaml" || ending == "yml");
        if path.is_dir() && depth < DEPTH_MAX {
            collect_files(&path, depth + 1, files)?;
        } else if is_yaml && files.len() < FILES_MAX {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    const GOOD: &str = "
scenario: mine/ping
title: A ping is answered
steps:
  - id: session
    connect: {}
  - id: ping
    request: { method: ping }
    expect:
      - check: answered
        level: MUST
        that: { answer: result }
";

    fn error_for(text: &str) -> String {
        let folder = folder_with(&[("mine/ping.yaml", text)]);
        Library::default()
            .add_folder(folder.path(), &["known-probe"])
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_users_folder_is_read() {
        let folder = folder_with(&[("mine/ping.yaml", GOOD)]);
        let mut library = Library::default();
        library.add_folder(folder.path(), &[]).unwrap();
        let loaded = library.get("mine/ping").unwrap();
        let ids: Vec<String> = loaded
            .scenario
            .checks()
            .map(|check| loaded.scenario.check_id(check))
            .collect();
        assert_eq!(ids, ["mine/ping#answered"]);
        let again = library.add_folder(folder.path(), &[]).unwrap_err();
        assert!(matches!(again, LoadError::Twice { .. }), "{again}");
    }

    #[test]
    fn a_bad_file_is_refused_with_file_line_and_excerpt() {
        let cases = [
            (
                GOOD.replace("answer: result", "anser: result"),
                "unknown field `anser`",
            ),
            (
                GOOD.replace("connect: {}", "connect: {}\n    request: { method: ping }"),
                "has 2",
            ),
            (
                GOOD.replace("level: MUST", "requirement: tools.list.entry-shap"),
                "did you mean",
            ),
            (
                GOOD.replace(
                    "level: MUST",
                    "requirement: ping.empty-result\n        level: MUST",
                ),
                "either",
            ),
            (
                GOOD.replace("answer: result", "probe: unknown-probe"),
                "unknown-probe",
            ),
            (GOOD.replace("mine/ping\n", "mine/pong\n"), "mine/ping"),
            (
                GOOD.replace(
                    "{ method: ping }",
                    "{ method: ping, params: { a: '${gone}' } }",
                ),
                "${gone}",
            ),
            (
                GOOD.replace("method: ping }", "method: ping, session: mian }"),
                "session named 'mian'",
            ),
            (
                GOOD.replace(
                    "request: { method: ping }",
                    "request: { method: ping }\n    capture: { x: { optional: true } }",
                ),
                "takes one of",
            ),
            (
                GOOD.replace(
                    "answer: result }",
                    "answer: result }\n        tolerated: { probe: unknown }",
                ),
                "no probe 'unknown'",
            ),
            (GOOD.replace("id: ping", "id: session"), "session"),
            (
                GOOD.replace(
                    "request: { method: ping }",
                    "await: { on: nowhere, within: 1s }",
                ),
                "nowhere",
            ),
        ];
        for (text, part) in cases {
            let error = error_for(&text);
            assert!(error.contains("ping.yaml"), "{error}");
            assert!(error.contains(part), "{part}: {error}");
            assert!(
                error.contains("line ") || error.contains('|'),
                "no place in: {error}"
            );
        }
    }

    #[test]
    fn an_empty_or_missing_folder_is_an_error() {
        let folder = folder_with(&[]);
        let error = Library::default()
            .add_folder(folder.path(), &[])
            .unwrap_err();
        assert!(matches!(error, LoadError::Empty(_)), "{error}");
        let missing = folder.path().join("missing");
        let error = Library::default().add_folder(&missing, &[]).unwrap_err();
        assert!(matches!(error, LoadError::Read { .. }), "{error}");
    }
}
