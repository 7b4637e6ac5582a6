//! Redirect URIs that others took for what they are not. The whole corpus is in `../redirects.rs`.

use serde_json::json;

use crate::redirects::{REGISTERED, stays, target};
use crate::registration::{TENANTS, register, with};
use crate::server::Server;

/// Refused where somebody asks for it, by a client that has registered other ones.
fn is_not_asked_for(server: &Server, uris: &[&str]) {
    for uri in uris {
        let answer = server.ask("GET", &target(uri, ""), &[("accept", "text/html")], b"");
        stays(&answer, uri);
    }
}

/// Refused where somebody registers it, whatever kind of client that is.
fn is_not_registered(server: &Server, uris: &[&str]) {
    for uri in uris {
        for kind in ["web", "native"] {
            let metadata = with(json!({"redirect_uris": [uri], "application_type": kind}));
            let answer = register(server, &metadata).expect(400);
            assert_eq!(answer.member("error"), "invalid_redirect_uri", "{uri}");
            let both = json!({"redirect_uris": ["https://app.example/cb", uri]});
            register(server, &with(both)).expect(400);
        }
    }
}

fn neither(uris: &[&str]) {
    is_not_asked_for(&Server::shared(), uris);
    is_not_registered(&Server::with(TENANTS), uris);
}

#[test]
fn m050_cve_2026_7504_several_signs_of_user_information() {
    neither(&[
        "https://tpp.example@evil.example@tpp.example/cb",
        "https://tpp.example:443@evil.example:443@tpp.example/cb",
        "https://a@b@tpp.example/cb",
        "https://@tpp.example/cb",
        "https://tpp.example%40evil.example/cb",
        "https://tpp.example@@evil.example/cb",
        "http://127.0.0.1@127.0.0.1@evil.example/callback",
    ]);
}

#[test]
fn m051_cve_2026_3872_path_parameters_behind_a_registered_prefix() {
    neither(&[
        "https://tpp.example/cb/..;/evil",
        "https://tpp.example/..;/cb",
        "https://tpp.example/cb;x=1",
        "https://tpp.example/cb/.;/evil",
        "https://tpp.example/cb/..;x=1/evil",
        "https://tpp.example/cb/..%3b/evil",
    ]);
}

#[test]
fn m052_cve_2024_8883_a_foreign_host_dressed_up_as_this_machine() {
    neither(&[
        "http://127.0.0.1.evil.example/callback",
        "http://127.0.0.1@evil.example/callback",
        "http://127.0.0.1:80@evil.example/callback",
        "http://127.0.0.1\\@evil.example/callback",
        "http://localhost/callback",
        "http://localhost.evil.example/callback",
        "http://2130706433/callback",
        "http://0x7f000001/callback",
        "http://127.1/callback",
        "http://[::ffff:127.0.0.1]/callback",
        "http://127.0.0.2/callback",
    ]);
    let server = Server::shared();
    for uri in ["http://127.0.0.1:53117/callback", "http://[::1]:1/callback"] {
        assert_eq!(server.ask("GET", &target(uri, ""), &[], b"").status, 303, "{uri}");
    }
}

#[test]
fn m053_cve_2026_9086_addresses_that_are_programs() {
    let programs = [
        "JaVaScRiPt:alert(1)",
        "javascript://tpp.example/%0aalert(1)",
        "java\tscript:alert(1)",
        " javascript:alert(1)",
        "DATA:text/html,<script>alert(1)</script>",
        "data:text/html;base64,PHNjcmlwdD4=",
        "vbscript:msgbox(1)",
        "blob:https://tpp.example/1",
    ];
    neither(&programs);
    let server = Server::with(TENANTS);
    for uri in programs {
        for metadata in [
            json!({"post_logout_redirect_uris": [uri]}),
            json!({"policy_uri": uri}),
            json!({"tos_uri": uri}),
            json!({"client_uri": uri}),
            json!({"logo_uri": uri}),
            json!({"initiate_login_uri": uri}),
        ] {
            let answer = register(&server, &with(metadata.clone())).expect(400);
            assert_eq!(answer.member("error"), "invalid_client_metadata", "{metadata}");
        }
    }
}

#[test]
fn m054_zitadel_12559_once_decoded_it_is_another_host() {
    neither(&[
        "http://localhost:8090%25@evil.example",
        "http://localhost:8090%@evil.example",
        "http://127.0.0.1:8090%25@evil.example/callback",
        "http://127.0.0.1:8090%2540evil.example/callback",
        "http://127.0.0.1%3a8090@evil.example/callback",
        "https://tpp.example%2f@evil.example/cb",
        "https://tpp.example%252f@evil.example/cb",
        "https://evil.example%23.tpp.example/cb",
    ]);
}

#[test]
fn m055_cve_2020_15234_another_case_or_one_more_parameter() {
    is_not_asked_for(
        &Server::shared(),
        &[
            "https://tpp.example/CB",
            "https://tpp.example/Cb",
            "https://TPP.example/cb",
            "HTTPS://tpp.example/cb",
            "https://tpp.example:8443/path/to/cb",
            "https://tpp.example:8443/Path/to/cb?x=1",
            "https://tpp.example/cb?x=2",
            "https://tpp.example/cb?x=1&y=2",
            "https://tpp.example/cb?",
        ],
    );
}

#[test]
fn m056_cve_2020_15233_this_machine_with_another_path_or_query() {
    is_not_asked_for(
        &Server::shared(),
        &[
            "http://127.0.0.1/",
            "http://127.0.0.1:8080/other",
            "http://127.0.0.1:8080/callback/",
            "http://127.0.0.1:8080/callback?x=1",
            "http://127.0.0.1:8080/callback#x",
            "http://127.0.0.1:8080/CALLBACK",
            "http://[::1]:8080/callback/..",
            "https://127.0.0.1:8080/callback",
        ],
    );
}

#[test]
fn m062_hsweb_363_dots_in_disguise_and_a_backslash() {
    neither(&[
        "https://tpp.example/cb/%2e%2e/evil",
        "https://tpp.example/cb/%2E%2E%2Fevil",
        "https://tpp.example/cb/.%2e/evil",
        "https://tpp.example/cb/../evil",
        "https://tpp.example/cb/%252e%252e/evil",
        "https://evil.example\\@tpp.example/cb",
        "https://tpp.example\\.evil.example/cb",
        "https:\\\\tpp.example/cb",
        "https://tpp.example/cb%5c..%5cevil",
    ]);
    // What is registered is not refused by all that.
    assert_eq!(Server::shared().ask("GET", &target(REGISTERED[0], ""), &[], b"").status, 303);
}
