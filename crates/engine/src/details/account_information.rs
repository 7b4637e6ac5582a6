//! `account_information`: to read accounts, as the example of RFC 9396 §2 and §7.1 has it.

use super::formats::{ACCOUNT, DATE, LOCATION, last_second};
use super::shape::{Shape, needed, optional};
use super::types::{DetailsType, Fact, Line, date, list};
use crate::limits::{ACCOUNTS_MAX, RESOURCES_MAX};

pub(super) const NAME: &str = "account_information";
/// The accounts that it is about: those that the customer chose, of these if it names some.
const ACCOUNTS: &str = "accounts";
const ACTIONS: [&str; 3] = ["list_accounts", "read_balances", "read_transactions"];

/// See the module.
pub static ACCOUNT_INFORMATION: &DetailsType = &DetailsType {
    name: NAME,
    title: "details-accounts",
    shape: Shape::Object(&[
        needed("type", Shape::Word(&[NAME])),
        needed("actions", Shape::List(&Shape::Word(&ACTIONS), ACTIONS.len())),
        optional(ACCOUNTS, Shape::List(&Shape::Formatted(&ACCOUNT), ACCOUNTS_MAX)),
        optional("expirationDate", Shape::Formatted(&DATE)),
        optional("locations", Shape::List(&Shape::Formatted(&LOCATION), RESOURCES_MAX)),
    ]),
    texts: &[
        "details-accounts",
        "details-can",
        "details-list-accounts",
        "details-read-balances",
        "details-read-transactions",
        "details-until",
    ],
    lines: |details| {
        let words = list(details, "actions").filter_map(|action| match action {
            "list_accounts" => Some(Fact::Word("details-list-accounts")),
            "read_balances" => Some(Fact::Word("details-read-balances")),
            "read_transactions" => Some(Fact::Word("details-read-transactions")),
            _ => None,
        });
        let mut lines = vec![Line { label: "details-can", facts: words.collect() }];
        lines.extend(date(details, "expirationDate", "details-until"));
        lines
    },
    ends: |details, _| last_second(details.get("expirationDate")?.as_str()?),
    accounts: |_| true,
    account_names: Some(ACCOUNTS),
    pays: false,
};
