//! What the suite's browser does with our pages, module by module. It finds them by their addresses,
//! ids and headings.

use serde_json::{Value, json};

/// Who signs in, and where.
pub(super) struct Visitor {
    /// The address of the issuer.
    pub(super) issuer: String,
    /// The address of the suite, with a slash at the end. Patterns begin with an address, because
    /// a `*` in front would match a redirect URI in a query.
    pub(super) suite: String,
    pub(super) login: String,
    pub(super) password: String,
}

/// How long the browser waits for a text or an element, seconds.
const WAIT_S: u64 = 10;

const ERROR_HEADING: &str = "This request can.t continue";
const LOGIN_HEADING: &str = "Sign in";
const LOGOUT_HEADING: &str = "Do you want to sign out";
const DONE_HEADING: &str = "You are signed out";

/// What the user does in a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Visit {
    /// Sees an error page at once.
    Refused,
    /// Says no instead of signing in. An earlier consent would skip the page that asks for it.
    Denies,
    /// Leaves the first time, signs in the second time.
    ComesBack,
    /// Has to sign in twice; the second page is shown.
    SignsInAgain,
    /// Sees the question whether to sign out, or an error page.
    AskedToSignOut,
    /// Signs out and sees that they are.
    SignsOut,
}

/// The end of a module's name and what the user does in it; signs in and allows in all others.
static VISITS: &[(&str, Visit)] = &[
    ("-ensure-redirect-uri-in-authorization-request", Visit::Refused),
    ("-ensure-registered-redirect-uri", Visit::Refused),
    ("-ensure-request-object-without-redirect-uri-fails", Visit::Refused),
    ("-ensure-unsigned-authorization-request-without-using-par-fails", Visit::Refused),
    ("-par-attempt-reuse-request_uri", Visit::Refused),
    ("-par-attempt-to-use-expired-request_uri", Visit::Refused),
    ("-par-attempt-to-use-request_uri-for-different-client", Visit::Refused),
    ("-response-type-missing", Visit::Refused),
    ("-user-rejects-authentication", Visit::Denies),
    ("-par-ensure-reused-request-uri-prior-to-auth-completion-succeeds", Visit::ComesBack),
    ("oidcc-prompt-login", Visit::SignsInAgain),
    ("oidcc-max-age-1", Visit::SignsInAgain),
    ("-logout-bad-post-logout-redirect-uri", Visit::AskedToSignOut),
    ("-logout-query-added-to-post-logout-redirect-uri", Visit::AskedToSignOut),
    ("-logout-modified-id-token-hint", Visit::AskedToSignOut),
    ("-logout-bad-id-token-hint", Visit::AskedToSignOut),
    ("-logout-no-id-token-hint", Visit::AskedToSignOut),
    ("-logout-no-params", Visit::SignsOut),
    ("-logout-only-state", Visit::SignsOut),
    ("-logout-no-post-logout-redirect-uri", Visit::SignsOut),
];

/// The `browser` member of a configuration: sign in, allow, and be sent back.
pub(super) fn usual(visitor: &Visitor) -> Value {
    let Visitor { issuer, suite, .. } = visitor;
    json!([
        authorization(visitor, &signs_in(visitor, &[])),
        {
            "match": format!("{issuer}/logout*"),
            "tasks": [
                {
                    "task": "Confirm", "optional": true, "match": format!("{issuer}/logout*"),
                    "commands": [["click", "id", "logout-confirm", "optional"]],
                },
                {"task": "Done", "match": format!("{suite}test/*/post*"), "commands": []},
            ],
        },
    ])
}

/// The `override` member, for the modules of a plan that need one. The suite knows which modules a
/// plan has; names that are none of its own do no harm.
pub(super) fn overrides(visitor: &Visitor, prefixes: &[&str]) -> Value {
    let mut all = json!({});
    for (end, visit) in VISITS {
        let names: Vec<String> = if end.starts_with('-') {
            prefixes.iter().map(|prefix| format!("{prefix}{end}")).collect()
        } else {
            vec![(*end).to_owned()]
        };
        for name in names {
            all[name] = json!({"browser": visit.browser(visitor)});
        }
    }
    all
}

