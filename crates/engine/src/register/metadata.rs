//! Client metadata on the wire: RFC 7591 §2, OpenID Connect Registration §2 and the members that
//! RFC 8705, 9396, 9449, 9701, JARM and the logout specifications register.

use counterfoil_jose::json::Strict;
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::client_metadata::{Metadata, Sender, SubjectType, TlsSubject};

macro_rules! members {
    ($($(#[$doc:meta])* $name:ident: $type:ty,)*) => {
        /// What a client asks to be registered with, and what it is told it is registered with. A
        /// member that is not here is ignored and kept nowhere (attacks.md M039). One that occurs
        /// twice is refused.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        pub struct ClientMetadata {
            $($(#[$doc])* #[serde(default, skip_serializing_if = "Option::is_none")]
            pub $name: Option<$type>,)*
        }

        impl ClientMetadata {
            /// The names of all members.
            pub const MEMBERS: &'static [&'static str] = &[$(stringify!($name)),*];
        }
    };
}

members! {
    /// RFC 7591.
    redirect_uris: Vec<String>,
    /// RFC 7591; `client_secret_basic` when left out.
    token_endpoint_auth_method: String,
    /// RFC 7591; `authorization_code` when left out.
    grant_types: Vec<String>,
    /// RFC 7591; `code` when left out.
    response_types: Vec<String>,
    /// RFC 7591.
    client_name: String,
    /// RFC 7591.
    client_uri: String,
    /// RFC 7591.
    logo_uri: String,
    /// RFC 7591; everything that the surface offers when left out.
    scope: String,
    /// RFC 7591.
    contacts: Vec<String>,
    /// RFC 7591.
    tos_uri: String,
    /// RFC 7591.
    policy_uri: String,
    /// RFC 7591.
    jwks_uri: String,
    /// RFC 7591.
    jwks: Strict,
    /// RFC 7591 §2.3. None is approved here.
    software_statement: String,
    /// OpenID Connect: `web` or `native`.
    application_type: String,
    /// OpenID Connect.
    sector_identifier_uri: String,
    /// OpenID Connect: `public` or `pairwise`.
    subject_type: String,
    /// OpenID Connect.
    id_token_signed_response_alg: String,
    /// OpenID Connect. Nothing is encrypted here.
    id_token_encrypted_response_alg: String,
    /// OpenID Connect.
    userinfo_signed_response_alg: String,
    /// OpenID Connect. Nothing is encrypted here.
    userinfo_encrypted_response_alg: String,
    /// OpenID Connect.
    request_object_signing_alg: String,
    /// OpenID Connect. Nothing is encrypted here.
    request_object_encryption_alg: String,
    /// OpenID Connect.
    token_endpoint_auth_signing_alg: String,
    /// OpenID Connect, seconds.
    default_max_age: u64,
    /// OpenID Connect.
    require_auth_time: bool,
    /// OpenID Connect.
    default_acr_values: Vec<String>,
    /// OpenID Connect.
    initiate_login_uri: String,
    /// RP-Initiated Logout.
    post_logout_redirect_uris: Vec<String>,
    /// Back-Channel Logout.
    backchannel_logout_uri: String,
    /// Back-Channel Logout.
    backchannel_logout_session_required: bool,
    /// RFC 8705 §2.1.2.
    tls_client_auth_subject_dn: String,
    /// RFC 8705 §2.1.2.
    tls_client_auth_san_dns: String,
    /// RFC 8705 §2.1.2.
    tls_client_auth_san_uri: String,
    /// RFC 8705 §2.1.2.
    tls_client_auth_san_ip: String,
    /// RFC 8705 §2.1.2.
    tls_client_auth_san_email: String,
    /// RFC 8705 §3.4.
    tls_client_certificate_bound_access_tokens: bool,
    /// RFC 9449 §5.2.
    dpop_bound_access_tokens: bool,
    /// RFC 9396 §10.
    authorization_details_types: Vec<String>,
    /// JARM §3.
    authorization_signed_response_alg: String,
    /// JARM §3. Nothing is encrypted here.
    authorization_encrypted_response_alg: String,
    /// RFC 9701 §6.
    introspection_signed_response_alg: String,
    /// RFC 9701 §6. Nothing is encrypted here.
    introspection_encrypted_response_alg: String,
}

impl ClientMetadata {
    /// What a client is registered with (RFC 7591 §3.2.1: all of it, also what it did not ask for).
    #[must_use]
    pub fn of(client: &Client) -> Self {
        let text = |value: &Option<Box<str>>| value.as_deref().map(str::to_owned);
        let list = |values: &[Box<str>]| values.iter().map(|v| v.to_string()).collect::<Vec<_>>();
        let some = |values: Vec<String>| Some(values).filter(|values| !values.is_empty());
        let uris = |uris: &[counterfoil_protocol::redirect_uri::RedirectUri]| {
            some(uris.iter().map(|uri| uri.as_str().to_owned()).collect())
        };
        let m: &Metadata = &client.metadata;
        let by_code = client.grants.iter().any(|grant| &**grant == "authorization_code");
        Self {
            redirect_uris: uris(&client.redirect_uris),
            token_endpoint_auth_method: client.auth.first().map(|method| method.to_string()),
            grant_types: Some(list(&client.grants)),
            response_types: Some(if by_code { vec!["code".into()] } else { vec![] }),
            client_name: Some(client.name.to_string()),
            client_uri: text(&m.client_uri),
            logo_uri: text(&m.logo_uri),
            scope: Some(client.scope.to_string()),
            contacts: some(list(&m.contacts)),
            tos_uri: text(&m.tos_uri),
            policy_uri: text(&m.policy_uri),
            jwks_uri: text(&m.jwks_uri),
            jwks: m.jwks.as_deref().and_then(|jwks| serde_json::from_str(jwks).ok()).map(Strict),
            sector_identifier_uri: text(&m.sector_identifier_uri),
            subject_type: Some(match m.subject_type {
                SubjectType::Pairwise => "pairwise".into(),
                SubjectType::Public => "public".into(),
            }),
            id_token_signed_response_alg: text(&m.id_token_alg),
            userinfo_signed_response_alg: text(&m.userinfo_alg),
            request_object_signing_alg: text(&m.request_object_alg),
            token_endpoint_auth_signing_alg: match client.assertion_algs.as_slice() {
                [only] => Some(only.to_string()),
                _ => None,
            },
            default_max_age: m.default_max_age_s,
            require_auth_time: Some(m.require_auth_time),
            default_acr_values: some(list(&m.default_acr_values)),
            initiate_login_uri: text(&m.initiate_login_uri),
            post_logout_redirect_uris: uris(&m.post_logout_redirect_uris),
            backchannel_logout_uri: text(&m.backchannel_logout_uri),
            backchannel_logout_session_required: m
                .backchannel_logout_uri
                .as_ref()
                .map(|_| m.backchannel_logout_session_required),
            tls_client_certificate_bound_access_tokens: Some(m.sender == Sender::Mtls),
            dpop_bound_access_tokens: Some(m.sender == Sender::Dpop),
            authorization_details_types: some(list(&m.details_types)),
            authorization_signed_response_alg: text(&m.authorization_alg),
            introspection_signed_response_alg: text(&m.introspection_alg),
            ..Self::named(m.tls_subject.as_ref())
        }
    }

    /// The name of its certificate and nothing else.
    fn named(subject: Option<&TlsSubject>) -> Self {
        let nothing = Self::default();
        match subject {
            None => nothing,
            Some(TlsSubject::Dn(name)) => {
                Self { tls_client_auth_subject_dn: Some(name.to_string()), ..nothing }
            }
            Some(TlsSubject::Dns(name)) => {
                Self { tls_client_auth_san_dns: Some(name.to_string()), ..nothing }
            }
            Some(TlsSubject::Uri(name)) => {
                Self { tls_client_auth_san_uri: Some(name.to_string()), ..nothing }
            }
            Some(TlsSubject::Ip(name)) => {
                Self { tls_client_auth_san_ip: Some(name.to_string()), ..nothing }
            }
            Some(TlsSubject::Email(name)) => {
                Self { tls_client_auth_san_email: Some(name.to_string()), ..nothing }
            }
        }
    }
}
