//! What a qualified certificate says of a payment service provider: its roles and who supervises it
//! (ETSI TS 119 495 §5.1), and whether it is for websites or for seals (ETSI EN 319 412-5 §4.2.3).

use der::asn1::{AnyRef, ObjectIdentifier, Utf8StringRef};
use der::{Decode as _, Encode as _, Reader as _, SliceReader, Tag, Tagged as _};

/// `id-pe-qcStatements` (RFC 3739 §3.2.6).
pub const EXTENSION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.3");
const QC_COMPLIANCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("0.4.0.1862.1.1");
const QC_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("0.4.0.1862.1.6");
const QC_TYPE_SEAL: ObjectIdentifier = ObjectIdentifier::new_unwrap("0.4.0.1862.1.6.2");
const QC_TYPE_WEB: ObjectIdentifier = ObjectIdentifier::new_unwrap("0.4.0.1862.1.6.3");
const PSD2: ObjectIdentifier = ObjectIdentifier::new_unwrap("0.4.0.19495.2");

/// Statements of one certificate, and roles of one statement.
const LIST_MAX: usize = 16;

/// A role of a payment service provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Account servicing.
    AccountServicing,
    /// Payment initiation.
    PaymentInitiation,
    /// Account information.
    AccountInformation,
    /// Issuing of card-based payment instruments.
    CardIssuing,
}

impl Role {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 4] = [
        Self::AccountServicing,
        Self::PaymentInitiation,
        Self::AccountInformation,
        Self::CardIssuing,
    ];

    /// The name in certificates.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccountServicing => "PSP_AS",
            Self::PaymentInitiation => "PSP_PI",
            Self::AccountInformation => "PSP_AI",
            Self::CardIssuing => "PSP_IC",
        }
    }

    const fn oid(self) -> ObjectIdentifier {
        ObjectIdentifier::new_unwrap(match self {
            Self::AccountServicing => "0.4.0.19495.1.1",
            Self::PaymentInitiation => "0.4.0.19495.1.2",
            Self::AccountInformation => "0.4.0.19495.1.3",
            Self::CardIssuing => "0.4.0.19495.1.4",
        })
    }
}

/// What a certificate may be used for. One must not pass for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Websites and connections: a QWAC.
    Web,
    /// Seals of messages: a QSealC.
    Seal,
}

/// What the statements say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// What the certificate is for, if it says so.
    pub kind: Option<Kind>,
    /// The roles. The object identifier counts, not the name beside it.
    pub roles: Vec<Role>,
    /// The name of the authority that supervises it.
    pub authority: String,
    /// The number of that authority.
    pub authority_id: String,
}

impl Provider {
    /// The content of the extension. `None` when it cannot be written.
    #[must_use]
    pub fn to_der(&self) -> Option<Vec<u8>> {
        let oid = |oid: ObjectIdentifier| oid.to_der().ok();
        let text = |text: &str| Utf8StringRef::new(text).ok()?.to_der().ok();
        let mut roles = vec![];
        for role in &self.roles {
            roles.extend(sequence(&[oid(role.oid())?, text(role.as_str())?])?);
        }
        let info = [sequence(&[roles])?, text(&self.authority)?, text(&self.authority_id)?];
        let mut statements = vec![sequence(&[oid(QC_COMPLIANCE)?])?];
        if let Some(kind) = self.kind {
            let kind = match kind {
                Kind::Web => QC_TYPE_WEB,
                Kind::Seal => QC_TYPE_SEAL,
            };
            statements.push(sequence(&[oid(QC_TYPE)?, sequence(&[oid(kind)?])?])?);
        }
        statements.push(sequence(&[oid(PSD2)?, sequence(&info)?])?);
        sequence(&statements)
    }

    /// Reads the content of the extension. `None` when it says nothing of a payment service provider,
    /// or something that is not as it should be: then nobody may act on a part of it.
    #[must_use]
    pub fn from_der(der: &[u8]) -> Option<Self> {
        let (mut kind, mut found) = (None, None);
        for statement in list(der)? {
            let mut inner = SliceReader::new(statement).ok()?;
            let id = ObjectIdentifier::decode(&mut inner).ok()?;
            let info = inner.remaining_len();
            if id == QC_TYPE {
                kind = Some(kind_of(AnyRef::decode(&mut inner).ok()?)?);
            } else if id == PSD2 {
                let info = AnyRef::decode(&mut inner).ok()?;
                // Twice would be two statements of one thing.
                if found.replace(provider(info)?).is_some() {
                    return None;
                }
            } else if info > der::Length::ZERO {
                AnyRef::decode(&mut inner).ok()?;
            }
            inner.finish().ok()?;
        }
        found.map(|provider| Self { kind, ..provider })
    }
}

