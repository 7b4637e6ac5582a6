//! A customer of the bank: how they sign in, their accounts, the grants that stand in their name.

use counterfoil_protocol::ids::{AccountId, GrantId, Login, SubjectId};
use serde::{Deserialize, Serialize};

/// A customer as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The bank's own name for them; never leaves the server.
    pub id: SubjectId,
    /// What they type.
    pub login: Login,
    /// What pages call them.
    pub name: Box<str>,
    /// An argon2id hash in PHC form.
    pub password_hash: Option<Box<str>>,
    /// What they can share.
    pub accounts: Vec<Account>,
    /// What happens to them, in the sandbox.
    pub scenario: Scenario,
    /// Suspended by the bank: nothing that stands in their name is active.
    pub suspended: bool,
    /// The grants that stand in their name, oldest first; bounded.
    pub grants: Vec<GrantId>,
    /// The file that manages them, if one does.
    pub managed_by: Option<Box<str>>,
    /// What clients may learn of them: the standard claims of OpenID Connect Core §5.1, as a JSON
    /// object.
    pub claims: Option<Box<str>>,
}

/// One account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its name towards resource servers.
    pub id: AccountId,
    /// What the customer calls it.
    pub name: Box<str>,
    /// The end of its number, as pages show it.
    pub last_digits: Box<str>,
    /// ISO 4217.
    pub currency: Box<str>,
    /// In minor units.
    pub balance_minor: i64,
}

/// What a sandbox customer does, whatever the browser asks (experience.md 6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scenario {
    /// As a person would.
    #[default]
    None,
    /// The bank declines once they signed in.
    Denied,
    /// Strong authentication fails.
    ScaFail,
    /// What they allow has ended already when the code is redeemed.
    Expired,
}
