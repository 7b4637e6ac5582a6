//! JWT access tokens (RFC 9068), for clients that chose them.

use counterfoil_jose::alg::Alg;
use serde::Serialize;
use serde_json::Value;

use crate::client::Client;
use crate::confirmation::{Audience, Confirmation};
use crate::keys::Issuer;
use crate::policy::{AccessClaims, AccessFormat};

/// In the order of preference where the client has none: the quickest to make first.
const ALGS: [Alg; 4] = [Alg::ES256, Alg::EdDSA, Alg::PS256, Alg::RS256];

/// The format for one client: signed with the algorithm of its ID tokens, or else with what there is.
pub(super) fn format(client: &Client, issuer: &Issuer) -> AccessFormat {
    let wanted = client.metadata.id_token_alg.as_deref().and_then(Alg::parse);
    let there = || ALGS.into_iter().find(|alg| issuer.active_key(*alg).is_some());
    let alg = wanted.or_else(there).unwrap_or(Alg::ES256);
    AccessFormat::Jwt { alg, typ: "at+jwt", claims }
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: Audience<'a>,
    client_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    scope: &'a str,
    iat: u64,
    exp: u64,
    jti: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<Confirmation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_details: Option<Value>,
}

/// RFC 9068 §2.2, RFC 9396 §9.1. Without a resource it is for the resource servers of the tenant, which know it by
/// the issuer.
fn claims(of: &AccessClaims<'_>) -> String {
    let claims = Claims {
        iss: of.issuer,
        sub: of.subject,
        aud: Audience::of(of.audience, of.issuer),
        client_id: of.client,
        scope: of.scope,
        iat: of.issued.0,
        exp: of.expires.0,
        jti: of.id,
        cnf: of.binding.map(Confirmation::from),
        auth_time: of.login.map(|(at, _)| at.0),
        acr: of.login.and_then(|(_, acr)| acr),
        authorization_details: of.details.and_then(|details| serde_json::from_str(details).ok()),
    };
    serde_json::to_string(&claims).unwrap_or_default()
}
