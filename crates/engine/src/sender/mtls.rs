//! The certificate that a client showed in its handshake (RFC 8705), or that a proxy passed on
//! (RFC 9440).

use counterfoil_jose::certificate::Certificate;

/// A certificate whose key the other side has proven to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerCertificate {
    /// The certificate.
    pub certificate: Certificate,
    /// Whether it chains to an authority that the operator trusts for clients, is valid now and is
    /// meant for clients. Only such a one may speak by the names in it; a self-signed one speaks by
    /// its key alone.
    pub trusted: bool,
}
