//! Response modes: how the parameters of an answer travel (OAuth 2.0 Multiple Response Type Encoding §2.1,
//! Form Post Response Mode, JARM §2.3).

use serde::{Deserialize, Serialize};

/// See the module. Stored by number: a new one goes to the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ResponseMode {
    /// In the query.
    #[default]
    Query,
    /// In the fragment.
    Fragment,
    /// As a form that the browser posts.
    FormPost,
    /// Signed, in the query.
    QueryJwt,
    /// Signed, in the fragment.
    FragmentJwt,
    /// Signed, as a form that the browser posts.
    FormPostJwt,
}

/// Where the parameters stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// In the query of the redirect.
    Query,
    /// In the fragment of the redirect.
    Fragment,
    /// In the body of a form that the browser sends.
    Form,
}

/// Every mode.
static ALL: &[ResponseMode] = &[
    ResponseMode::Query,
    ResponseMode::Fragment,
    ResponseMode::FormPost,
    ResponseMode::QueryJwt,
    ResponseMode::FragmentJwt,
    ResponseMode::FormPostJwt,
];

impl ResponseMode {
    /// Its name on the wire, where the parameters stand, whether they are one signed message.
    const fn facts(self) -> (&'static str, Carrier, bool) {
        match self {
            Self::Query => ("query", Carrier::Query, false),
            Self::Fragment => ("fragment", Carrier::Fragment, false),
            Self::FormPost => ("form_post", Carrier::Form, false),
            Self::QueryJwt => ("query.jwt", Carrier::Query, true),
            Self::FragmentJwt => ("fragment.jwt", Carrier::Fragment, true),
            Self::FormPostJwt => ("form_post.jwt", Carrier::Form, true),
        }
    }

    /// The name of the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.facts().0
    }

    /// The mode of that name. `jwt` alone is `query.jwt`, because the only response type is `code`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        if name == "jwt" {
            return Some(Self::QueryJwt);
        }
        ALL.iter().copied().find(|mode| mode.as_str() == name)
    }

    /// Where they stand.
    #[must_use]
    pub const fn carrier(self) -> Carrier {
        self.facts().1
    }

    /// Whether the parameters travel as one signed message.
    #[must_use]
    pub const fn is_signed(self) -> bool {
        self.facts().2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_has_one_spelling_but_for_the_short_one() {
        for mode in ALL {
            assert_eq!(ResponseMode::parse(mode.as_str()), Some(*mode));
        }
        assert_eq!(ResponseMode::parse("jwt"), Some(ResponseMode::QueryJwt));
        for name in ["", "Query", "web_message", "query ", "form_post.JWT"] {
            assert_eq!(ResponseMode::parse(name), None, "{name}");
        }
    }
}
