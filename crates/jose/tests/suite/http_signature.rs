//! Signed HTTP requests: the dialects of surfaces.md 2.7, and every fault.

use counterfoil_jose::alg::Alg;
use counterfoil_jose::assertion::RegisteredKey;
use counterfoil_jose::http_signature::{Outcome, Request, SignatureHeader, check};
use counterfoil_jose::provider::sha256;
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::refusal::SignatureFault;

use crate::support::{NOW, key, public, registered, standard_b64};

const APP: &str = "0354d723-d8d3-469a-8926-4f3f18b2c416";
const DATE: &str = "Sat, 21 Nov 2026 17:45:25 GMT";
const FIELDS: [(&str, &str); 3] =
    [("grant_type", "client_credentials"), ("app_id", APP), ("scope", "PIS")];
const BODY: &str =
    "grant_type=client_credentials&app_id=0354d723-d8d3-469a-8926-4f3f18b2c416&scope=PIS";

/// A request in the making, signed by [`Example::signed`] with whatever it holds then.
#[derive(Clone)]
struct Example {
    method: &'static str,
    target: &'static str,
    headers: Vec<(&'static str, String)>,
    body: &'static str,
    fields: Vec<(&'static str, &'static str)>,
    covered: &'static str,
}

impl Example {
    fn get() -> Self {
        Self {
            method: "GET",
            target: "/ais/v2/connect?redirect_uri=https%3A%2F%2Fme.example%2Fcb&state=st",
            headers: vec![
                ("app_id", APP.into()),
                ("date", DATE.into()),
                ("x-date", "ignored".into()),
                ("x-request-id", "4b36b79e-5033-45b0-ba0e-496d4ec0f56a".into()),
            ],
            body: "",
            fields: vec![],
            covered: "(request-target) date x-request-id",
        }
    }

