//! Another server in the same run, under the same driver, with the same clients and keys. Installed
//! by its own package manager into a temporary folder, exactly as its lock file says.

use std::cell::RefCell;
use std::path::Path;
use std::process::Command;
use std::rc::Rc;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_jose::alg::Alg;
use counterfoil_jose::key::SigningKey;
use counterfoil_jose::provider::sha256;
use serde_json::{Value, json};

use crate::drive::{self, CONNECTIONS, Load, Pace, Window};
use crate::flows::{Flow, PEER, Setting};
use crate::ground::{CALLBACK, CLIENT_KEYS, Ground, ISSUER, Who};
use crate::options::Options;
use crate::process::Process;
use crate::report::{middle, rounded};
use crate::rounds::{Servers, Side, Timing, assertions};
use crate::run::{Voice, chosen, timing};
use crate::seed::{Handles, Held, VERIFIER};

/// The one peer that can be installed here.
const NAME: &str = "node-oidc-provider";
const FILES: [(&str, &str); 3] = [
    ("package.json", include_str!("../peer/package.json")),
    ("package-lock.json", include_str!("../peer/package-lock.json")),
    ("server.mjs", include_str!("../peer/server.mjs")),
];
/// Flows that it can do.
const FLOWS: [&str; 9] = [
    "cc-basic",
    "cc-jwt-rs256",
    "pkjwt-rs256",
    "pkjwt-ps256",
    "pkjwt-es256",
    "code",
    "refresh-id-token",
    "introspect-hit",
    "revoke",
];
/// Tokens it is asked about.
const LIVING: usize = 20_000;
/// More than it answers in all rounds of a flow.
const RATE_MAX: f64 = 8_000.0;

/// Measures the peer and ours in turn.
pub(crate) fn run(
    name: &str,
    options: &Options,
    (voice, servers): (&Voice, &Servers),
) -> Result<(), String> {
    if name != NAME {
        return Err(format!("there is no peer `{name}`; there is {NAME}"));
    }
    let folder = servers.ground.path("peer");
    std::fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
    for (name, text) in FILES {
        std::fs::write(folder.join(name), text).map_err(|e| e.to_string())?;
    }
    eprintln!("  npm ci, in a temporary folder");
    let mut install = Command::new("npm");
    install.args(["ci", "--no-audit", "--no-fund", "--silent"]).current_dir(&folder);
    match install.status() {
        Ok(status) if status.success() => {}
        Ok(status) => return Err(format!("npm ci: {status}")),
        Err(why) => return Err(format!("npm cannot be started: {why}")),
    }
    let (peer, handles) = start(&folder, options, &servers.ground)?;
    voice.say(&format!("\n{NAME} in memory, not durable; the same driver, in turn with ours"));
    voice.say(&format!(
        "{:<18} {:>8} {:>8} {:>6} {:>8} {:>7} {:>7} {:>6} {:>5}",
        "flow", "peer us", "ours us", "times", "per s", "p50 ms", "p99", "RSS MB", "fail"
    ));
    for flow in chosen(options, &FLOWS) {
        if !FLOWS.contains(&flow.name) {
            continue;
        }
        let (mut theirs, mut ours) = (vec![], vec![]);
        for _ in 0..options.rounds {
            let told = |e: String| format!("{} ({NAME}): {e}", flow.name);
            let setting = (&servers.ground, &handles);
            theirs.push(window(flow, &peer, setting, timing(options)).map_err(told)?);
            ours.push(servers.window(flow, Side::Ours, timing(options), Pace::Closed)?);
        }
        say(voice, flow, &theirs, &ours);
    }
    peer.stop()
}

fn say(voice: &Voice, flow: &Flow, theirs: &[Window], ours: &[Window]) {
    let (peer, own) = (middle(theirs, |w| w.cpu_us), middle(ours, |w| w.cpu_us));
    let failures: u64 = theirs.iter().map(|w| w.failures).sum();
    let example = theirs.iter().find_map(|w| w.example.as_deref()).unwrap_or_default();
    let theirs = |figure| middle(theirs, figure);
    voice.say(&format!(
        "{:<18} {peer:>8.1} {own:>8.1} {:>6.1} {:>8.0} {:>7.2} {:>7.2} {:>6.0} {failures:>5}  {example}",
        flow.name,
        peer / own,
        theirs(|w| w.rate),
        theirs(|w| w.p50_ms),
        theirs(|w| w.p99_ms),
        theirs(|w| w.rss_mb),
    ));
    voice.object(&json!({
        "flow": flow.name, "peer": NAME, "peer_cpu_us": rounded(peer), "ours_cpu_us": rounded(own),
        "ratio": rounded(own / peer), "rate": rounded(theirs(|w| w.rate)),
        "p50_ms": rounded(theirs(|w| w.p50_ms)), "p99_ms": rounded(theirs(|w| w.p99_ms)),
        "rss_mb": rounded(theirs(|w| w.rss_mb)), "failures": failures,
    }));
}

fn window(
    flow: &Flow,
    peer: &Process,
    (ground, handles): (&Ground, &Handles),
    timing: Timing,
) -> Result<Window, String> {
    let setting = Setting { ground, handles, assertions: assertions(timing), paths: &PEER };
    let works = (flow.works)(&setting, CONNECTIONS)?;
    let Timing { warm, window } = timing;
    let (address, pace) = (peer.plain, Pace::Closed);
    let load = Load { address, tls: vec![], pace, warm, window, may_shed: false };
    drive::run(&load, works, peer)
}

