//! Response modes by name, and what each means for the parameters (OAuth 2.0 Multiple Response Type
//! Encoding §2.1, Form Post Response Mode, JARM §2.3).

use crate::openid_request::ResponseMode;

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

impl ResponseMode {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Query,
        Self::Fragment,
        Self::FormPost,
        Self::QueryJwt,
        Self::FragmentJwt,
        Self::FormPostJwt,
    ];

    /// The name of the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Fragment => "fragment",
            Self::FormPost => "form_post",
            Self::QueryJwt => "query.jwt",
            Self::FragmentJwt => "fragment.jwt",
            Self::FormPostJwt => "form_post.jwt",
        }
    }

    /// The mode of that name. `jwt` alone is `query.jwt`, because the only response type is `code`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        if name == "jwt" {
            return Some(Self::QueryJwt);
        }
        Self::ALL.into_iter().find(|mode| mode.as_str() == name)
    }

    /// Whether the parameters travel as one signed message.
    #[must_use]
    pub const fn is_signed(self) -> bool {
        match self {
            Self::Query | Self::Fragment | Self::FormPost => false,
            Self::QueryJwt | Self::FragmentJwt | Self::FormPostJwt => true,
        }
    }

    /// Where they stand.
    #[must_use]
    pub const fn carrier(self) -> Carrier {
        match self {
            Self::Query | Self::QueryJwt => Carrier::Query,
            Self::Fragment | Self::FragmentJwt => Carrier::Fragment,
            Self::FormPost | Self::FormPostJwt => Carrier::Form,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_has_one_spelling_but_for_the_short_one() {
        for mode in ResponseMode::ALL {
            assert_eq!(ResponseMode::parse(mode.as_str()), Some(mode));
        }
        assert_eq!(ResponseMode::parse("jwt"), Some(ResponseMode::QueryJwt));
        for name in ["", "Query", "web_message", "query ", "form_post.JWT"] {
            assert_eq!(ResponseMode::parse(name), None, "{name}");
        }
    }
}
