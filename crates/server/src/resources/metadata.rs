//! `[client.metadata]`: what a client of a file has beyond OAuth's own, by the registered names, judged
//! as a registration is.

use std::collections::BTreeMap;

use counterfoil_engine::client::Client;
use counterfoil_engine::client_metadata::Metadata;
use counterfoil_engine::outbound::{Incoming, Outbound, OutboundFault, Outgoing};
use counterfoil_engine::policy::Policy;
use counterfoil_engine::register::metadata::ClientMetadata;
use counterfoil_engine::register::resulting::{self, Rules};
use counterfoil_engine::store::BoxFuture;
use counterfoil_protocol::refusal::Refusal;
use serde::Deserialize;
use toml::Spanned;

use super::Place;
use crate::failure::Failure;
use crate::nearest::nearest;

/// The table, with the places of its keys and values.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct MetadataFile(BTreeMap<Spanned<String>, Spanned<toml::Value>>);

/// What a file says with keys of its own, and what nothing here does.
const ELSEWHERE: [(&str, &str); 15] = [
    ("redirect_uris", "redirect_uris of the client"),
    ("token_endpoint_auth_method", "auth of the client"),
    ("token_endpoint_auth_signing_alg", "algs of auth"),
    ("grant_types", "grants of the client"),
    ("response_types", "grants of the client"),
    ("client_name", "name of the client"),
    ("scope", "scopes of the client"),
    ("jwks", "jwks of auth"),
    ("application_type", "nothing: redirect_uris say it"),
    ("software_statement", "nothing: none is approved"),
    ("id_token_encrypted_response_alg", NOTHING),
    ("userinfo_encrypted_response_alg", NOTHING),
    ("request_object_encryption_alg", NOTHING),
    ("authorization_encrypted_response_alg", NOTHING),
    ("introspection_encrypted_response_alg", NOTHING),
];
const NOTHING: &str = "nothing: nothing is encrypted";

/// Puts the metadata of a file into the record.
pub(super) fn apply(
    file: &MetadataFile,
    client: &mut Client,
    policy: &'static Policy,
    place: Place<'_>,
) -> Result<(), Failure> {
    let asked = read(file, client, place)?;
    let rules = Rules { policy, scopes: &[], outbound: &Operator };
    let judged = resulting::metadata_of_file(&asked, client, &rules);
    let judged = judged.map_err(|why| told(file, client, why, place))?;
    // Said by a key of the file's own.
    let jwt_access_tokens = client.metadata.jwt_access_tokens;
    client.metadata = Metadata { jwt_access_tokens, ..judged };
    Ok(())
}

/// The table as a type, key by key, so that each mistake has its place.
fn read(file: &MetadataFile, client: &Client, place: Place<'_>) -> Result<ClientMetadata, Failure> {
    let mut table = toml::Table::new();
    for (key, value) in &file.0 {
        let (name, at) = (key.get_ref().as_str(), key.span().start);
        if let Some((_, instead)) = ELSEWHERE.iter().find(|(known, _)| *known == name) {
            let what = format!("client \"{}\": {name} is not said here; use {instead}", client.id);
            return Err(place.at(at, &what));
        }
        if !ClientMetadata::MEMBERS.contains(&name) {
            let meant = nearest(name, ClientMetadata::MEMBERS.iter().copied());
            let meant = meant.map(|m| format!(", did you mean \"{m}\"?")).unwrap_or_default();
            return Err(place.at(at, &format!("unknown key \"{name}\"{meant}")));
        }
        let alone = toml::Table::from_iter([(name.to_owned(), value.get_ref().clone())]);
        if let Err(e) = alone.try_into::<ClientMetadata>() {
            let what = e.message().lines().next().unwrap_or_default().to_owned();
            return Err(place.at(value.span().start, &format!("{name}: {what}")));
        }
        table.insert(name.to_owned(), value.get_ref().clone());
    }
    table.try_into().map_err(|e| place.at(0, e.message()))
}

/// A refusal with the place of the member that it names.
fn told(file: &MetadataFile, client: &Client, why: Refusal, place: Place<'_>) -> Failure {
    let name = if let Refusal::Metadata(name, _) = why { name } else { "" };
    let value = file.0.iter().find(|(key, _)| key.get_ref() == name).map(|(_, value)| value);
    let what = format!("client \"{}\": {}", client.id, why.description());
    match value.or_else(|| file.0.values().next()) {
        Some(value) => place.at(value.span().start, &what),
        None => super::at(place.path, &what),
    }
}

/// The operator's own addresses: `https`, and judged again by the door whenever they are called.
struct Operator;

impl Outbound for Operator {
    fn admits(&self, url: &str) -> bool {
        url::Url::parse(url).is_ok_and(|url| url.scheme() == "https" && url.has_host())
    }

    fn call<'a>(&'a self, _: Outgoing<'a>) -> BoxFuture<'a, Result<Incoming, OutboundFault>> {
        Box::pin(std::future::ready(Err(OutboundFault::NotAdmitted)))
    }
}