/// Starts it with our clients; it makes its own codes and tokens first.
fn start(folder: &Path, options: &Options, ground: &Ground) -> Result<(Process, Handles), String> {
    let timing = timing(options);
    let seconds = (timing.warm + timing.window).as_secs_f64() * options.rounds as f64;
    let used = (seconds * RATE_MAX) as usize;
    let settings = json!({
        "issuer": format!("{ISSUER}/auth/realms/bench"),
        "clients": clients(ground)?,
        "keys": [signing_key(folder)?],
        "holders": (0..Who::Mx.count()).map(|n| Who::Mx.id(n)).collect::<Vec<_>>(),
        "challenge": Base64UrlUnpadded::encode_string(&sha256(VERIFIER.as_bytes())),
        "callback": CALLBACK,
        "codes": used, "revocable": used, "living": LIVING, "chains": 6_400,
    });
    let (given, made) = (folder.join("settings.json"), folder.join("handles.json"));
    std::fs::write(&given, settings.to_string()).map_err(|e| e.to_string())?;
    eprintln!("  {NAME} makes its codes and tokens");
    let mut command = Command::new("node");
    command.arg("server.mjs").arg(&given).arg(&made).current_dir(folder);
    let peer = Process::told_by_json(command.env("NODE_ENV", "production"))?;
    let text = std::fs::read_to_string(&made).map_err(|e| e.to_string())?;
    let told: Value = serde_json::from_str(&text).map_err(|e| e.to_string())?;
    let all = |name: &str| -> Vec<Held> {
        let texts = told.get(name).and_then(Value::as_array).into_iter().flatten();
        let held = |(n, text): (usize, &Value)| {
            let text = text.as_str().unwrap_or_default().to_owned();
            Held { text, client: n % Who::Mx.count() }
        };
        texts.enumerate().map(held).collect()
    };
    let pool = |name| Rc::new(RefCell::new(all(name).into()));
    let chains = |name| all(name).into_iter().map(|held| Rc::new(RefCell::new(held))).collect();
    let handles = Handles {
        codes: pool("codes"),
        revocable: pool("revocable"),
        living: Rc::new(all("living")),
        rotating: chains("rotating"),
        rotating_openid: chains("rotating_openid"),
        ..Handles::default()
    };
    Ok((peer, handles))
}

/// Our clients in its words.
fn clients(ground: &Ground) -> Result<Vec<Value>, String> {
    let public = |alg: Alg, private: &[counterfoil_protocol::secret::Secret]| {
        let one = |p: &counterfoil_protocol::secret::Secret| {
            let key = SigningKey::from_pkcs8(alg, p.expose()).map_err(|e| format!("{e:?}"))?;
            let mut jwk = serde_json::to_value(key.public_jwk("k")).map_err(|e| e.to_string())?;
            if let Some(members) = jwk.as_object_mut() {
                // One key signs with RS256 and with PS256.
                members.remove("alg");
                members.remove("kid");
            }
            Ok::<Value, String>(jwk)
        };
        private.iter().map(one).collect::<Result<Vec<_>, _>>()
    };
    let (rsa, ec) = (public(Alg::RS256, &ground.rsa)?, public(Alg::ES256, &ground.ec)?);
    let mut clients = vec![];
    for who in Who::ALL {
        for n in 0..who.count() {
            let (id, secret) = (who.id(n), who.secret(n));
            let (method, keys) = match who {
                Who::Fin | Who::Mx | Who::Resource => ("client_secret_basic", None),
                Who::Secret => ("client_secret_post", None),
                Who::Rsa => ("private_key_jwt", rsa.get(n % CLIENT_KEYS)),
                Who::Ec | Who::Fapi => ("private_key_jwt", ec.get(n % CLIENT_KEYS)),
            };
            let codes = who == Who::Mx;
            let (grants, scope) = match (codes, who == Who::Fin) {
                (true, _) => (
                    vec!["authorization_code", "refresh_token"],
                    "openid offline_access accounts transactions",
                ),
                (false, true) => (vec!["client_credentials"], "PIS"),
                (false, false) => (vec!["client_credentials"], "VOP"),
            };
            let mut client = json!({
                "client_id": id, "token_endpoint_auth_method": method, "grant_types": grants,
                "scope": scope,
                "redirect_uris": if codes { vec![CALLBACK] } else { vec![] },
                "response_types": if codes { vec!["code"] } else { vec![] },
            });
            if let Some(members) = client.as_object_mut() {
                match keys {
                    Some(key) => members.insert("jwks".into(), json!({ "keys": [key] })),
                    None => members.insert("client_secret".into(), json!(secret)),
                };
            }
            clients.push(client);
        }
    }
    Ok(clients)
}

/// A signing key of its own, made by its own runtime.
fn signing_key(folder: &Path) -> Result<Value, String> {
    let script = "const k=require('node:crypto').generateKeyPairSync('rsa',{modulusLength:2048});\
                  console.log(JSON.stringify(k.privateKey.export({format:'jwk'})))";
    let made = Command::new("node").args(["-e", script]).current_dir(folder).output();
    let made = made.map_err(|e| format!("node cannot be started: {e}"))?;
    serde_json::from_slice(&made.stdout).map_err(|e| format!("no key of {NAME}: {e}"))
}
