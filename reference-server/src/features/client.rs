//! What a client declared in `initialize` (2025-11-25 basic/lifecycle#capability-negotiation).

use serde_json::{Map, Value};

use crate::jsonrpc::Params;
use crate::revision::Revision;

/// What the server may ask of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ClientFeatures {
    pub(crate) roots: bool,
    pub(crate) sampling: bool,
    /// Questions that the client asks its user by a form.
    pub(crate) elicitation_form: bool,
    /// Questions that the user answers on a page of their own.
    pub(crate) elicitation_url: bool,
}

impl ClientFeatures {
    /// Reads `capabilities`. An elicitation capability without modes means forms
    /// (2025-11-25 client/elicitation#capabilities); before 2025-06-18 there is none at all.
    pub(crate) fn read(params: &Params, revision: Revision) -> Self {
        let declared = params.get("capabilities").and_then(Value::as_object);
        declared.map_or_else(Self::default, |declared| Self::of(declared, revision))
    }

    /// Reads the capabilities themselves.
    pub(crate) fn of(capabilities: &Map<String, Value>, revision: Revision) -> Self {
        let declared = |name: &str| capabilities.get(name)?.as_object();
        let elicitation = declared("elicitation").filter(|_| revision >= Revision::V2025_06_18);
        let has_modes = revision >= Revision::V2025_11_25;
        let mode = |name: &str| {
            elicitation.is_some_and(|modes| modes.get(name).is_some_and(Value::is_object))
        };
        Self {
            roots: declared("roots").is_some(),
            sampling: declared("sampling").is_some(),
            elicitation_form: elicitation
                .is_some_and(|modes| !has_modes || modes.is_empty() || mode("form")),
            elicitation_url: has_modes && mode("url"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn modes_of_elicitation_depend_on_the_revision() {
        let (old, middle, new) = (
            Revision::V2025_03_26,
            Revision::V2025_06_18,
            Revision::V2025_11_25,
        );
        for (elicitation, revision, form, url) in [
            (json!({}), new, true, false),
            (json!({"form": {}}), new, true, false),
            (json!({"url": {}}), new, false, true),
            (json!({"form": {}, "url": {}}), new, true, true),
            (json!({"url": true}), new, false, false),
            (json!({"url": {}}), middle, true, false),
            (json!({}), old, false, false),
            (json!(true), new, false, false),
        ] {
            let Value::Object(params) = json!({"capabilities": {"elicitation": elicitation}})
            else {
                unreachable!()
            };
            let features = ClientFeatures::read(&params, revision);
            let got = (features.elicitation_form, features.elicitation_url);
            assert_eq!(got, (form, url), "{elicitation} at {revision}");
            assert!(!features.roots && !features.sampling);
        }
        assert_eq!(
            ClientFeatures::read(&Params::new(), new),
            ClientFeatures::default()
        );
    }
}
