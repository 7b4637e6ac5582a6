//! What the seeded FAPI clients have: a private key set and the same keys as PEM for whoever plays
//! the client, a public set for the registration, and a certificate under the sandbox's authority.

use std::path::{Path, PathBuf};

use counterfoil_jose::alg::Alg;
use counterfoil_jose::key::SigningKey;
use counterfoil_jose::private_jwk::private_jwk;
use rcgen::KeyPair;
use serde_json::json;

use super::Files;
use super::certificates::{DAYS, fresh};
use crate::failure::Failure;
use crate::keyfile::private;
use crate::mint::{self, Wanted};

/// A client of the seeds, the same on both FAPI surfaces.
pub(super) struct Seeded {
    /// What its files and keys are called.
    name: &'static str,
    /// Its id, and the common name in its certificate.
    pub(super) id: &'static str,
    organization: &'static str,
}

/// Both of them; the subjects of their certificates stand in the seeds.
pub(super) const CLIENTS: [Seeded; 2] = [
    Seeded { name: "client", id: "fapiapp", organization: "Budget Buddy" },
    Seeded { name: "client2", id: "fapiother", organization: "Lorem Ledger" },
];

/// What each of them can sign with: every algorithm of FAPI 2.0 that libraries commonly have.
const ALGS: [Alg; 2] = [Alg::ES256, Alg::PS256];

impl Seeded {
    fn file(&self, files: &Files, ending: &str) -> PathBuf {
        files.key(&format!("fapi-{}{ending}", self.name))
    }

    fn kid(&self, alg: Alg) -> String {
        format!("{}-{}", self.name, alg.as_str().to_ascii_lowercase())
    }

    /// Its private key set.
    pub(super) fn set(&self, files: &Files) -> PathBuf {
        self.file(files, ".jwks.json")
    }

    /// Its certificate and the key of it.
    pub(super) fn certificate(&self, files: &Files) -> (PathBuf, PathBuf) {
        (self.file(files, ".pem"), self.file(files, "-key.pem"))
    }

    /// Makes the keys that are missing. An RSA key takes its time.
    ///
    /// # Errors
    /// [`Failure::failed`] naming the file.
    pub(super) fn make_keys(&self, files: &Files) -> Result<(), Failure> {
        let (set, public) = (self.set(files), self.file(files, "-public.jwks.json"));
        if set.exists() && public.exists() {
            return Ok(());
        }
        let (mut mine, mut told) = (vec![], vec![]);
        for alg in ALGS {
            let kid = self.kid(alg);
            let path = key_file(&files.state.join("keys"), &kid);
            let bad = |what: &dyn std::fmt::Display| failed(&path, what);
            let pair = if alg == Alg::PS256 {
                KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048)
            } else {
                KeyPair::generate()
            };
            let pair = pair.map_err(|e| bad(&e))?;
            let der = pair.serialized_der();
            mine.push(private_jwk(alg, der, &kid).map_err(|e| bad(&e))?);
            told.push(SigningKey::from_pkcs8(alg, der).map_err(|e| bad(&e))?.public_jwk(&kid));
            write(&path, &pair.serialize_pem())?;
        }
        write(&public, &json!({ "keys": told }).to_string())?;
        write(&set, &json!({ "keys": mine }).to_string())
    }

    /// Makes the certificate if it is missing, about to expire, or of an authority that is `gone`.
    ///
    /// # Errors
    /// [`Failure::failed`] naming the file.
    pub(super) fn make_certificate(&self, files: &Files, gone: bool) -> Result<(), Failure> {
        let (certificate, key) = self.certificate(files);
        if !gone && fresh(&certificate) && key.exists() {
            return Ok(());
        }
        let wanted = Wanted {
            common_name: self.id.into(),
            organization: Some(self.organization.into()),
            days: (-1, DAYS),
            ..Wanted::default()
        };
        let minted = mint::client(&files.ca_key, &wanted)?;
        mint::write(&self.file(files, ""), &minted).map(|_| ())
    }
}

/// Where a key is kept as PEM, by its name in the set.
pub(crate) fn key_file(keys: &Path, kid: &str) -> PathBuf {
    keys.join(format!("fapi-{kid}.pem"))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let _ = std::fs::remove_file(path);
    private(path, text.as_bytes()).map_err(|e| failed(path, &e))
}

fn failed(path: &Path, what: &dyn std::fmt::Display) -> Failure {
    Failure::failed(format!("{}: {what}", path.display()))
}
