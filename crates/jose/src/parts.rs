//! The numbers of a public key, checked: the one form between JWK, SubjectPublicKeyInfo and backend.

use der::asn1::{AnyRef, ObjectIdentifier, UintRef};
use der::{Decode as _, Reader as _, SliceReader};
use x509_cert::spki::SubjectPublicKeyInfoRef;

use crate::base64;
use crate::jwk::Jwk;
use crate::key::KeyError;

/// Shorter RSA keys are refused (RFC 7518 §3.3).
const RSA_BITS_MIN: usize = 2048;
/// What the backend verifies; longer ones cost too much.
const RSA_BITS_MAX: usize = 8192;
/// The backend takes 33 bits; 65537 has 17.
const RSA_EXPONENT_LEN_MAX: usize = 5;

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

/// The encodings of points of small order on Ed25519, without the sign. Under such a key a signature
/// holds for every message, so it binds nobody (RFC 8032 §5.1.7 does not ask verifiers to look).
const SMALL_ORDER: [[u8; 32]; 7] = [
    [0; 32],
    small_order(1, 0, 0),
    small_order(0xec, 0xff, 0x7f),
    small_order(0xed, 0xff, 0x7f),
    small_order(0xee, 0xff, 0x7f),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
];

const fn small_order(first: u8, middle: u8, last: u8) -> [u8; 32] {
    let mut bytes = [middle; 32];
    bytes[0] = first;
    bytes[31] = last;
    bytes
}

/// A curve by its JOSE name (RFC 7518 §6.2.1.1, RFC 8037 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Curve {
    P256,
    P384,
    P521,
    Ed25519,
}

impl Curve {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
            Self::Ed25519 => "Ed25519",
        }
    }

    fn parse_ec(name: &str) -> Option<Self> {
        [Self::P256, Self::P384, Self::P521].into_iter().find(|curve| curve.as_str() == name)
    }

    /// Bytes of one coordinate.
    fn len(self) -> usize {
        match self {
            Self::P256 | Self::Ed25519 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

/// What a public key consists of. RSA numbers are big-endian without leading zeros and within bounds,
/// coordinates have the length of their curve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PublicParts {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    Ec { curve: Curve, x: Vec<u8>, y: Vec<u8> },
    Okp { x: Vec<u8> },
}

impl PublicParts {
    fn rsa(n: &[u8], e: &[u8]) -> Result<Self, KeyError> {
        let (Some(first), Some(last)) = (n.first(), n.last()) else {
            return Err(KeyError::Malformed);
        };
        // RFC 7518 §6.3.1: the fewest octets that hold the value.
        if *first == 0 || e.first().is_none_or(|first| *first == 0) {
            return Err(KeyError::Malformed);
        }
        let bits = n.len() * 8 - first.leading_zeros() as usize;
        let odd = last % 2 == 1 && e.last().is_some_and(|last| last % 2 == 1);
        let exponent_fits = e.len() <= RSA_EXPONENT_LEN_MAX && e != [1];
        if !(RSA_BITS_MIN..=RSA_BITS_MAX).contains(&bits) || !odd || !exponent_fits {
            return Err(KeyError::Weak);
        }
        Ok(Self::Rsa { n: n.into(), e: e.into() })
    }

    /// An uncompressed point (SEC 1 §2.3.3), or the 32 bytes of Ed25519.
    pub(crate) fn from_point(curve: Curve, bytes: &[u8]) -> Result<Self, KeyError> {
        let len = curve.len();
        match (curve, bytes) {
            (Curve::Ed25519, x) if x.len() == len => {
                let mut unsigned = x.to_vec();
                unsigned[31] &= 0x7f;
                let weak = SMALL_ORDER.iter().any(|point| *point == *unsigned);
                if weak { Err(KeyError::Weak) } else { Ok(Self::Okp { x: x.into() }) }
            }
            (Curve::P256 | Curve::P384 | Curve::P521, [4, xy @ ..]) if xy.len() == 2 * len => {
                Ok(Self::Ec { curve, x: xy[..len].into(), y: xy[len..].into() })
            }
            (Curve::P256 | Curve::P384 | Curve::P521 | Curve::Ed25519, _) => {
                Err(KeyError::Malformed)
            }
        }
    }

    /// RSAPublicKey (RFC 8017 A.1.1).
    pub(crate) fn from_pkcs1(bytes: &[u8]) -> Result<Self, KeyError> {
        let mut outer = SliceReader::new(bytes).map_err(|_| KeyError::Malformed)?;
        let numbers = outer
            .sequence(|inner| -> der::Result<_> {
                Ok((UintRef::decode(inner)?, UintRef::decode(inner)?))
            })
            .map_err(|_| KeyError::Malformed)?;
        outer.finish().map_err(|_| KeyError::Malformed)?;
        Self::rsa(numbers.0.as_bytes(), numbers.1.as_bytes())
    }

    /// SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).
    pub(crate) fn from_spki(der: &[u8]) -> Result<Self, KeyError> {
        let spki = SubjectPublicKeyInfoRef::from_der(der).map_err(|_| KeyError::Malformed)?;
        let bits = spki.subject_public_key.as_bytes().ok_or(KeyError::Malformed)?;
        let named = |parameters: AnyRef<'_>| ObjectIdentifier::try_from(parameters).ok();
        match spki.algorithm.oid {
            RSA_ENCRYPTION => Self::from_pkcs1(bits),
            ED25519 => Self::from_point(Curve::Ed25519, bits),
            EC_PUBLIC_KEY => match spki.algorithm.parameters.and_then(named) {
                Some(P256) => Self::from_point(Curve::P256, bits),
                Some(P384) => Self::from_point(Curve::P384, bits),
                Some(P521) => Self::from_point(Curve::P521, bits),
                Some(_) | None => Err(KeyError::Unsupported),
            },
            _ => Err(KeyError::Unsupported),
        }
    }

    /// RFC 7518 §6.2 and §6.3, RFC 8037 §2.
    pub(crate) fn from_jwk(jwk: &Jwk) -> Result<Self, KeyError> {
        let number = |member: &Option<String>| {
            member.as_deref().and_then(base64::url_decode).ok_or(KeyError::Malformed)
        };
        match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", None) => Self::rsa(&number(&jwk.n)?, &number(&jwk.e)?),
            ("EC", Some(crv)) => {
                let curve = Curve::parse_ec(crv).ok_or(KeyError::Unsupported)?;
                let (x, y) = (number(&jwk.x)?, number(&jwk.y)?);
                let fits = x.len() == curve.len() && y.len() == curve.len();
                fits.then_some(Self::Ec { curve, x, y }).ok_or(KeyError::Malformed)
            }
            ("OKP", Some("Ed25519")) => Self::from_point(Curve::Ed25519, &number(&jwk.x)?),
            _ => Err(KeyError::Unsupported),
        }
    }

    /// The members of a JWK, without name and purpose.
    pub(crate) fn to_jwk(&self) -> Jwk {
        let text = |bytes: &[u8]| Some(base64::url_encode(bytes));
        match self {
            Self::Rsa { n, e } => Jwk { n: text(n), e: text(e), ..Jwk::of("RSA") },
            Self::Ec { curve, x, y } => {
                Jwk { crv: Some(curve.as_str().into()), x: text(x), y: text(y), ..Jwk::of("EC") }
            }
            Self::Okp { x } => {
                let crv = Some(Curve::Ed25519.as_str().into());
                Jwk { crv, x: text(x), ..Jwk::of("OKP") }
            }
        }
    }
}