    fn post() -> Self {
        let post = Self {
            method: "POST",
            target: "/oauth/accesstoken",
            body: BODY,
            fields: FIELDS.to_vec(),
            covered: "(request-target) date digest x-request-id",
            ..Self::get()
        };
        post.with("digest", &digest(BODY))
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self = self.without(name);
        self.headers.push((name, value.into()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self
    }

    fn covering(self, covered: &'static str) -> Self {
        Self { covered, ..self }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// The rules of the draft, written a second time.
    fn text(&self) -> String {
        let line = |name: &str| match name {
            "(request-target)" => {
                format!("{name}: {} {}", self.method.to_lowercase(), self.target)
            }
            name => format!("{name}: {}", self.header(name).unwrap_or_default()),
        };
        self.covered.split(' ').map(line).collect::<Vec<_>>().join("\n")
    }

    fn signed(self) -> Self {
        let signature = standard_b64(&key(Alg::RS256).sign(self.text().as_bytes()).unwrap());
        let value = format!(
            r#"keyId="{APP}",algorithm="rsa-sha256",headers="{}",signature="{signature}""#,
            self.covered
        );
        self.with("signature", &value)
    }

    fn changed(self, was: &str, is: &str) -> Self {
        let value = self.header("signature").unwrap().to_owned();
        assert!(value.contains(was), "{was}");
        self.with("signature", &value.replace(was, is))
    }

    fn check_by(
        &self,
        required: bool,
        keys: &[RegisteredKey],
        now: Moment,
    ) -> Result<Outcome, SignatureFault> {
        let request = Request {
            app_id: APP,
            method: self.method,
            target: self.target,
            header: &|name| self.header(name),
            body: self.body.as_bytes(),
            fields: &self.fields,
        };
        check(required, &request, keys, now)
    }

    fn check(&self) -> Result<Outcome, SignatureFault> {
        self.check_by(true, &[registered(public(Alg::RS256))], NOW)
    }
}

fn digest(body: &str) -> String {
    format!("SHA-256={}", standard_b64(&sha256(body.as_bytes())))
}

fn assert_verified(example: Example) {
    assert_eq!(example.check(), Ok(Outcome::Verified));
}

fn assert_refused(example: Example, fault: SignatureFault) {
    assert_eq!(example.check(), Err(fault));
}

#[test]
fn the_digest_vectors_are_ours() {
    assert_eq!(digest(BODY), "SHA-256=LcoWFRWoGLOQqLgei2pIXS7L2ddgo/R3D6Xo+4V3UDQ=");
    assert_eq!(digest("{}"), "SHA-256=RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=");
    assert_eq!(digest(""), "SHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    let python = format!("app_id={APP}&grant_type=client_credentials&scope=PIS");
    assert_eq!(digest(&python), "SHA-256=cdw/aeithTGjtkjW8ksP6SfXdlBEjCSEomWTNkosYZo=");
    let json = format!(r#"{{"grant_type":"client_credentials","app_id":"{APP}","scope":"PIS"}}"#);
    assert_eq!(json.len(), 97);
    assert_eq!(digest(&json), "SHA-256=lMEeFenY9Cfzq8tOZJsxOYlGvUup8b5uBOxjQZxbeMM=");
}

#[test]
fn every_dialect_verifies() {
    // JS and Python, GET and POST.
    assert_verified(Example::get().signed());
    assert_verified(Example::post().signed());
    // The zones of JS and Ruby, of PHP, of Python.
    for zone in ["GMT", "+0000", "-0000"] {
        let date = format!("Sat, 21 Nov 2026 17:45:25 {zone}");
        assert_verified(Example::get().with("date", &date).signed());
    }
    assert_verified(Example::get().with("date", "Sat, 21 Nov 2026 18:45:25 +0100").signed());
    // PHP: the digest of the form as JSON.
    let json = "SHA-256=lMEeFenY9Cfzq8tOZJsxOYlGvUup8b5uBOxjQZxbeMM=";
    assert_verified(Example::post().with("digest", json).signed());
    // Magento: no `(request-target)`.
    let magento = Example::post().with("digest", json).covering("date digest x-request-id");
    assert_verified(magento.signed());
    // Ruby: the digest of `{}` without a body, query values unescaped.
    let ruby = Example {
        target: "/ais/v2/connect?redirect_uri=https://me.example/cb&state=a b",
        ..Example::get().with("digest", &digest("{}"))
    };
    assert_verified(ruby.covering("(request-target) date digest x-request-id").signed());
    let delete = Example { method: "DELETE", ..Example::get() };
    assert_verified(delete.signed());
    // No `app_id` header.
    assert_verified(Example::get().without("app_id").signed());
    // Separators with a space, as the clients of another surface write them.
    assert_verified(Example::get().signed().changed("\",", "\", "));
    assert_verified(Example::get().signed().changed("date x-request-id", "Date X-Request-ID"));
}

#[test]
fn fields_are_written_as_php_writes_them() {
    let fields = vec![("redirect_uri", "https://me.example/cb"), ("name", "Zo\u{eb} \"x\"\n")];
    let json = "{\"redirect_uri\":\"https://me.example/cb\",\"name\":\"Zo\u{eb} \\\"x\\\"\\n\"}";
    let example = Example {
        body: "redirect_uri=https%3A%2F%2Fme.example%2Fcb&name=Zo%C3%AB+%22x%22%0A",
        fields,
        ..Example::post()
    };
    assert_verified(example.clone().with("digest", &digest(json)).signed());
    let other_order = Example { fields: example.fields.iter().rev().copied().collect(), ..example };
    let signed = other_order.with("digest", &digest(json)).signed();
    assert_refused(signed, SignatureFault::Digest);
}

#[test]
fn a_signature_is_judged_when_it_is_there_or_required() {
    let keys = [registered(public(Alg::RS256))];
    let unsigned = Example::get();
    assert_eq!(unsigned.check_by(false, &keys, NOW), Ok(Outcome::Absent));
    assert_eq!(unsigned.check_by(true, &keys, NOW), Err(SignatureFault::Missing));
    assert_eq!(unsigned.check_by(true, &[], NOW), Err(SignatureFault::Missing));
    let signed = Example::get().signed();
    assert_eq!(signed.check_by(false, &[], NOW), Ok(Outcome::Ignored));
    assert_eq!(signed.check_by(true, &[], NOW), Err(SignatureFault::KeyUnregistered));
    let garbage = Example::get().with("signature", "garbage");
    assert_eq!(garbage.check_by(false, &[], NOW), Ok(Outcome::Ignored));
    assert_eq!(garbage.check_by(false, &keys, NOW), Err(SignatureFault::Malformed));
}

#[test]
fn only_rsa_sha256_is_taken() {
    for algorithm in ["hs2019", "rsa-sha1", "hmac-sha256", "RSA-SHA256", ""] {
        assert_refused(
            Example::get().signed().changed("rsa-sha256", algorithm),
            SignatureFault::Malformed,
        );
    }
    let ec = [registered(public(Alg::ES256))];
    let signed = Example::get().signed();
    assert_eq!(signed.check_by(true, &ec, NOW), Err(SignatureFault::Wrong));
}

#[test]
fn three_names_of_the_app_are_one() {
    let other = "00000000-d8d3-469a-8926-4f3f18b2c416";
    assert_refused(Example::get().signed().changed(APP, other), SignatureFault::KeyId);
    assert_refused(Example::get().signed().with("app_id", other), SignatureFault::KeyId);
}

#[test]
fn date_request_id_and_digest_must_be_signed() {
    let missing = SignatureFault::HeadersMissing;
    assert_refused(Example::get().covering("(request-target) date").signed(), missing);
    assert_refused(Example::get().covering("(request-target) x-request-id").signed(), missing);
    assert_refused(
        Example::post().covering("(request-target) date x-request-id").signed(),
        missing,
    );
    assert_refused(Example::get().covering("date x-request-id app").signed(), missing);
    assert_refused(Example::get().covering("date x-request-id (created)").signed(), missing);
    assert_refused(Example::get().signed().without("date"), missing);
    assert_refused(Example::get().signed().without("x-request-id"), missing);
    assert_refused(Example::post().signed().without("digest"), missing);
    let undeclared = Example::get().signed();
    let from = undeclared
        .header("signature")
        .unwrap()
        .replace(r#"headers="(request-target) date x-request-id","#, "");
    assert_refused(undeclared.with("signature", &from), missing);
}

#[test]
fn a_date_counts_for_five_minutes_either_way() {
    let keys = [registered(public(Alg::RS256))];
    let signed = Example::get().signed();
    for (now, expected) in [
        (NOW.before(300), Ok(Outcome::Verified)),
        (NOW.after(300), Ok(Outcome::Verified)),
        (NOW.before(301), Err(SignatureFault::Date)),
        (NOW.after(301), Err(SignatureFault::Date)),
    ] {
        assert_eq!(signed.check_by(true, &keys, now), expected);
    }
    let long = format!("{DATE}{}", " ".repeat(100));
    for date in [
        "",
        "now",
        "1795283125",
        "2026-11-21T17:45:25Z",
        "Sun, 21 Nov 2026 17:45:25 GMT",
        "Sat, 31 Feb 2026 17:45:25 GMT",
        "Sat, 21 Nov 2026 17:45:25",
        "Sat, 21 Nov 1926 17:45:25 GMT",
        "Sat, 21 Nov 2026 17:45:25 +9999",
        &long,
    ] {
        assert_refused(Example::get().with("date", date).signed(), SignatureFault::Date);
    }
}

#[test]
fn the_digest_is_that_of_the_body() {
    for other in [
        digest("").as_str(),
        &digest("{}"),
        &digest(BODY).replace("SHA-256", "SHA-512"),
        &digest(BODY).replace('=', ":"),
        &digest(BODY)[8..],
        &format!("{},SHA-512=AQ==", digest(BODY)),
        "SHA-256=AQ==",
        "",
    ] {
        assert_refused(Example::post().with("digest", other).signed(), SignatureFault::Digest);
    }
    assert_verified(Example::post().with("digest", &digest(BODY).replace("SHA", "sha")).signed());
    let changed = Example { body: "grant_type=x", fields: vec![], ..Example::post() };
    assert_refused(changed.signed(), SignatureFault::Digest);
    // No fields, no second form: `{}` is not the digest of a body.
    let json = Example { fields: vec![], ..Example::post() }.with("digest", &digest("{}"));
    assert_refused(json.signed(), SignatureFault::Digest);
}

#[test]
fn what_was_signed_cannot_be_changed() {
    let wrong = SignatureFault::Wrong;
    assert_refused(Example { method: "POST", ..Example::get().signed() }, wrong);
    assert_refused(Example { target: "/", ..Example::get().signed() }, wrong);
    assert_refused(Example::get().signed().with("x-request-id", "other"), wrong);
    let later = "Sat, 21 Nov 2026 17:45:26 GMT";
    assert_refused(Example::get().signed().with("date", later), wrong);
    assert_refused(
        Example::get().signed().changed("date x-request-id", "x-request-id date"),
        wrong,
    );
    let keys = [registered(public(Alg::RS512))];
    assert_eq!(Example::get().signed().check_by(true, &keys, NOW), Err(wrong));
    let mut expired = registered(public(Alg::RS256));
    expired.not_after = Some(NOW.before(1));
    assert_eq!(Example::get().signed().check_by(true, &[expired], NOW), Err(wrong));
}

#[test]
fn a_header_has_one_form() {
    let good = r#"keyId="k",algorithm="a",headers="date",signature="AQ==""#;
    let header = SignatureHeader::parse(good).unwrap();
    assert_eq!((header.key_id(), header.algorithm()), ("k", "a"));
    assert_eq!(header.headers().collect::<Vec<_>>(), ["date"]);
    assert_eq!(header.signature(), [1]);
    let spaced = r#" keyId="k" , algorithm="a",  headers=" date ",signature="AQ==" "#;
    assert_eq!(SignatureHeader::parse(spaced), Ok(header.clone()));
    let extended = format!(r#"{good},opaque="x""#);
    assert_eq!(SignatureHeader::parse(&extended), Ok(header.clone()));
    let without_headers = good.replace(r#"headers="date","#, "");
    assert_eq!(SignatureHeader::parse(&without_headers), Ok(header));
    let many = (0..17).map(|i| format!("h{i}")).collect::<Vec<_>>().join(" ");
    for bad in [
        "",
        " ",
        ",",
        "keyId",
        "keyId=k",
        r#"keyId="k"#,
        &good.replace(r#"keyId="k","#, ""),
        &good.replace(r#"algorithm="a","#, ""),
        &good.replace(r#","#, ";"),
        &good.replace(r#","#, " "),
        &good.replace(r#"keyId="k""#, r#"keyId="""#),
        &good.replace("AQ==", ""),
        &good.replace("AQ==", "AQ"),
        &good.replace("AQ==", "AR=="),
        &good.replace("AQ==", "-w=="),
        &good.replace("date", "date date"),
        &good.replace("date", "date Date"),
        &good.replace("date", &many),
        &good.replace(r#""k""#, r#""k\"x""#),
        &good.replace(r#""k""#, "\"k\u{e9}\""),
        &good.replace(r#""k""#, "\"k\n\""),
        &good.replace('"', "\u{201d}"),
        &good.replace('"', "'"),
        &format!("{good},"),
        &format!(r#"{good},keyId="k""#),
        &format!(r#"{good},keyId="other""#),
        &format!(r#"{good},created=1"#),
        &format!(
            r#"{good},{}"#,
            (0..17).map(|i| format!(r#"p{i}="x""#)).collect::<Vec<_>>().join(",")
        ),
        &good.replace("\"k\"", &format!("\"{}\"", "k".repeat(5000))),
    ] {
        assert_eq!(SignatureHeader::parse(bad), Err(SignatureFault::Malformed), "{bad}");
    }
}

#[test]
fn the_signing_string_is_that_of_the_draft() {
    let raw = r#"keyId="k",algorithm="a",headers="(request-target) Host date",signature="AQ==""#;
    let header = SignatureHeader::parse(raw).unwrap();
    assert!(header.covers("host") && !header.covers("digest"));
    let lookup = |name: &str| match name {
        "host" => Some(" example.org\t"),
        "date" => Some(""),
        _ => None,
    };
    let text = header.signing_string("POST", "/Foo?Param=value", lookup).unwrap();
    assert_eq!(text, "(request-target): post /Foo?Param=value\nhost: example.org\ndate: ");
    let missing = header.signing_string("POST", "/", |_| None);
    assert_eq!(missing, Err(SignatureFault::HeadersMissing));
}
