//! HTTP signatures in every dialect (surfaces.md 2.7): what `sign …` in a table stands for.

use base64ct::{Base64, Encoding as _};
use counterfoil_jose::alg::Alg;
use counterfoil_jose::key::SigningKey;
use counterfoil_jose::provider;
use counterfoil_protocol::form::Form;

use crate::wire::Ask;
use crate::world::file;

const REQUEST_ID: &str = "401bcdf8-3a63-4136-b198-1c15a1472233";

/// Signs a request as the words say; without any, as the JavaScript SDK does.
///
/// `app=` who signs; `headers=` what is signed, with commas; `zone=` how the date ends; `date=`
/// seconds from now; `digest=` `wire`, `json`, `braces`, `none` or `other`; `keyid=`, `alg=`; `key=`
/// another key; `flip` changes one bit of the signature; `xdate` adds a copy of the date; `twice`
/// signs and then changes the body; `garble` makes the header unreadable.
pub(crate) fn sign(mut ask: Ask, words: &str, now: u64) -> Ask {
    let word = |name: &str| {
        let mut all = words.split_whitespace();
        all.find_map(|word| match word.split_once('=') {
            Some((known, value)) => (known == name).then_some(value),
            None => (word == name).then_some(""),
        })
    };
    let app = word("app").unwrap_or("finapp");
    let body = !ask.body.is_empty();
    let default = if body { "wire" } else { "none" };
    let digest = match word("digest").unwrap_or(default) {
        "wire" => Some(provider::sha256(&ask.body)),
        "json" => Some(provider::sha256(as_json(&ask.body).as_bytes())),
        "braces" => Some(provider::sha256(b"{}")),
        "other" => Some(provider::sha256(b"another body")),
        _ => None,
    };
    let digest = digest.map(|digest| format!("SHA-256={}", Base64::encode_string(&digest)));
    let date = date(now, word("date").unwrap_or("0"), word("zone").unwrap_or("GMT"));
    let names = word("headers").unwrap_or(match digest {
        Some(_) => "(request-target),date,digest,x-request-id",
        None => "(request-target),date,x-request-id",
    });
    let line = |name: &str| match name {
        "(request-target)" => {
            format!("(request-target): {} {}", ask.method.to_lowercase(), ask.target)
        }
        "date" => format!("date: {date}"),
        "digest" => format!("digest: {}", digest.clone().unwrap_or_default()),
        _ => format!("x-request-id: {REQUEST_ID}"),
    };
    let text = names.split(',').map(line).collect::<Vec<_>>().join("\n");
    let pem = file(&format!("keys/{}.pem", word("key").unwrap_or("client")));
    let key = SigningKey::from_pem(Alg::RS256, &pem).unwrap();
    let mut signature = key.sign(text.as_bytes()).unwrap();
    if word("flip").is_some() {
        signature[40] ^= 1;
    }
    let header = format!(
        "keyId=\"{}\",algorithm=\"{}\",headers=\"{}\",signature=\"{}\"",
        word("keyid").unwrap_or(app),
        word("alg").unwrap_or("rsa-sha256"),
        names.replace(',', " "),
        Base64::encode_string(&signature)
    );
    let header = if word("garble").is_some() { header.replace('"', "'") } else { header };
    if word("twice").is_some() {
        ask.body.extend_from_slice(b"&x=1");
    }
    ask = ask.with("date", &date).with("x-request-id", REQUEST_ID).with("signature", &header);
    if let Some(digest) = digest {
        ask = ask.with("digest", &digest);
    }
    if word("xdate").is_some() {
        ask = ask.with("x-date", "Thu, 01 Jan 1970 00:00:00 GMT");
    }
    ask
}

/// RFC 2822, with a zone as some SDK writes it.
fn date(now: u64, shift: &str, zone: &str) -> String {
    let at = i64::try_from(now).unwrap() + shift.parse::<i64>().unwrap();
    let at = jiff::Timestamp::from_second(at).unwrap();
    let text = at.strftime("%a, %d %b %Y %H:%M:%S").to_string();
    format!("{text} {zone}")
}

/// PHP's `json_encode` of the fields, slashes and letters as they are.
fn as_json(body: &[u8]) -> String {
    let form = Form::decode(body).unwrap();
    let quoted = |text: &str| serde_json::to_string(text).unwrap();
    let pairs = form.iter().map(|(name, value)| format!("{}:{}", quoted(name), quoted(value)));
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
}
