//! The addresses in client metadata, by what happens to them. Every member of the schema is named
//! here once, so a new one does not compile until somebody has said what it is (attacks.md M074).

use counterfoil_protocol::redirect_uri::RedirectUri;
use counterfoil_protocol::refusal::{MetadataFault, Refusal};

use super::metadata::ClientMetadata;
use crate::outbound::Outbound;

/// What becomes of an address.
enum Use<'a> {
    /// This server calls it.
    Called(&'static str, Option<&'a String>),
    /// A browser is sent to it, or shows a link to it.
    Opened(&'static str, Option<&'a String>),
}

/// Whether every address can be what it is registered for. Redirect URIs are read elsewhere: they
/// become a type.
///
/// # Errors
/// [`Refusal::Metadata`] with the name of the member.
pub(super) fn check(asked: &ClientMetadata, outbound: &dyn Outbound) -> Result<(), Refusal> {
    for address in all(asked) {
        match address {
            Use::Called(name, Some(url)) if !outbound.admits(url) => {
                return Err(Refusal::Metadata(name, MetadataFault::NotAllowed));
            }
            Use::Opened(name, Some(url)) if !opens(url) => {
                return Err(Refusal::Metadata(name, MetadataFault::Malformed));
            }
            Use::Called(..) | Use::Opened(..) => {}
        }
    }
    Ok(())
}

/// An `https` address that every reader reads alike.
fn opens(url: &str) -> bool {
    url.starts_with("https://") && RedirectUri::parse_registered(url).is_ok()
}

fn all(asked: &ClientMetadata) -> [Use<'_>; 8] {
    let ClientMetadata {
        client_uri,
        logo_uri,
        tos_uri,
        policy_uri,
        jwks_uri,
        sector_identifier_uri,
        initiate_login_uri,
        backchannel_logout_uri,
        // Read as redirect URIs.
        redirect_uris: _,
        post_logout_redirect_uris: _,
        // A name of a certificate, not an address.
        tls_client_auth_san_uri: _,
        // No addresses.
        token_endpoint_auth_method: _,
        grant_types: _,
        response_types: _,
        client_name: _,
        scope: _,
        contacts: _,
        jwks: _,
        software_statement: _,
        application_type: _,
        subject_type: _,
        id_token_signed_response_alg: _,
        id_token_encrypted_response_alg: _,
        userinfo_signed_response_alg: _,
        userinfo_encrypted_response_alg: _,
        request_object_signing_alg: _,
        request_object_encryption_alg: _,
        token_endpoint_auth_signing_alg: _,
        default_max_age: _,
        require_auth_time: _,
        default_acr_values: _,
        backchannel_logout_session_required: _,
        tls_client_auth_subject_dn: _,
        tls_client_auth_san_dns: _,
        tls_client_auth_san_ip: _,
        tls_client_auth_san_email: _,
        tls_client_certificate_bound_access_tokens: _,
        dpop_bound_access_tokens: _,
        authorization_details_types: _,
        authorization_signed_response_alg: _,
        authorization_encrypted_response_alg: _,
        introspection_signed_response_alg: _,
        introspection_encrypted_response_alg: _,
    } = asked;
    [
        Use::Called("jwks_uri", jwks_uri.as_ref()),
        Use::Called("sector_identifier_uri", sector_identifier_uri.as_ref()),
        Use::Called("logo_uri", logo_uri.as_ref()),
        Use::Called("backchannel_logout_uri", backchannel_logout_uri.as_ref()),
        Use::Opened("client_uri", client_uri.as_ref()),
        Use::Opened("policy_uri", policy_uri.as_ref()),
        Use::Opened("tos_uri", tos_uri.as_ref()),
        Use::Opened("initiate_login_uri", initiate_login_uri.as_ref()),
    ]
}
