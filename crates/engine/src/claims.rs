//! Claims about a customer (OpenID Connect Core §5): which a scope stands for, which a request names,
//! and what of it a client is given.

use counterfoil_jose::json;
use counterfoil_protocol::refusal::{Fault, Refusal};
use counterfoil_protocol::scope::ScopeSet;
use serde_json::{Map, Value};

use crate::limits::{CLAIMS_REQUESTED_MAX, CLAIMS_TEXT_LEN_MAX};

/// Scopes and the claims they stand for (§5.4). `customers` is what MX calls the name.
pub const SCOPES: [(&str, &[&str]); 5] = [
    (
        "profile",
        &[
            "name",
            "family_name",
            "given_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
        ],
    ),
    ("email", &["email", "email_verified"]),
    ("address", &["address"]),
    ("phone", &["phone_number", "phone_number_verified"]),
    ("customers", &["name"]),
];

/// The standard scope that stands for a claim.
#[must_use]
pub fn scope_of(claim: &str) -> Option<&'static str> {
    SCOPES.iter().find(|(_, claims)| claims.contains(&claim)).map(|(scope, _)| *scope)
}

/// One claim that a request names (§5.5.1).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// Its name.
    pub name: String,
    /// Whether the client cannot go on without it.
    pub essential: bool,
    /// The values it would like, the best first; empty for any.
    pub values: Vec<Value>,
}

/// The `claims` parameter (§5.5).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Requested {
    /// For UserInfo.
    pub userinfo: Vec<Wanted>,
    /// For the ID token.
    pub id_token: Vec<Wanted>,
}

impl Requested {
    /// Reads the parameter. What it does not understand it ignores (§5.5), what is no JSON it
    /// refuses.
    ///
    /// # Errors
    /// [`Refusal::Parameter`].
    pub fn parse(raw: &str) -> Result<Self, Refusal> {
        let malformed = Refusal::Parameter("claims", Fault::Malformed);
        let short = raw.len() <= CLAIMS_TEXT_LEN_MAX;
        let members = short.then(|| json::object(raw.as_bytes())).flatten().ok_or(malformed)?;
        let read = |name| match members.get(name) {
            None | Some(Value::Null) => Ok(vec![]),
            Some(Value::Object(some)) if some.len() <= CLAIMS_REQUESTED_MAX => {
                some.iter().map(|(name, how)| wanted(name, how).ok_or(malformed)).collect()
            }
            Some(_) => Err(malformed),
        };
        Ok(Self { userinfo: read("userinfo")?, id_token: read("id_token")? })
    }

    /// Of a parameter that was read before; nothing if there is none.
    #[must_use]
    pub fn kept(raw: Option<&str>) -> Self {
        raw.and_then(|raw| Self::parse(raw).ok()).unwrap_or_default()
    }

    /// What the request says of one claim of the ID token.
    #[must_use]
    pub fn of_login(&self, name: &str) -> Option<&Wanted> {
        self.id_token.iter().find(|wanted| wanted.name == name)
    }

    /// The standard scopes whose words tell a customer what is asked.
    #[must_use]
    pub fn spoken(&self) -> Vec<&'static str> {
        let all = self.userinfo.iter().chain(&self.id_token);
        let mut scopes: Vec<_> = all.filter_map(|wanted| scope_of(&wanted.name)).collect();
        scopes.sort_unstable();
        scopes.dedup();
        scopes
    }
}

fn wanted(name: &str, how: &Value) -> Option<Wanted> {
    let bare = Wanted { name: name.into(), ..Wanted::default() };
    let Value::Object(how) = how else { return how.is_null().then_some(bare) };
    let essential = match how.get("essential") {
        None => false,
        Some(flag) => flag.as_bool()?,
    };
    let values = match (how.get("value"), how.get("values")) {
        (Some(one), None) => vec![one.clone()],
        (None, Some(several)) => several.as_array()?.clone(),
        (None, None) => vec![],
        (Some(_), Some(_)) => return None,
    };
    Some(Wanted { essential, values, ..bare })
}