fn provider(info: AnyRef<'_>) -> Option<Provider> {
    if info.tag() != Tag::Sequence {
        return None;
    }
    let mut reader = SliceReader::new(info.value()).ok()?;
    let listed = AnyRef::decode(&mut reader).ok()?;
    let authority = Utf8StringRef::decode(&mut reader).ok()?.as_str().to_owned();
    let authority_id = Utf8StringRef::decode(&mut reader).ok()?.as_str().to_owned();
    reader.finish().ok()?;
    let mut roles = vec![];
    for role in list_of(listed)? {
        let mut inner = SliceReader::new(role).ok()?;
        let oid = ObjectIdentifier::decode(&mut inner).ok()?;
        Utf8StringRef::decode(&mut inner).ok()?;
        inner.finish().ok()?;
        // A role nobody knows gives nothing.
        roles.extend(Role::ALL.into_iter().find(|role| role.oid() == oid));
    }
    Some(Provider { kind: None, roles, authority, authority_id })
}

fn kind_of(info: AnyRef<'_>) -> Option<Kind> {
    if info.tag() != Tag::Sequence {
        return None;
    }
    let mut reader = SliceReader::new(info.value()).ok()?;
    let kind = ObjectIdentifier::decode(&mut reader).ok()?;
    reader.finish().ok()?;
    match kind {
        QC_TYPE_WEB => Some(Kind::Web),
        QC_TYPE_SEAL => Some(Kind::Seal),
        _ => None,
    }
}

/// The insides of the sequences in a sequence.
fn list(der: &[u8]) -> Option<Vec<&[u8]>> {
    list_of(AnyRef::from_der(der).ok()?)
}

fn list_of(outer: AnyRef<'_>) -> Option<Vec<&[u8]>> {
    let mut reader = SliceReader::new(outer.value()).ok()?;
    let mut all = vec![];
    while !reader.is_finished() {
        let item = AnyRef::decode(&mut reader).ok()?;
        if item.tag() != Tag::Sequence || all.len() == LIST_MAX {
            return None;
        }
        all.push(item.value());
    }
    (outer.tag() == Tag::Sequence).then_some(all)
}

fn sequence(parts: &[Vec<u8>]) -> Option<Vec<u8>> {
    AnyRef::new(Tag::Sequence, &parts.concat()).ok()?.to_der().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(roles: &[Role]) -> Provider {
        Provider {
            kind: Some(Kind::Web),
            roles: roles.into(),
            authority: "Bundesanstalt".into(),
            authority_id: "DE-BAFIN".into(),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for roles in [&[][..], &[Role::AccountInformation], &Role::ALL] {
            for kind in [None, Some(Kind::Web), Some(Kind::Seal)] {
                let said = Provider { kind, ..provider(roles) };
                assert_eq!(Provider::from_der(&said.to_der().unwrap()), Some(said));
            }
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_standard() {
        // RolesOfPSP { { 0.4.0.19495.1.3, "PSP_AI" } }, as ETSI TS 119 495 annex A defines it.
        let der = provider(&[Role::AccountInformation]).to_der().unwrap();
        let role = b"\x30\x11\x06\x07\x04\x00\x81\x98\x27\x01\x03\x0c\x06PSP_AI";
        assert!(der.windows(role.len()).any(|window| window == role), "{der:02x?}");
        let statement = b"\x06\x06\x04\x00\x81\x98\x27\x02";
        assert!(der.windows(statement.len()).any(|window| window == statement), "{der:02x?}");
    }

    #[test]
    fn what_is_cut_or_changed_is_never_half_a_statement() {
        let der = provider(&Role::ALL).to_der().unwrap();
        for len in 0..der.len() {
            assert_eq!(Provider::from_der(&der[..len]), None);
        }
        assert_eq!(Provider::from_der(&[der.as_slice(), &[0]].concat()), None);
        for at in 0..der.len() {
            for bit in 0..8 {
                let mut changed = der.clone();
                changed[at] ^= 1 << bit;
                if let Some(read) = Provider::from_der(&changed) {
                    assert!(read.roles.len() <= Role::ALL.len());
                }
            }
        }
    }

    #[test]
    fn certificates_of_others_say_nothing() {
        let compliance = sequence(&[QC_COMPLIANCE.to_der().unwrap()]).unwrap();
        assert_eq!(Provider::from_der(&sequence(std::slice::from_ref(&compliance)).unwrap()), None);
        assert_eq!(Provider::from_der(&sequence(&[]).unwrap()), None);
        let many = vec![compliance; LIST_MAX + 1];
        assert_eq!(Provider::from_der(&sequence(&many).unwrap()), None);
    }
}