impl Visit {
    fn browser(self, visitor: &Visitor) -> Value {
        let Visitor { issuer, suite, .. } = visitor;
        let authorize = format!("{issuer}/authorize*");
        let logout = format!("{issuer}/logout*");
        match self {
            Self::Refused => json!([{
                "match": authorize,
                "tasks": [
                    {
                        "task": "Login", "optional": true, "match": format!("{issuer}/login*"),
                        "commands": signs_in(visitor, &[]),
                    },
                    {
                        "task": "Consent", "optional": true, "match": format!("{issuer}/consent*"),
                        "commands": [["click", "id", "consent-allow"]],
                    },
                    {
                        "task": "Callback", "optional": true, "match": format!("{suite}test/*/callback*"),
                        "commands": [["wait", "id", "submission_complete", WAIT_S]],
                    },
                    {
                        "task": "Error page", "optional": true, "match": format!("{issuer}/*"),
                        "commands": [shows(ERROR_HEADING, "update-image-placeholder")],
                    },
                ],
            }]),
            Self::Denies => {
                let cancels = json!([["click", "id", "login-cancel"]]);
                json!([authorization(visitor, &cancels)])
            }
            Self::ComesBack => json!([
                {
                    "match": authorize, "match-limit": 1,
                    "tasks": [{
                        "task": "Look and leave", "match": format!("{issuer}/*"), "commands": [],
                    }],
                },
                authorization(visitor, &signs_in(visitor, &[])),
            ]),
            Self::SignsInAgain => {
                let shown = [shows(LOGIN_HEADING, "update-image-placeholder-optional")];
                json!([authorization(visitor, &signs_in(visitor, &shown))])
            }
            Self::AskedToSignOut => {
                let either = format!("{ERROR_HEADING}|{LOGOUT_HEADING}");
                json!([
                    authorization(visitor, &signs_in(visitor, &[])),
                    {
                        "match": logout.clone(),
                        "tasks": [{
                            "task": "Question or error", "match": logout,
                            "commands": [shows(&either, "update-image-placeholder")],
                        }],
                    },
                ])
            }
            Self::SignsOut => json!([
                authorization(visitor, &signs_in(visitor, &[])),
                {
                    "match": logout.clone(),
                    "tasks": [
                        {
                            "task": "Confirm", "optional": true, "match": logout.clone(),
                            "commands": [["click", "id", "logout-confirm", "optional"]],
                        },
                        {
                            "task": "Signed out", "match": logout,
                            "commands": [shows(DONE_HEADING, "update-image-placeholder")],
                        },
                    ],
                },
            ]),
        }
    }
}

/// Does what is said on the login page, allows on the consent page, and arrives at the client.
fn authorization(visitor: &Visitor, login: &Value) -> Value {
    let Visitor { issuer, suite, .. } = visitor;
    json!({
        "match": format!("{issuer}/authorize*"),
        "tasks": [
            {
                "task": "Login", "optional": true, "match": format!("{issuer}/login*"),
                "commands": login,
            },
            {
                "task": "Consent", "optional": true, "match": format!("{issuer}/consent*"),
                "commands": [["click", "id", "consent-allow"]],
            },
            {
                "task": "Verify complete", "match": format!("{suite}test/*/callback*"),
                "commands": [["wait", "id", "submission_complete", WAIT_S]],
            },
        ],
    })
}

/// The commands of the login page.
fn signs_in(visitor: &Visitor, before: &[Value]) -> Value {
    let mut commands = before.to_vec();
    commands.extend([
        json!(["text", "id", "login", visitor.login, "optional"]),
        json!(["text", "id", "password", visitor.password, "optional"]),
        json!(["click", "id", "login-submit"]),
    ]);
    commands.into()
}

/// Waits for a text, and does with the picture of the page what is said.
fn shows(pattern: &str, picture: &str) -> Value {
    json!(["wait", "xpath", "//*", WAIT_S, pattern, picture])
}
