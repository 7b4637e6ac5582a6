//! The ground all servers stand on: the same clients, secrets, keys; a folder of state that goes away.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64ct::{Base64, Encoding as _};
use counterfoil_jose::alg::Alg;
use counterfoil_jose::key::SigningKey;
use counterfoil_jose::provider;
use counterfoil_protocol::ids::hex;
use counterfoil_protocol::secret::Secret;
use tempfile::TempDir;

use crate::drive::{self, Answer};
use crate::process::Process;
use crate::works::{again, request};

/// Clients of each surface: many, because one client's records would all be hot.
pub(crate) const CLIENTS: usize = 400;
/// Resource servers.
pub(crate) const RESOURCE_SERVERS: usize = 16;
/// Key pairs that sign client assertions: making RSA keys takes its time, so clients share them.
pub(crate) const CLIENT_KEYS: usize = 4;
/// Where customers are sent back to. Longer than it need be, as they are.
pub(crate) const CALLBACK: &str = "https://recipient.example/oauth/callback/return";
/// The address of the server in metadata and audiences; nobody connects to it.
pub(crate) const ISSUER: &str = "http://localhost:1";
/// What FAPI clients call their issuer, and what its paths begin with.
pub(crate) const FAPI_ISSUER: &str = "http://localhost:1/o/fapi";
pub(crate) const FAPI: &str = "/o/fapi";
/// FAPI clients that have a certificate: one for each connection of a measurement.
pub(crate) const CERTIFICATES: usize = drive::CONNECTIONS;
/// The realm.
pub(crate) const REALM: &str = "/auth/realms/bench/protocol/openid-connect/token";

/// Where the server keeps its records when nothing else is said.
const STORE: &str = "state/store.db";

/// See the module.
pub(crate) struct Ground {
    folder: TempDir,
    /// PKCS#8 of the RSA keys that clients sign with.
    pub(crate) rsa: Vec<Secret>,
    /// The same on P-256.
    pub(crate) ec: Vec<Secret>,
    /// The certificate of both servers, PEM.
    pub(crate) certificate: String,
    /// Certificates of the first FAPI clients, each with its key.
    pub(crate) identities: Vec<Identity>,
    /// The key of the floor server's handles.
    pub(crate) floor_key: [u8; 32],
    /// Where the server's records are.
    pub(crate) url: String,
}

/// A certificate and its key, DER.
pub(crate) struct Identity {
    pub(crate) certificate: Vec<u8>,
    key: Vec<u8>,
}

/// A kind of client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Fintecture: Basic or form.
    Fin,
    /// MX: Basic.
    Mx,
    /// Worldline, with a secret.
    Secret,
    /// Worldline, with an RSA key.
    Rsa,
    /// Worldline, with a key on P-256.
    Ec,
    /// FAPI 2.0, with a key on P-256 and, some of them, a certificate.
    Fapi,
    /// May introspect.
    Resource,
}

impl Who {
    /// All of them.
    pub(crate) const ALL: [Self; 7] =
        [Self::Fin, Self::Mx, Self::Secret, Self::Rsa, Self::Ec, Self::Fapi, Self::Resource];

    /// The id of number `n`.
    pub(crate) fn id(self, n: usize) -> String {
        let kind = match self {
            Self::Fin => "fin",
            Self::Mx => "mx",
            Self::Secret => "wls",
            Self::Rsa => "wlr",
            Self::Ec => "wle",
            Self::Fapi => "fapi",
            Self::Resource => "rs",
        };
        format!("{kind}-{:04}", n % self.count())
    }

    /// Its secret: 40 characters that cannot be guessed from the outside are not the point here.
    pub(crate) fn secret(self, n: usize) -> String {
        hex(&provider::sha256(self.id(n).as_bytes())[..20])
    }

    /// How many there are.
    pub(crate) const fn count(self) -> usize {
        match self {
            Self::Fin | Self::Mx | Self::Secret | Self::Rsa | Self::Ec | Self::Fapi => CLIENTS,
            Self::Resource => RESOURCE_SERVERS,
        }
    }

    /// The value of its Basic header.
    pub(crate) fn basic(self, n: usize) -> String {
        let pair = format!("{}:{}", self.id(n), self.secret(n));
        format!("Basic {}", Base64::encode_string(pair.as_bytes()))
    }
}

