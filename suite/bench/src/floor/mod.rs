//! The floor: a server that does nothing but the work named. The same HTTP, TLS, signatures, store
//! settings and key order as the product, and no engine, no rules, no audit trail. Not a server for
//! anybody to use.

mod http;
mod store;
mod token;
mod fapi;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64ct::{Base64, Encoding as _};
use counterfoil_jose::alg::Alg;
use counterfoil_jose::key::{SigningKey, VerifyingKey};
use counterfoil_jose::provider::{MacKey, sha256};
use counterfoil_protocol::secret::{Secret, same_bytes};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::ground::{CLIENT_KEYS, Ground, Who};
use store::Store;

/// What a floor server starts with.
const FILE: &str = "floor.json";

/// One client.
struct Client {
    digest: [u8; 32],
    /// Which key verifies its assertions.
    key: usize,
    number: u16,
}

/// See the module.
pub(crate) struct Floor {
    handles: MacKey,
    pepper: MacKey,
    clients: HashMap<String, Client>,
    signing: SigningKey,
    rsa: Vec<VerifyingKey>,
    ec: Vec<VerifyingKey>,
    /// P-256, for ID tokens of FAPI clients.
    signing_ec: SigningKey,
    /// Numbers of clients by the thumbprint of their certificate.
    certificates: HashMap<[u8; 32], u16>,
    jwks: String,
    store: Store,
}

/// Where the floor's store is.
pub(crate) fn store_path(ground: &Ground) -> PathBuf {
    ground.path("floor.db")
}

/// Writes what the server needs, beside the ground's own files.
pub(crate) fn prepare(ground: &Ground) -> Result<(), String> {
    let (_, private) = SigningKey::generate(Alg::RS256).map_err(|e| format!("{e:?}"))?;
    let (_, elliptic) = SigningKey::generate(Alg::ES256).map_err(|e| format!("{e:?}"))?;
    let certificates = ground.identities.iter();
    let certificates: Vec<String> =
        certificates.map(|identity| Base64::encode_string(&identity.certificate)).collect();
    let told = json!({
        "key": Base64::encode_string(&ground.floor_key),
        "signing": Base64::encode_string(private.expose()),
        "signing_ec": Base64::encode_string(elliptic.expose()),
        "certificates": certificates,
    });
    ground.write(FILE, &told.to_string())
}

/// `counterfoil-bench floor FOLDER`: serves until it is killed.
pub(crate) fn serve(folder: &Path) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| e.to_string())?;
    runtime.block_on(async {
        let floor = Arc::new(Floor::load(folder)?);
        let bind = || TcpListener::bind("127.0.0.1:0");
        let told = |e: std::io::Error| e.to_string();
        let (plain, secure) = (bind().await.map_err(told)?, bind().await.map_err(told)?);
        let asking = bind().await.map_err(told)?;
        let (cert, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
        let tls = counterfoil_server::tls::server(&cert, &key).map_err(|e| e.to_string())?;
        let mtls =
            counterfoil_server::tls::server_asking(&cert, &key).map_err(|e| e.to_string())?;
        let address = |l: &TcpListener| l.local_addr().map(|a| a.to_string()).unwrap_or_default();
        println!(
            "{}",
            json!({
                "plain": address(&plain), "tls": address(&secure), "mtls": address(&asking),
            })
        );
        tokio::join!(
            http::accept(floor.clone(), plain, None),
            http::accept(floor.clone(), secure, Some(tls.into())),
            http::accept(floor, asking, Some(mtls.into())),
        );
        Ok(())
    })
}

impl Floor {
    fn load(folder: &Path) -> Result<Self, String> {
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))
        };
        let told: Value = serde_json::from_str(&read(FILE)?).map_err(|e| e.to_string())?;
        let bytes = |name: &str| {
            let text = told.get(name).and_then(Value::as_str).unwrap_or_default();
            Base64::decode_vec(text).map(Secret::new).map_err(|e| e.to_string())
        };
        let (handles, signing) = (bytes("key")?, bytes("signing")?);
        let signing = SigningKey::from_pkcs8(Alg::RS256, signing.expose());
        let signing = signing.map_err(|e| format!("{e:?}"))?;
        let elliptic = SigningKey::from_pkcs8(Alg::ES256, bytes("signing_ec")?.expose());
        let signing_ec = elliptic.map_err(|e| format!("{e:?}"))?;
        let certificates = told.get("certificates").and_then(Value::as_array);
        let thumbprint = |(n, text): (usize, &Value)| {
            let der = Base64::decode_vec(text.as_str().unwrap_or_default()).unwrap_or_default();
            (sha256(&der), u16::try_from(n).unwrap_or_default())
        };
        let certificates = certificates.map(|all| all.iter().enumerate().map(thumbprint).collect());
        let keys = |kind: &str| {
            let one = |n| {
                let pem = read(&format!("resources/{kind}-{n}.pem"))?;
                VerifyingKey::from_pem(&pem).map_err(|e| format!("{e:?}"))
            };
            (0..CLIENT_KEYS).map(one).collect::<Result<Vec<_>, String>>()
        };
        let pepper = MacKey::new(b"the floor's pepper");
        let mut clients = HashMap::new();
        for who in Who::ALL {
            for n in 0..who.count() {
                let digest = pepper.tag(&[who.secret(n).as_bytes()]);
                let number = u16::try_from(n).unwrap_or_default();
                clients.insert(who.id(n), Client { digest, key: n % CLIENT_KEYS, number });
            }
        }
        let public = signing.public_jwk("floor");
        let jwks = json!({ "keys": [public] }).to_string();
        let store = Store::open(&folder.join("floor.db"))?;
        let handles = MacKey::new(handles.expose());
        let (rsa, ec) = (keys("rsa")?, keys("ec")?);
        let certificates = certificates.unwrap_or_default();
        Ok(Self {
            handles,
            pepper,
            clients,
            signing,
            rsa,
            ec,
            signing_ec,
            certificates,
            jwks,
            store,
        })
    }

    /// The client of these credentials.
    fn by_secret(&self, id: &str, secret: &str) -> Option<&Client> {
        let client = self.clients.get(id)?;
        same_bytes(&self.pepper.tag(&[secret.as_bytes()]), &client.digest).then_some(client)
    }
}

/// Rows that are put into the floor's store before it is served, in one transaction.
pub(crate) struct Rows(rusqlite::Connection);

impl Rows {
    /// Opens the store.
    pub(crate) fn begin(ground: &Ground) -> Result<Self, String> {
        let connection = store::connect(&store_path(ground))?;
        let told = |e: rusqlite::Error| e.to_string();
        connection.execute_batch(crate::row::TABLES).map_err(told)?;
        connection.execute_batch("begin immediate").map_err(told)?;
        Ok(Self(connection))
    }

    /// Where they go.
    pub(crate) fn connection(&self) -> &rusqlite::Connection {
        &self.0
    }

    /// Closes it.
    pub(crate) fn end(self) -> Result<(), String> {
        self.0.execute_batch("commit").map_err(|e| e.to_string())
    }
}