/// What is known of a customer, as kept: an object as JSON text.
#[must_use]
pub fn known(claims: &str, name: &str) -> Map<String, Value> {
    let mut known = json::object(claims.as_bytes()).unwrap_or_default();
    known.entry("name").or_insert_with(|| name.into());
    known
}

/// The claims that `scope` stands for and those that are wanted besides, as far as `allowed` covers
/// them and they are known. A claim with wished values is given only if it has one of them.
#[must_use]
pub fn given(
    known: &Map<String, Value>,
    scope: Option<&ScopeSet>,
    wanted: &[Wanted],
    allowed: &ScopeSet,
) -> Map<String, Value> {
    let mut out = Map::new();
    for (of, names) in SCOPES {
        if scope.is_some_and(|scope| scope.contains(of)) {
            let found = names.iter().filter_map(|name| known.get_key_value(*name));
            out.extend(found.map(|(name, value)| (name.clone(), value.clone())));
        }
    }
    for wanted in wanted {
        let covered = scope_of(&wanted.name).is_some_and(|scope| allowed.contains(scope));
        let Some(value) = known.get(&wanted.name).filter(|_| covered) else { continue };
        if wanted.values.is_empty() || wanted.values.contains(value) {
            out.insert(wanted.name.clone(), value.clone());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(raw: &str) -> ScopeSet {
        ScopeSet::parse(raw).unwrap()
    }

    #[test]
    fn a_request_names_claims_in_three_ways() {
        let raw = r#"{"userinfo":{"name":null,"email":{"essential":true},"x":{"value":1}},
            "id_token":{"acr":{"values":["a","b"]}},"other":7}"#;
        let found = Requested::parse(raw).unwrap();
        assert_eq!(found.userinfo.len(), 3);
        assert!(found.userinfo.iter().any(|w| w.name == "email" && w.essential));
        assert_eq!(found.of_login("acr").unwrap().values, ["a", "b"]);
        assert_eq!(found.spoken(), ["email", "profile"]);
        for bad in [
            "",
            "[]",
            "{",
            r#"{"userinfo":[]}"#,
            r#"{"userinfo":{"name":1}}"#,
            r#"{"userinfo":{"name":{"essential":"yes"}}}"#,
            r#"{"userinfo":{"name":{"value":1,"values":[1]}}}"#,
            r#"{"userinfo":{},"userinfo":{}}"#,
        ] {
            assert!(Requested::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_scope_gives_its_claims_and_no_others() {
        let known = known(r#"{"email":"a@b.example","address":{"country":"FR"}}"#, "Ada");
        let names = |map: Map<String, Value>| map.keys().cloned().collect::<Vec<_>>();
        let all = scopes("openid profile email address phone");
        assert_eq!(names(given(&known, Some(&scopes("openid email")), &[], &all)), ["email"]);
        assert_eq!(names(given(&known, Some(&scopes("profile")), &[], &all)), ["name"]);
        assert!(given(&known, Some(&scopes("openid")), &[], &all).is_empty());
    }

    #[test]
    fn what_is_wanted_is_bounded_by_the_registration_and_by_its_value() {
        let known = known(r#"{"email":"a@b.example"}"#, "Ada");
        let of = |raw: &str, allowed: &str| {
            let wanted = Requested::parse(raw).unwrap().userinfo;
            given(&known, None, &wanted, &scopes(allowed)).len()
        };
        let email = r#"{"userinfo":{"email":null,"nonsense":null}}"#;
        assert_eq!(of(email, "openid email"), 1);
        assert_eq!(of(email, "openid profile"), 0);
        let other = r#"{"userinfo":{"email":{"value":"c@d.example"}}}"#;
        assert_eq!(of(other, "openid email"), 0);
    }
}
