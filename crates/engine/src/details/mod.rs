//! Authorization details (RFC 9396): what is asked for, in more than a word. They are judged once, by the
//! form of their type; a customer reads all of them; they narrow and never widen.

pub mod shape;
pub mod types;
mod formats;
mod account_information;
mod payment_initiation;
mod fdx;
mod narrow;

use counterfoil_jose::json::Strict;
use counterfoil_protocol::ids::AccountId;
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::refusal::{AuthorizeFault, Refusal};
use serde_json::{Map, Value};

use crate::client::Client;
use crate::keys::Issuer;
use crate::limits::{DETAILS_MAX, DETAILS_TEXT_LEN_MAX};
use crate::policy::Policy;
use crate::target;
use types::{ALL, DetailsType, Line, list, named};

const INVALID: Refusal = Refusal::Authorize(AuthorizeFault::DetailsInvalid);

/// Authorization details that have been judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details(Vec<Value>);

impl Details {
    /// Reads the parameter, as this client may use it on this surface (§5).
    ///
    /// # Errors
    /// [`AuthorizeFault::DetailsInvalid`] for what is no array of objects, for a type that is unknown here
    /// or not registered for the client, and for whatever the form of the type does not know.
    pub(crate) fn read(
        raw: &str,
        client: &Client,
        policy: &Policy,
        issuer: &Issuer,
    ) -> Result<Self, Refusal> {
        if raw.len() > DETAILS_TEXT_LEN_MAX {
            return Err(INVALID);
        }
        let Ok(Strict(Value::Array(all))) = serde_json::from_str(raw) else { return Err(INVALID) };
        let takes = |value: &Value| {
            let object = value.as_object()?;
            let name = object.get("type")?.as_str()?;
            let kind = named(name, policy.authorization.details)?;
            let registered = client.metadata.details_types.iter().any(|known| **known == *name);
            let at = list(object, "locations").all(|at| target::is_known(at, issuer));
            (registered && at && kind.shape.fits(value)).then_some(())
        };
        let bounded = (1..=DETAILS_MAX).contains(&all.len());
        if bounded && all.iter().all(|value| takes(value).is_some()) {
            Ok(Self(all))
        } else {
            Err(INVALID)
        }
    }

    /// What was judged before and kept with a record.
    #[must_use]
    pub fn kept(text: Option<&str>) -> Self {
        let all = text.and_then(|text| serde_json::from_str(text).ok());
        Self(all.unwrap_or_default())
    }

    /// Normalised JSON; `None` where nothing is left.
    #[must_use]
    pub fn text(&self) -> Option<Box<str>> {
        (!self.0.is_empty()).then(|| Value::from(self.0.clone()).to_string().into())
    }

    /// Each with its type.
    fn each(&self) -> impl Iterator<Item = (&'static DetailsType, &Map<String, Value>)> {
        self.0.iter().filter_map(|value| {
            let object = value.as_object()?;
            Some((named(object.get("type")?.as_str()?, ALL)?, object))
        })
    }

    /// What the customer reads: for each its title and its lines.
    #[must_use]
    pub fn said(&self) -> Vec<(&'static str, Vec<Line>)> {
        self.each().map(|(kind, object)| (kind.title, (kind.lines)(object))).collect()
    }

    /// How many payments they are.
    #[must_use]
    pub fn payments(&self) -> usize {
        self.each().filter(|(kind, _)| kind.pays).count()
    }

    /// Whether they are about accounts that the customer chooses.
    #[must_use]
    pub fn concern_accounts(&self) -> bool {
        self.each().any(|(kind, object)| (kind.accounts)(object))
    }

    /// Whether an account is one of those that may be chosen: any, unless all of the details about
    /// accounts name some.
    #[must_use]
    pub fn admit(&self, account: &AccountId) -> bool {
        let mut about = self.each().filter(|(kind, object)| (kind.accounts)(object)).peekable();
        about.peek().is_none() || about.any(|(kind, object)| names(kind, object, account))
    }

    /// When the first of them ends by itself, asked for at `now`.
    #[must_use]
    pub fn ends(&self, now: Moment) -> Option<Moment> {
        self.each().filter_map(|(kind, object)| (kind.ends)(object, now)).min()
    }

    /// With the accounts that the customer chose (§7.1). What is about accounts and was given none of
    /// them is not given at all.
    #[must_use]
    pub(crate) fn with_accounts(mut self, chosen: &[AccountId]) -> Self {
        self.0.retain_mut(|value| {
            let Some(object) = value.as_object_mut() else { return false };
            let name = object.get("type").and_then(Value::as_str).unwrap_or_default();
            let Some(kind) = named(name, ALL) else { return false };
            let Some(member) = kind.account_names else { return true };
            let given = chosen.iter().filter(|account| names(kind, object, account));
            let given: Vec<Value> = given.map(|account| account.as_str().into()).collect();
            let some = !given.is_empty();
            object.insert(member.into(), given.into());
            some
        });
        self
    }

    /// What is left of what was granted: of the types that the client still has, and of these no more than
    /// it asks for (§6). Nothing asked is all of it.
    ///
    /// # Errors
    /// [`AuthorizeFault::DetailsInvalid`] when that would be more.
    pub(crate) fn narrowed(
        mut self,
        asked: Option<&Self>,
        client: &Client,
    ) -> Result<Self, Refusal> {
        let types = &client.metadata.details_types;
        self.0.retain(|value| {
            let name = value.get("type").and_then(Value::as_str);
            name.is_some_and(|name| types.iter().any(|known| **known == *name))
        });
        match asked {
            None => Ok(self),
            Some(asked) if narrow::all_within(&asked.0, &self.0) => Ok(asked.clone()),
            Some(_) => Err(INVALID),
        }
    }
}

/// Whether an object is about this account: one that names none is about any.
fn names(kind: &DetailsType, object: &Map<String, Value>, account: &AccountId) -> bool {
    let Some(member) = kind.account_names.filter(|member| object.contains_key(*member)) else {
        return true;
    };
    list(object, member).any(|named| named == account.as_str())
}

#[cfg(test)]
mod tests;