impl Ground {
    /// Makes keys, certificates, configuration and resources. The store is a file of the ground, unless
    /// another one is named.
    pub(crate) fn lay(store: Option<&str>) -> Result<Self, String> {
        let made = tempfile::Builder::new().prefix("counterfoil-bench-").tempdir();
        let folder = made.map_err(|e| format!("no temporary folder: {e}"))?;
        let pairs = |alg| {
            let one = || SigningKey::generate(alg).map(|(_, private)| private);
            (0..CLIENT_KEYS).map(|_| one()).collect::<Result<Vec<_>, _>>()
        };
        let rsa = pairs(Alg::RS256).map_err(|e| format!("{e:?}"))?;
        let ec = pairs(Alg::ES256).map_err(|e| format!("{e:?}"))?;
        let mut floor_key = [0; 32];
        provider::random_bytes(&mut floor_key).map_err(|e| format!("{e:?}"))?;
        let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]);
        let made = made.map_err(|e| e.to_string())?;
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let file = || format!("sqlite:{}", folder.path().join(STORE).display());
        let url = store.map_or_else(file, str::to_owned);
        let (authority, identities) = identities().map_err(|e| e.to_string())?;
        let ground = Self { folder, rsa, ec, certificate, identities, floor_key, url };
        std::fs::create_dir_all(ground.path("resources")).map_err(|e| e.to_string())?;
        ground.write("certificate.pem", &ground.certificate)?;
        ground.write("key.pem", &key)?;
        ground.write("clients.pem", &authority)?;
        for (n, private) in ground.rsa.iter().enumerate() {
            ground.write(&format!("resources/rsa-{n}.pem"), &public_pem(Alg::RS256, private)?)?;
        }
        for (n, private) in ground.ec.iter().enumerate() {
            ground.write(&format!("resources/ec-{n}.pem"), &public_pem(Alg::ES256, private)?)?;
        }
        ground.write("resources/bench.toml", &resources())?;
        ground.write("counterfoil.toml", &config(&ground.url))?;
        Ok(ground)
    }

    /// Starts the server once, so that there are tenants, clients and signing keys: whoever asks for
    /// published keys is answered when they are made.
    pub(crate) fn first_start(&self, binary: &Path) -> Result<(), String> {
        let server = Process::counterfoil(binary, &self.config())?;
        for path in ["/jwks", "/auth/realms/bench/protocol/openid-connect/certs"] {
            let judge = |answer: &Answer<'_>| answer.status == 200;
            let mut works = again(vec![request("GET", path, "", "")], 1, judge);
            let work = works.first_mut().ok_or("no work")?;
            drive::one_by_one(server.plain, &mut **work, 1)?;
        }
        server.stop()
    }

    /// A file or folder of it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The file of the server's records, where they are in a file.
    pub(crate) fn store(&self) -> PathBuf {
        self.path(STORE)
    }

    /// Its settings.
    pub(crate) fn config(&self) -> PathBuf {
        self.path("counterfoil.toml")
    }

    /// The keys that are not in the store.
    pub(crate) fn keyfile(&self) -> PathBuf {
        self.path("state/keys/handle-keys.toml")
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<(), String> {
        let path = self.path(name);
        std::fs::write(&path, text).map_err(|e| format!("{}: {e}", path.display()))
    }

    /// A client of TLS that trusts the certificate of both servers, and may have one itself.
    pub(crate) fn tls(&self, identity: Option<&Identity>) -> Result<Connector, String> {
        use rustls::pki_types::CertificateDer;
        use rustls::pki_types::pem::PemObject as _;
        let certificate = CertificateDer::from_pem_slice(self.certificate.as_bytes());
        let mut roots = rustls::RootCertStore::empty();
        roots.add(certificate.map_err(|e| e.to_string())?).map_err(|e| e.to_string())?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|e| e.to_string())?
            .with_root_certificates(roots);
        let config = match identity {
            None => config.with_no_client_auth(),
            Some(Identity { certificate, key }) => {
                let key = rustls::pki_types::PrivatePkcs8KeyDer::from(key.clone()).into();
                let chain = vec![CertificateDer::from(certificate.clone())];
                config.with_client_auth_cert(chain, key).map_err(|e| e.to_string())?
            }
        };
        Ok(Arc::new(Arc::new(config).into()))
    }
}

/// Opens connections over TLS.
pub(crate) type Connector = Arc<tokio_rustls::TlsConnector>;

/// An authority, PEM, and the certificates that it gave to clients.
fn identities() -> Result<(String, Vec<Identity>), rcgen::Error> {
    let key = rcgen::KeyPair::generate()?;
    let mut authority = rcgen::CertificateParams::default();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    authority.distinguished_name.push(rcgen::DnType::CommonName, "authority of the benchmark");
    let pem = authority.self_signed(&key)?.pem();
    let issuer = rcgen::Issuer::new(authority, &key);
    let one = |n| {
        let mut params = rcgen::CertificateParams::default();
        let mut name = rcgen::DistinguishedName::new();
        name.push(rcgen::DnType::CommonName, Who::Fapi.id(n));
        params.distinguished_name = name;
        let key = rcgen::KeyPair::generate()?;
        let certificate = params.signed_by(&key, &issuer)?.der().to_vec();
        Ok(Identity { certificate, key: key.serialize_der() })
    };
    Ok((pem, (0..CERTIFICATES).map(one).collect::<Result<_, rcgen::Error>>()?))
}

