//! `payment_initiation`: one payment, as the example of RFC 9396 §2 has it.

use super::formats::{AMOUNT, BBAN, CURRENCY, DATE, IBAN, LOCATION};
use super::shape::{Shape, needed, optional};
use super::types::{DetailsType, Fact, Line, date, list, text};
use crate::limits::RESOURCES_MAX;

pub(super) const NAME: &str = "payment_initiation";
const ACTIONS: [&str; 3] = ["initiate", "status", "cancel"];
/// ISO 20022: names and unstructured remittance information.
const NAME_LEN_MAX: usize = 140;

/// See the module.
pub static PAYMENT_INITIATION: &DetailsType = &DetailsType {
    name: NAME,
    title: "details-payment",
    shape: Shape::Object(&[
        needed("type", Shape::Word(&[NAME])),
        optional("actions", Shape::List(&Shape::Word(&ACTIONS), ACTIONS.len())),
        needed(
            "instructedAmount",
            Shape::Object(&[
                needed("currency", Shape::Formatted(&CURRENCY)),
                needed("amount", Shape::Formatted(&AMOUNT)),
            ]),
        ),
        needed("creditorName", Shape::Text(NAME_LEN_MAX)),
        needed(
            "creditorAccount",
            Shape::Either(&[
                optional("iban", Shape::Formatted(&IBAN)),
                optional("bban", Shape::Formatted(&BBAN)),
            ]),
        ),
        optional("remittanceInformationUnstructured", Shape::Text(NAME_LEN_MAX)),
        optional("requestedExecutionDate", Shape::Formatted(&DATE)),
        optional("locations", Shape::List(&Shape::Formatted(&LOCATION), RESOURCES_MAX)),
    ]),
    texts: &[
        "details-payment",
        "details-amount",
        "details-creditor",
        "details-creditor-account",
        "details-reference",
        "details-on",
        "details-can",
        "details-pay",
        "details-follow-payment",
        "details-cancel-payment",
    ],
    lines: |details| {
        let amount = details.get("instructedAmount").and_then(|amount| amount.as_object());
        let of = |name| amount.and_then(|amount| text(amount, name)).unwrap_or_default();
        let amount = Fact::Amount { amount: of("amount").into(), currency: of("currency").into() };
        let account = details.get("creditorAccount").and_then(|account| account.as_object());
        let account = account.and_then(|account| text(account, "iban").or(text(account, "bban")));
        let said = |label, text: Option<&str>| {
            text.map(|text| Line { label, facts: vec![Fact::Text(text.into())] })
        };
        let words = list(details, "actions").filter_map(|action| match action {
            "initiate" => Some(Fact::Word("details-pay")),
            "status" => Some(Fact::Word("details-follow-payment")),
            "cancel" => Some(Fact::Word("details-cancel-payment")),
            _ => None,
        });
        let words: Vec<Fact> = words.collect();
        let mut lines = vec![Line { label: "details-amount", facts: vec![amount] }];
        lines.extend(said("details-creditor", text(details, "creditorName")));
        lines.extend(said("details-creditor-account", account));
        let reference = text(details, "remittanceInformationUnstructured");
        lines.extend(said("details-reference", reference));
        lines.extend(date(details, "requestedExecutionDate", "details-on"));
        lines.extend((!words.is_empty()).then_some(Line { label: "details-can", facts: words }));
        lines
    },
    ends: |_, _| None,
    accounts: |_| false,
    account_names: None,
    pays: true,
};
