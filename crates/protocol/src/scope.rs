//! Scopes: one token, and sets of them (RFC 6749 §3.3).

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ids::Malformed;

/// Longest scope token that is accepted.
const SCOPE_LEN_MAX: usize = 128;
/// Most scope tokens of one set: no ecosystem has more, and sets are compared pairwise.
pub const SCOPES_MAX: usize = 64;

/// One scope token.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Scope(#[serde(deserialize_with = "crate::text::read")] Arc<str>);

impl Scope {
    /// # Errors
    /// [`Malformed`] when empty, too long, or outside %x21 / %x23-5B / %x5D-7E.
    pub fn parse(raw: &str) -> Result<Self, Malformed> {
        let fits = !raw.is_empty()
            && raw.len() <= SCOPE_LEN_MAX
            && raw.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e));
        fits.then(|| Self(raw.into())).ok_or(Malformed("scope"))
    }

    /// The token as parsed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A set of scopes. Equality ignores the order, which carries no meaning; printing keeps it, because
/// clients expect to read back what they wrote.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ScopeSet(Vec<Scope>);

impl ScopeSet {
    /// Splits at single spaces; doubled spaces and doubled tokens are tolerated.
    ///
    /// # Errors
    /// [`Malformed`] for a bad token or more than [`SCOPES_MAX`] of them.
    pub fn parse(raw: &str) -> Result<Self, Malformed> {
        Self::collect(raw.split(' ').filter(|token| !token.is_empty()).map(Scope::parse))
    }

    /// The same tokens as they are spelled, each once and one space apart: what an answer may repeat
    /// (RFC 6749 §3.3 knows no doubled spaces).
    #[must_use]
    pub fn spelling(raw: &str) -> String {
        let mut tokens: Vec<&str> = vec![];
        for token in raw.split(' ').filter(|token| !token.is_empty()) {
            if !tokens.contains(&token) {
                tokens.push(token);
            }
        }
        tokens.join(" ")
    }

    /// A set of tokens that are parsed already, in their order.
    ///
    /// # Errors
    /// The first error among them, or [`Malformed`] for more than [`SCOPES_MAX`].
    pub fn collect(
        tokens: impl IntoIterator<Item = Result<Scope, Malformed>>,
    ) -> Result<Self, Malformed> {
        let mut set = Vec::new();
        for token in tokens {
            let token = token?;
            if !set.contains(&token) {
                if set.len() == SCOPES_MAX {
                    return Err(Malformed("scope"));
                }
                set.push(token);
            }
        }
        Ok(Self(set))
    }

    /// Whether every token of this set is one of `of`.
    #[must_use]
    pub fn is_subset(&self, of: &Self) -> bool {
        self.0.iter().all(|token| of.0.contains(token))
    }

    /// What both allow, in the order of this one.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self(self.0.iter().filter(|token| other.0.contains(token)).cloned().collect())
    }

    /// Whether `token` is a member.
    #[must_use]
    pub fn contains(&self, token: &str) -> bool {
        self.0.iter().any(|have| have.as_str() == token)
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Space separated, as on the wire.
    #[must_use]
    pub fn joined(&self) -> String {
        let len = self.0.iter().map(|token| token.0.len() + 1).sum();
        let mut text = String::with_capacity(len);
        for token in self.iter() {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(token);
        }
        text
    }

    /// The tokens, in the order they were given.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(Scope::as_str)
    }
}

impl PartialEq for ScopeSet {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.is_subset(other)
    }
}
impl Eq for ScopeSet {}

/// Space separated, as on the wire.
impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.joined())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(raw: &str) -> ScopeSet {
        ScopeSet::parse(raw).unwrap()
    }

    #[test]
    fn order_and_duplicates_mean_nothing_but_order_is_kept() {
        assert_eq!(set("b a  b"), set("a b"));
        assert_eq!(set("b a b").to_string(), "b a");
        assert_ne!(set("a"), set("a b"));
    }

    #[test]
    fn a_set_is_bounded() {
        let many: Vec<_> = (0..=SCOPES_MAX).map(|n| format!("s{n}")).collect();
        assert!(ScopeSet::parse(&many.join(" ")).is_err());
        assert!(ScopeSet::parse("say\"hi\"").is_err());
        assert!(ScopeSet::parse(&"a".repeat(129)).is_err());
    }

    proptest! {
        #[test]
        fn an_intersection_lies_in_both(a in "[a-e ]{0,12}", b in "[a-e ]{0,12}") {
            let (a, b) = (set(&a), set(&b));
            let both = a.and(&b);
            prop_assert!(both.is_subset(&a) && both.is_subset(&b));
            prop_assert_eq!(both, b.and(&a));
        }

        #[test]
        fn what_is_printed_parses_to_the_same_set(raw in "[a-z:.]{1,8}( [a-z:.]{1,8}){0,6}") {
            prop_assert_eq!(set(&set(&raw).to_string()), set(&raw));
        }
    }
}
