//! What every tenant answers, whatever surfaces it serves.

pub mod demo;
pub mod discovery;
pub mod jwks;
pub mod introspect;
pub mod keycloak;
pub mod logo;
pub mod plain;
pub mod register;
pub mod resource;
mod step_up;
pub mod revoke;
pub mod userinfo;

use counterfoil_engine::client_auth::{BASIC, POST, PRIVATE_KEY_JWT};
use counterfoil_engine::policy::{ClientAuthRules, CredentialsTwice};
use counterfoil_jose::assertion;

use crate::surfaces::Route;

/// How callers prove who they are where no surface says otherwise.
pub(crate) const ANY_CLIENT: ClientAuthRules = ClientAuthRules {
    methods: &[BASIC, POST, PRIVATE_KEY_JWT],
    // keycloak-connect sends the same pair in the header and in the body.
    credentials_twice: CredentialsTwice::AcceptedWhenEqual,
    assertion: Some(&assertion::RFC7523),
};

/// How resource servers prove who they are.
pub(crate) const RESOURCE_SERVER: ClientAuthRules = ClientAuthRules {
    methods: &[BASIC, POST],
    // keycloak-connect sends the same pair in the header and in the body.
    credentials_twice: CredentialsTwice::AcceptedWhenEqual,
    assertion: None,
};

/// Paths of every tenant that is no realm.
pub static ROUTES: &[Route] = &[
    Route {
        methods: &["GET"],
        path: jwks::PATH,
        handler: |app, ask| Box::pin(jwks::answer(app, ask)),
    },
    Route {
        methods: &["POST"],
        path: "/introspect",
        handler: |app, ask| Box::pin(introspect::answer(app, ask)),
    },
    Route {
        methods: &["POST"],
        path: "/revoke",
        handler: |app, ask| Box::pin(revoke::of_tenant(app, ask)),
    },
    Route {
        methods: &["GET", "POST"],
        path: "/login",
        handler: |app, ask| Box::pin(crate::ui::login::answer(app, ask)),
    },
    Route {
        methods: &["GET", "POST"],
        path: "/consent",
        handler: |app, ask| Box::pin(crate::ui::consent::answer(app, ask)),
    },
    Route {
        // What counts is the token.
        methods: &["GET", "POST", "PUT", "PATCH", "DELETE"],
        path: "/demo/resource",
        handler: |app, ask| Box::pin(demo::answer(app, ask)),
    },
    Route {
        methods: &["GET"],
        path: logo::PATH,
        handler: |app, ask| Box::pin(logo::answer(app, ask)),
    },
    Route {
        methods: &["POST"],
        path: "/login/switch",
        handler: |app, ask| Box::pin(crate::ui::login::switch(app, ask)),
    },
];

/// Paths of a tenant that registers clients.
pub static REGISTRATION: &[Route] = &[
    Route {
        methods: &["POST"],
        path: register::PATH,
        handler: |app, ask| Box::pin(register::create(app, ask)),
    },
    Route {
        methods: &["GET", "PUT", "DELETE"],
        path: "/register/{}",
        handler: |app, ask| Box::pin(register::manage(app, ask)),
    },
];

/// Paths of every tenant.
pub static METADATA: &[Route] = &[
    Route {
        methods: &["GET"],
        path: "/.well-known/openid-configuration",
        handler: |app, ask| Box::pin(discovery::answer(app, ask)),
    },
    Route {
        methods: &["GET"],
        path: "/.well-known/oauth-authorization-server",
        handler: |app, ask| Box::pin(discovery::answer(app, ask)),
    },
];
