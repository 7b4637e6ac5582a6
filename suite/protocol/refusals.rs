//! Every refusal there is can be provoked. Most are by a row of a table, whose code the runner
//! compares with the journal.

use std::collections::BTreeSet;
use std::path::Path;

use counterfoil_protocol::refusal_code::ALL;

use crate::browser::{Browser, MX};
use crate::faults;
use crate::table::rows;
use crate::tables::tables;
use crate::wire::Ask;
use crate::world::World;

/// What takes more than a request.
const SCENES: [fn(&mut Vec<String>); 8] = [
    faults::rivals_that_always_move_first,
    faults::a_store_that_breaks,
    faults::a_handle_sealed_with_a_leaked_key,
    faults::a_store_that_was_set_back,
    faults::more_views_than_a_grant_keeps,
    a_refresh_token_after_its_successor_was_used,
    an_assertion_that_is_sent_twice,
    a_customer_who_cannot_or_will_not,
];

const DPOP: &str = "../crates/jose/tests/suite/dpop.rs";

const SENDERS: &str = "decisions/senders.rs";

/// What is provoked by another test program: the file, and the name of the test.
const ELSEWHERE: [(&str, &str, &str); 61] = [
    ("E4005", "protocol/step_up.rs", "a_resource_demands_a_sign_in_that_is_young_or_strong_enough"),
    ("E3070", "protocol/fapi.rs", "what_must_not_be_pushed"),
    ("E3072", "protocol/fapi.rs", "messages_are_signed_both_ways"),
    ("E3103", "../crates/jose/tests/suite/request_object.rs", "Fault::Critical"),
    ("E3104", "../crates/jose/tests/suite/request_object.rs", "Fault::Type"),
    ("E3105", "../crates/jose/tests/suite/request_object.rs", "Fault::KeyUnknown"),
    ("E3106", "../crates/jose/tests/suite/request_object.rs", "Fault::SignatureWrong"),
    ("E3111", "../crates/jose/tests/suite/request_object.rs", "Fault::ExpiryMissing"),
    ("E3112", "../crates/jose/tests/suite/request_object.rs", "Fault::NotBeforeMissing"),
    ("E3101", "../crates/jose/tests/suite/request_object.rs", "Fault::Malformed"),
    ("E3107", "../crates/jose/tests/suite/request_object.rs", "Fault::Issuer"),
    ("E3108", "../crates/jose/tests/suite/request_object.rs", "Fault::Subject"),
    ("E3109", "../crates/jose/tests/suite/request_object.rs", "Fault::ClientId"),
    ("E3110", "../crates/jose/tests/suite/request_object.rs", "Fault::Audience"),
    ("E3113", "../crates/jose/tests/suite/request_object.rs", "Fault::NotActive"),
    ("E3114", "../crates/jose/tests/suite/request_object.rs", "Fault::LifetimeTooLong"),
    ("E3115", "../crates/jose/tests/suite/request_object.rs", "Fault::Nested"),
    ("E3006", "protocol/openid.rs", "prompt_none_answers_without_a_page"),
    ("E3075", "protocol/openid.rs", "a_request_uri_is_worth_nothing_elsewhere_or_later"),
    ("E3076", "protocol/openid.rs", "a_pushed_request_is_used_by_its_client_until_it_is_answered"),
    ("E1012", "blackbox/limits.rs", "a_body_over_64_kib_is_413"),
    ("E1013", "blackbox/limits.rs", "a_head_over_32_kib_is_431"),
    ("E1014", "blackbox/slow.rs", "a_body_that_does_not_come_is_408"),
    ("E1217", "../crates/jose/tests/suite/assertion.rs", "IdMissing"),
    ("E2021", "protocol/common.rs", "m026_a_customer_suspended_while_the_page_is_open"),
    ("E5001", "decisions/operators.rs", "a_tenant_holds_so_many_keys_and_no_more"),
    ("E5005", "blackbox/overload.rs", "a_full_queue_answers_503_at_once"),
    ("E3011", "protocol/connect.rs", "f1_a_connect_url_is_worth_nothing_after_half_an_hour"),
    ("E1403", DPOP, "ProofFault::Malformed"),
    ("E1404", DPOP, "ProofFault::Type"),
    ("E1405", DPOP, "ProofFault::Algorithm"),
    ("E1406", DPOP, "ProofFault::KeyMissing"),
    ("E1407", DPOP, "ProofFault::Key"),
    ("E1408", DPOP, "ProofFault::Signature"),
    ("E1409", DPOP, "ProofFault::IdMissing"),
    ("E1410", DPOP, "ProofFault::Method"),
    ("E1411", DPOP, "ProofFault::Address"),
    ("E1412", DPOP, "ProofFault::Issued"),
    ("E1413", DPOP, "ProofFault::TokenHash"),
    ("E6001", "blackbox/registration.rs", "what_is_no_metadata_is_refused"),
    ("E6002", "blackbox/registration.rs", "what_cannot_be_registered_is_refused_by_name"),
    ("E6003", "blackbox/registration.rs", "what_cannot_be_registered_is_refused_by_name"),
    ("E6004", "blackbox/registration.rs", "what_cannot_be_registered_is_refused_by_name"),
    ("E6005", "blackbox/registration.rs", "what_cannot_be_registered_is_refused_by_name"),
    ("E6006", "blackbox/registration.rs", "what_cannot_be_registered_is_refused_by_name"),
    ("E6007", "blackbox/registration.rs", "what_cannot_be_registered_is_refused_by_name"),
    ("E6008", "blackbox/registration.rs", "what_cannot_be_registered_is_refused_by_name"),
    ("E6010", "blackbox/registration.rs", "who_may_register_is_the_banks_to_say"),
    ("E6011", "blackbox/registration.rs", "a_registration_token_manages_its_own_client_only"),
    ("E1401", SENDERS, "ProofFault::Missing"),
    ("E1402", SENDERS, "ProofFault::Repeated"),
    ("E1414", SENDERS, "ProofFault::Replayed"),
    ("E1415", SENDERS, "ProofFault::KeyMismatch"),
    ("E1416", SENDERS, "ProofFault::Nonce"),
    ("E1421", "decisions/certificates.rs", "CertificateFault::Untrusted"),
    ("E1422", "decisions/certificates.rs", "CertificateFault::Subject"),
    ("E1423", "decisions/certificates.rs", "CertificateFault::Unregistered"),
    ("E1424", "decisions/certificates.rs", "CertificateFault::NotValid"),
    ("E1425", SENDERS, "Refusal::CertificateMissing"),
    ("E4003", SENDERS, "Refusal::SchemeWrong"),
    ("E4004", SENDERS, "Refusal::CertificateMismatch"),
];

