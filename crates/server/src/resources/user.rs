//! A user of a file as a record.

use argon2::password_hash::phc::PasswordHash;
use counterfoil_engine::claims::SCOPES;
use counterfoil_engine::limits::ACCOUNTS_MAX;
use counterfoil_engine::subject::{Account, Scenario, Subject};
use counterfoil_protocol::ids::{AccountId, Login, SubjectId};

use super::file::{AccountFile, UserFile};
use crate::nearest::nearest;

/// The record of a user.
pub(super) fn record(file: &UserFile, managed_by: Option<&str>) -> Result<Subject, String> {
    let id = file.id.as_deref().unwrap_or(&file.login);
    let scenario = match file.scenario.as_deref() {
        None => Scenario::None,
        Some("denied") => Scenario::Denied,
        Some("sca-fail") => Scenario::ScaFail,
        Some("expired") => Scenario::Expired,
        Some(other) => {
            return Err(format!("scenario \"{other}\"; one of: denied, sca-fail, expired"));
        }
    };
    if let Some(hash) = &file.password_hash {
        let argon2id = hash.starts_with("$argon2id$") && PasswordHash::new(hash).is_ok();
        if !argon2id {
            return Err("password_hash is no argon2id hash in PHC form ($argon2id$…)".into());
        }
    }
    if file.accounts.len() > ACCOUNTS_MAX {
        return Err(format!("more than {ACCOUNTS_MAX} accounts"));
    }
    Ok(Subject {
        id: SubjectId::parse(id).map_err(|_| "an id has visible ASCII characters")?,
        login: Login::parse(&file.login).map_err(|_| "a login has at most 255 bytes")?,
        name: file.name.as_deref().unwrap_or(&file.login).into(),
        password_hash: file.password_hash.as_deref().map(Into::into),
        accounts: file.accounts.iter().map(account).collect::<Result<_, _>>()?,
        scenario,
        suspended: file.suspended.unwrap_or(false),
        grants: vec![],
        managed_by: managed_by.map(Into::into),
        claims: claims(file)?,
    })
}

/// The claims as kept: an object as JSON text. A name that no client could ask for is a mistake.
fn claims(file: &UserFile) -> Result<Option<Box<str>>, String> {
    let Some(claims) = &file.claims else { return Ok(None) };
    let known = || SCOPES.iter().flat_map(|(_, claims)| claims.iter().copied());
    for name in claims.keys() {
        if !known().any(|known| known == name) {
            let meant = nearest(name, known()).map(|m| format!(", did you mean \"{m}\"?"));
            return Err(format!("no claim \"{name}\"{}", meant.unwrap_or_default()));
        }
    }
    let text = serde_json::to_string(claims).map_err(|e| e.to_string())?;
    Ok(Some(text.into()))
}

fn account(file: &AccountFile) -> Result<Account, String> {
    let id = AccountId::parse(&file.id);
    Ok(Account {
        id: id.map_err(|_| format!("account id \"{}\": letters, digits, - _ . only", file.id))?,
        name: file.name.as_str().into(),
        last_digits: file.last_digits.as_str().into(),
        currency: file.currency.as_str().into(),
        balance_minor: file.balance_minor,
    })
}
