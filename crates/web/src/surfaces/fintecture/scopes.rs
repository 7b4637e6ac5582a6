//! The spellings of scopes (surfaces.md 2.5): any case, singular and plural, and `OAC` for every
//! organisation scope of the client. Stored canonical, answered as asked.

use counterfoil_engine::client::Client;
use counterfoil_engine::policy::ScopeRules;
use counterfoil_protocol::refusal::Refusal;
use counterfoil_protocol::scope::{Scope, ScopeSet};

pub(super) struct Aliases;

/// Organisation Access Credentials: 30 days, cheap to renew (surfaces.md 10).
const OAC_TTL_S: u64 = 30 * 86_400;
const OAC_PREFIXES: [&str; 4] = ["organisations:", "companies:", "users:", "applications:"];

/// Whether these are scopes of organisation access credentials.
pub(crate) fn is_oac(scope: &ScopeSet) -> bool {
    !scope.is_empty() && scope.iter().all(is_organisation)
}

fn is_organisation(token: &str) -> bool {
    OAC_PREFIXES.iter().any(|prefix| token.starts_with(prefix))
}

fn canonical(token: &str) -> String {
    let lower = token.to_ascii_lowercase();
    match lower.as_str() {
        "customer" => "customers".into(),
        "e-mandate" | "emandate" | "emandates" => "e-mandates".into(),
        _ => lower,
    }
}

impl ScopeRules for Aliases {
    fn read(&self, raw: &str, client: &Client) -> Result<ScopeSet, Refusal> {
        let bad = |_| Refusal::ScopeNotAllowed;
        let asked = ScopeSet::parse(raw).map_err(bad)?;
        let mut tokens: Vec<String> = Vec::new();
        for token in asked.iter() {
            if token.eq_ignore_ascii_case("oac") {
                let own = client.scope.iter().filter(|t| is_organisation(t));
                let before = tokens.len();
                tokens.extend(own.map(str::to_owned));
                if tokens.len() == before {
                    return Err(Refusal::ScopeNotAllowed);
                }
            } else {
                tokens.push(canonical(token));
            }
        }
        ScopeSet::collect(tokens.iter().map(|token| Scope::parse(token))).map_err(bad)
    }

    /// AIS only with a customer; everything else only without one.
    fn through(&self, grant_type: &str, scope: &ScopeSet) -> bool {
        let with_customer = grant_type == "authorization_code";
        let oac = scope.iter().filter(|token| is_organisation(token)).count();
        let pure = oac == 0 || oac == scope.iter().count();
        pure && scope.iter().all(|token| (token == "ais") == with_customer)
    }

    fn refreshable_s(&self, scope: &ScopeSet) -> Option<u64> {
        is_oac(scope).then_some(OAC_TTL_S)
    }

    fn required(&self) -> Option<&'static str> {
        None
    }

    /// Every SDK repeats `scope=AIS` at the code exchange.
    fn compared_at_redemption(&self) -> bool {
        true
    }
}
