//! Requests as unchanged clients sent them (surfaces.md 7), at the clock of their capture.

use std::collections::HashMap;

use counterfoil_jose::alg::Alg;
use counterfoil_jose::assertion::{RFC7523, Received, RegisteredKey, WORLDLINE};
use counterfoil_jose::certificate::Certificate;
use counterfoil_jose::http_signature::{Outcome, Request, SignatureHeader, check};
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::refusal::SignatureFault;

use crate::support::{CERTIFICATE, NOW, registered};

const CAPTURED: &str = include_str!("../data/captured.http");
const APP_ID: &str = "0354d723-d8d3-469a-8926-4f3f18b2c416";
/// The `kid` that openid-client was told to send: the one of the vendor's sample, not that of the
/// certificate, so the key is registered under it.
const SAMPLE_KID: &str = "B4E11A49EE0D1239E7F784919B91DF577E839385";
/// 2026-11-21T17:45:45Z.
const LATER: Moment = Moment(NOW.0 + 20);

struct Captured {
    method: String,
    target: String,
    headers: HashMap<String, String>,
    body: String,
}

fn captured() -> Vec<Captured> {
    let read = |block: &str| {
        let (head, body) = block.split_once("\n\n")?;
        let mut lines = head.lines().filter(|line| !line.starts_with('#'));
        let mut first = lines.next()?.split(' ');
        let (method, target) = (first.next()?.into(), first.next()?.into());
        let header = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_ascii_lowercase(), value.into())
        };
        let body = body.trim_end_matches('\n').into();
        Some(Captured { method, target, headers: lines.map(header).collect(), body })
    };
    CAPTURED.split("\n----\n").filter_map(read).collect()
}

fn decoded(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let pair = [bytes.next().unwrap(), bytes.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&pair).unwrap(), 16).unwrap()
            }
            other => other,
        });
    }
    String::from_utf8(out).unwrap()
}

fn fields(body: &str) -> Vec<(String, String)> {
    let field = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap();
        (decoded(name), decoded(value))
    };
    body.split('&').filter(|pair| !pair.is_empty()).map(field).collect()
}

fn certified() -> RegisteredKey {
    let certificate = Certificate::from_pem(CERTIFICATE).unwrap();
    RegisteredKey {
        sha1: Some(certificate.sha1()),
        sha256: Some(certificate.sha256()),
        not_before: Some(certificate.not_before()),
        not_after: Some(certificate.not_after()),
        ..registered(certificate.verifying_key().unwrap())
    }
}

fn check_captured(captured: &Captured, now: Moment) -> Result<Outcome, SignatureFault> {
    let fields = fields(&captured.body);
    let fields: Vec<_> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let request = Request {
        app_id: APP_ID,
        method: &captured.method,
        target: &captured.target,
        header: &|name| captured.headers.get(name).map(String::as_str),
        body: captured.body.as_bytes(),
        fields: &fields,
    };
    check(true, &request, &[certified()], now)
}

#[test]
fn every_fintecture_signature_verifies() {
    let signed: Vec<_> =
        captured().into_iter().filter(|c| c.headers.contains_key("signature")).collect();
    assert_eq!(signed.len(), 12);
    for captured in &signed {
        let what = format!("{} {}", captured.method, captured.target);
        for now in [NOW, LATER] {
            assert_eq!(check_captured(captured, now), Ok(Outcome::Verified), "{what}");
        }
        let tomorrow = NOW.after(86_400);
        assert_eq!(check_captured(captured, tomorrow), Err(SignatureFault::Date), "{what}");
    }
}

#[test]
fn what_is_signed_in_captured_requests_cannot_be_changed() {
    for mut captured in captured().into_iter().filter(|c| c.headers.contains_key("signature")) {
        let id = captured.headers.insert("x-request-id".into(), "other".into()).unwrap();
        assert_eq!(check_captured(&captured, NOW), Err(SignatureFault::Wrong));
        captured.headers.insert("x-request-id".into(), id);
        captured.target.push('x');
        let covered = captured.headers["signature"].contains("(request-target)");
        assert_eq!(check_captured(&captured, NOW).is_err(), covered, "{}", captured.target);
        if !captured.body.is_empty() {
            captured.body.push('x');
            assert_eq!(check_captured(&captured, NOW), Err(SignatureFault::Digest));
        }
    }
}

#[test]
fn the_signing_strings_of_worldline_v1_verify() {
    let mut count = 0;
    for captured in captured() {
        let Some(raw) =
            captured.headers.get("authorization").and_then(|v| v.strip_prefix("Signature "))
        else {
            continue;
        };
        let header = SignatureHeader::parse(raw).unwrap();
        assert!(["SHA256withRSA", "rsa-sha256"].contains(&header.algorithm()));
        assert!(certified().is_named(header.key_id()), "{}", header.key_id());
        let lookup = |name: &str| captured.headers.get(name).map(String::as_str);
        let text = header.signing_string(&captured.method, &captured.target, lookup).unwrap();
        assert!(text.starts_with("app: IDEAL\nclient: RaboiDEAL\nid: 433:5\ndate: "), "{text}");
        assert!(certified().key.verify(Alg::RS256, text.as_bytes(), header.signature()));
        count += 1;
    }
    assert_eq!(count, 5);
}

#[test]
fn both_captured_assertions_verify() {
    let issuer = "http://127.0.0.1:18999/auth/realms/merchant-clients";
    let token_url = format!("{issuer}/protocol/openid-connect/token");
    let ours = [issuer, token_url.as_str()];
    let mut kids = Vec::new();
    for captured in captured() {
        let fields = fields(&captured.body);
        let Some((_, raw)) = fields.iter().find(|(name, _)| name == "client_assertion") else {
            continue;
        };
        let received = Received::parse(raw).unwrap();
        assert_eq!(received.subject(), "5734699");
        for profile in [&WORLDLINE, &RFC7523] {
            for now in [NOW, LATER] {
                let keys = [RegisteredKey { kid: Some(SAMPLE_KID.into()), ..certified() }];
                let verified = received.verify(profile, &keys, &[Alg::RS256], &ours, now).unwrap();
                assert_eq!(verified.subject, "5734699");
                assert!(verified.id.is_some());
            }
        }
        kids.push(received.kid().map(str::to_owned));
    }
    assert_eq!(kids, [Some(SAMPLE_KID.into()), None]);
}