fn a_refresh_token_after_its_successor_was_used(told: &mut Vec<String>) {
    let world = World::new();
    let first = MX.mx_tokens(&world).refresh;
    let second = world.send(MX.mx_refresh(&first)).expect(200).member("refresh_token");
    world.send(MX.mx_refresh(&second)).expect(200);
    world.refused(MX.mx_refresh(&first), 400, "E2016");
    told.push("E2016".into());
}

fn an_assertion_that_is_sent_twice(told: &mut Vec<String>) {
    let world = World::new();
    let assertion = crate::assertions::assertion("jti=twice", crate::world::NOW.0);
    let pairs = [
        ("grant_type", "client_credentials"),
        ("scope", "VOP"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", &*assertion),
    ];
    let ask = || Ask::form("/auth/realms/sandbox/protocol/openid-connect/token", &pairs);
    world.send(ask()).expect(200);
    world.refused(ask(), 400, "E1218");
    told.push("E1218".into());
}

fn a_customer_who_cannot_or_will_not(told: &mut Vec<String>) {
    let world = World::new();
    let mut end = |login: &str, code: &str| {
        world.drain();
        Browser::new(&world).consent(&MX.mx_authorize("openid accounts", &[]), login);
        assert_eq!(world.drain(), [code], "{login}");
        told.push(code.into());
    };
    end("demo-denied", "E3003");
    end("demo-sca-fail", "E3004");
    let mut browser = Browser::new(&world);
    let login = browser.open(&MX.mx_authorize("openid accounts", &[]));
    let foreign = [("csrf", ""), ("interaction", "")];
    let form = crate::browser::Page(login.text());
    let pairs = [("interaction", &*form.field("interaction")), foreign[0]];
    browser.send(Ask::form("/login", &pairs)).expect(403);
    for _ in 0..5 {
        browser.submit(&login, &[("login", "ada"), ("password", "x")]);
    }
    let mut browser = Browser::new(&world);
    let login = browser.open(&MX.mx_authorize("openid accounts", &[]));
    let consent = browser.sign_in(&login, "ada");
    browser.submit(&consent, &[("action", "allow")]);
    let codes = world.drain();
    for code in ["E3012", "E3020", "E3021", "E3030"] {
        assert!(codes.iter().any(|known| known == code), "{code}: {codes:?}");
        told.push(code.into());
    }
}

#[test]
fn every_refusal_is_provoked_by_a_row_or_a_test() {
    let mut told: Vec<String> = vec![];
    for table in tables() {
        told.extend(rows(table).into_iter().filter_map(|row| row.code));
    }
    for scene in SCENES {
        scene(&mut told);
    }
    let told: BTreeSet<&str> = told.iter().map(String::as_str).collect();
    for (code, path, name) in ELSEWHERE {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(text.contains(name), "{code}: no {name} in {}", path.display());
    }
    let elsewhere = ELSEWHERE.iter().map(|(code, _, _)| *code);
    let covered: BTreeSet<&str> = told.iter().copied().chain(elsewhere).collect();
    let all: BTreeSet<&str> = ALL.iter().map(|refusal| refusal.stable().code).collect();
    let missing: Vec<_> = all.difference(&covered).collect();
    assert!(missing.is_empty(), "nothing provokes {missing:?}");
    let strange: Vec<_> = covered.difference(&all).collect();
    assert!(strange.is_empty(), "no such codes: {strange:?}");
}
