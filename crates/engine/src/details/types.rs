//! Types of authorization details: one file each, one line in [`ALL`].

use counterfoil_protocol::moment::Moment;
use serde_json::{Map, Value};

use super::shape::Shape;

pub use super::account_information::ACCOUNT_INFORMATION;
pub use super::fdx::FDX;
pub use super::payment_initiation::PAYMENT_INITIATION;

/// Every type this server knows. A policy picks from these.
pub static ALL: &[&DetailsType] = &[ACCOUNT_INFORMATION, PAYMENT_INITIATION, FDX];

/// One type: what it may say, and what that means to a customer.
#[derive(Debug)]
pub struct DetailsType {
    /// The value of `type`.
    pub name: &'static str,
    /// The text that stands above it on the consent page.
    pub title: &'static str,
    /// Its form. What does not fit is refused.
    pub shape: Shape,
    /// Every text that [`Self::lines`] may name, and the title.
    pub texts: &'static [&'static str],
    /// What the customer reads: everything that it allows.
    pub lines: fn(&Map<String, Value>) -> Vec<Line>,
    /// When it ends by itself, asked for at this moment.
    pub ends: fn(&Map<String, Value>, Moment) -> Option<Moment>,
    /// Whether it is about accounts that the customer chooses.
    pub accounts: fn(&Map<String, Value>) -> bool,
    /// The member that names these accounts.
    pub account_names: Option<&'static str>,
    /// Whether money moves.
    pub pays: bool,
}

/// A line on the consent page: what it is called, and one or several things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The text in front of it.
    pub label: &'static str,
    /// What it says.
    pub facts: Vec<Fact>,
}

/// One thing that is said to the customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A text of ours.
    Word(&'static str),
    /// A text of ours about a number.
    Count {
        /// The text.
        text: &'static str,
        /// The number.
        count: u64,
    },
    /// What the client wrote.
    Text(Box<str>),
    /// An amount, exactly as the client wrote it.
    Amount {
        /// Digits with a point.
        amount: Box<str>,
        /// ISO 4217.
        currency: Box<str>,
    },
    /// A day.
    Date(Moment),
}

impl DetailsType {
    /// How others can check the same (JSON schema, draft 2020-12).
    #[must_use]
    pub fn schema(&self) -> Value {
        let mut schema = self.shape.schema();
        schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
        schema["title"] = self.name.into();
        schema
    }
}

/// The type of that name, of these.
#[must_use]
pub fn named(name: &str, of: &'static [&'static DetailsType]) -> Option<&'static DetailsType> {
    of.iter().copied().find(|known| known.name == name)
}

/// A member that is text.
pub(super) fn text<'d>(details: &'d Map<String, Value>, name: &str) -> Option<&'d str> {
    details.get(name).and_then(Value::as_str)
}

/// The texts of a member that is a list of them.
pub(super) fn list<'d>(
    details: &'d Map<String, Value>,
    name: &str,
) -> impl Iterator<Item = &'d str> + use<'d> {
    let all = details.get(name).and_then(Value::as_array);
    all.into_iter().flatten().filter_map(Value::as_str)
}

/// A line for a member that is a day.
pub(super) fn date(details: &Map<String, Value>, name: &str, label: &'static str) -> Option<Line> {
    let day = super::formats::last_second(text(details, name)?)?;
    Some(Line { label, facts: vec![Fact::Date(day)] })
}
