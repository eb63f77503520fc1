//! Reading YAML. The only user of the YAML crate.

use serde::de::DeserializeOwned;

/// A YAML text that cannot be read as what it should be. Shows line, column and an excerpt.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct YamlError(String);

/// Reads YAML. Only `true` and `false` are booleans, so that a parameter may be the text `no`.
///
/// # Errors
/// If the text is no YAML, has duplicate or unknown keys, or does not fit the type.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, YamlError> {
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| YamlError(error.to_string()))
}