fn public_pem(alg: Alg, private: &Secret) -> Result<String, String> {
    let told = |e| format!("{e:?}");
    let key = SigningKey::from_pkcs8(alg, private.expose()).map_err(told)?;
    let spki = key.verifying_key().and_then(|key| key.to_spki_der()).map_err(told)?;
    let text = Base64::encode_string(&spki);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    let body = lines.join("\n");
    Ok(format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n"))
}

/// As shipped: every event of a change kept, every refusal in the journal.
fn config(store: &str) -> String {
    format!(
        "issuer = \"{ISSUER}\"\nstate = \"state\"\nresources = \"resources\"\nstore = \"{store}\"\n\
         [listen]\nplain = \"127.0.0.1:0\"\npublic = \"127.0.0.1:0\"\n\
         mtls = \"127.0.0.1:0\"\n[mtls]\nca = \"clients.pem\"\n\
         [tls]\ncert = \"certificate.pem\"\nkey = \"key.pem\"\n"
    )
}

fn resources() -> String {
    let mut text = String::from(
        "[[tenant]]\nid = \"default\"\nname = \"Bank\"\nsurfaces = [\"mx\", \"fintecture\"]\n\
         [[tenant]]\nid = \"bench\"\nname = \"Realm\"\nmount = \"realm\"\nsurfaces = [\"worldline\"]\n\
         [[tenant]]\nid = \"fapi\"\nname = \"Bank\"\nsurfaces = [\"fapi2\"]\n",
    );
    for who in Who::ALL {
        for n in 0..who.count() {
            let (id, secret) = (who.id(n), who.secret(n));
            let key = n % CLIENT_KEYS;
            // Writing to a `String` cannot fail.
            let _ = match who {
                Who::Fin => writeln!(
                    text,
                    "[[client]]\nid = \"{id}\"\nsurface = \"fintecture\"\nauth = [\
                     {{ method = \"client_secret_basic\", secret = \"{secret}\" }}, \
                     {{ method = \"client_secret_post\", secret = \"{secret}\" }}]\n\
                     scopes = [\"PIS\", \"AIS\", \"customers\", \"e-mandates\"]\n\
                     redirect_uris = [\"{CALLBACK}\"]"
                ),
                Who::Mx => writeln!(
                    text,
                    "[[client]]\nid = \"{id}\"\nsurface = \"mx\"\n\
                     auth = {{ method = \"client_secret_basic\", secret = \"{secret}\" }}\n\
                     scopes = [\"openid\", \"customers\", \"accounts\", \"transactions\"]\n\
                     redirect_uris = [\"{CALLBACK}\"]"
                ),
                Who::Secret => writeln!(
                    text,
                    "[[client]]\nid = \"{id}\"\ntenant = \"bench\"\nsurface = \"worldline\"\n\
                     auth = {{ method = \"client_secret_post\", secret = \"{secret}\" }}\n\
                     scopes = [\"VOP\", \"WERO\"]"
                ),
                Who::Rsa => writeln!(
                    text,
                    "[[client]]\nid = \"{id}\"\ntenant = \"bench\"\nsurface = \"worldline\"\n\
                     auth = {{ method = \"private_key_jwt\", public_key = \"rsa-{key}.pem\", \
                     algs = [\"RS256\", \"PS256\"] }}\nscopes = [\"VOP\", \"WERO\"]"
                ),
                Who::Ec => writeln!(
                    text,
                    "[[client]]\nid = \"{id}\"\ntenant = \"bench\"\nsurface = \"worldline\"\n\
                     auth = {{ method = \"private_key_jwt\", public_key = \"ec-{key}.pem\", \
                     algs = [\"ES256\"] }}\nscopes = [\"VOP\", \"WERO\"]"
                ),
                Who::Fapi => writeln!(
                    text,
                    "[[client]]\nid = \"{id}\"\ntenant = \"fapi\"\nsurface = \"fapi2\"\nauth = [\
                     {{ method = \"private_key_jwt\", public_key = \"ec-{key}.pem\", \
                     algs = [\"ES256\"] }}, {{ method = \"tls_client_auth\" }}]\n\
                     scopes = [\"openid\", \"accounts\"]\nredirect_uris = [\"{CALLBACK}\"]\n\
                     [client.metadata]\ntls_client_auth_subject_dn = \"CN={id}\""
                ),
                Who::Resource => {
                    writeln!(text, "[[resource_server]]\nid = \"{id}\"\nsecret = \"{secret}\"")
                }
            };
        }
    }
    text
}

/// Whether this is a file that can be run.
pub(crate) fn binary(given: Option<&Path>) -> Result<PathBuf, String> {
    let path = match given {
        Some(path) => path.to_owned(),
        None => {
            let own = std::env::current_exe().map_err(|e| e.to_string())?;
            own.with_file_name("counterfoil")
        }
    };
    if path.is_file() {
        return Ok(path);
    }
    let shown = path.display();
    Err(format!("{shown} is not there: run `cargo xtask bench`, which builds it"))
}
