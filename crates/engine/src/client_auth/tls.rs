//! `tls_client_auth` and `self_signed_tls_client_auth` (RFC 8705 §2): the certificate of the
//! connection, by the names in it or by its key.

use counterfoil_jose::certificate::AltName;
use counterfoil_jose::distinguished_name::DistinguishedName;
use counterfoil_protocol::refusal::{CertificateFault, Refusal};

use super::{Authorization, Check, ClientAuth, Evidence, Material, Presented, Readings, Verified};
use crate::client::Client;
use crate::client_metadata::TlsSubject;
use crate::sender::mtls::PeerCertificate;

pub(super) struct ByName;
pub(super) struct ByKey;

/// A certificate and whom the request says it is of.
struct Shown<'p> {
    client: &'p str,
    peer: &'p PeerCertificate,
    by: By,
}

#[derive(Clone, Copy)]
enum By {
    Name,
    Key,
}

impl ClientAuth for ByName {
    fn name(&self) -> &'static str {
        "tls_client_auth"
    }

    fn material(&self) -> Material {
        Material::CertifiedName
    }

    fn shares_evidence(&self) -> bool {
        true
    }

    fn evidence<'p>(&self, presented: &'p Presented<'_>) -> Result<Readings<'p>, Refusal> {
        Ok(evidence(presented, By::Name))
    }
}

impl ClientAuth for ByKey {
    fn name(&self) -> &'static str {
        "self_signed_tls_client_auth"
    }

    fn material(&self) -> Material {
        Material::Certificates
    }

    fn shares_evidence(&self) -> bool {
        true
    }

    fn evidence<'p>(&self, presented: &'p Presented<'_>) -> Result<Readings<'p>, Refusal> {
        Ok(evidence(presented, By::Key))
    }
}

/// A certificate is evidence only where nothing else is presented: tokens may be bound to one whose
/// owner authenticates otherwise, and a secret that is wrong must not be saved by a certificate
/// (attacks.md P13).
fn evidence<'p>(presented: &'p Presented<'_>, by: By) -> Readings<'p> {
    let otherwise = presented.client_secret.is_some()
        || presented.assertion.is_some()
        || presented.assertion_type.is_some()
        || !matches!(presented.authorization, Authorization::Absent);
    match (presented.shown.certificate, presented.client_id) {
        (Some(peer), Some(client)) if !otherwise => vec![Box::new(Shown { client, peer, by })],
        _ => vec![],
    }
}

impl Evidence for Shown<'_> {
    fn names(&self) -> &str {
        self.client
    }

    fn may_be_alias(&self) -> bool {
        false
    }

    fn verify(&self, client: &Client, check: &Check<'_>) -> Result<Verified, Refusal> {
        let certificate = &self.peer.certificate;
        if !certificate.is_valid_at(check.now) {
            return Err(CertificateFault::NotValid.into());
        }
        match self.by {
            By::Name if !self.peer.trusted => Err(CertificateFault::Untrusted.into()),
            By::Name if !is_of(self.peer, client) => Err(CertificateFault::Subject.into()),
            By::Key if !holds(self.peer, client, check) => {
                Err(CertificateFault::Unregistered.into())
            }
            By::Name | By::Key => Ok(Verified::not_single_use()),
        }
    }
}

/// RFC 8705 §2.1.2: the one name that the client registered. A registration that cannot be read
/// names nobody.
fn is_of(peer: &PeerCertificate, client: &Client) -> bool {
    let certificate = &peer.certificate;
    let among = |wanted: AltName| certificate.alt_names().iter().any(|name| name.matches(&wanted));
    match &client.metadata.tls_subject {
        None => false,
        Some(TlsSubject::Dn(text)) => match (DistinguishedName::parse(text), certificate.name()) {
            (Ok(registered), Some(shown)) => !shown.is_empty() && registered == *shown,
            (Ok(_), None) | (Err(_), _) => false,
        },
        Some(TlsSubject::Dns(name)) => among(AltName::Dns(name.clone())),
        Some(TlsSubject::Uri(uri)) => among(AltName::Uri(uri.clone())),
        Some(TlsSubject::Email(mail)) => among(AltName::Email(mail.clone())),
        Some(TlsSubject::Ip(ip)) => ip.parse().is_ok_and(|ip| among(AltName::Ip(ip))),
    }
}

/// RFC 8705 §2.2: one of the client's registered certificates, or one over a registered key. TLS has
/// proven that the other side holds it.
fn holds(peer: &PeerCertificate, client: &Client, check: &Check<'_>) -> bool {
    let certificate = &peer.certificate;
    client.keys.iter().any(|key| {
        let in_time = key.not_before.is_none_or(|from| from <= check.now)
            && key.not_after.is_none_or(|to| check.now <= to);
        let same = key.sha256 == Some(certificate.sha256()) || key.spki == certificate.spki_der();
        in_time && same
    })
}
