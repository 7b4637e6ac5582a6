//! Those who ask: each does one thing, and writes down what it asked and what it was told.

use std::sync::atomic::{AtomicU64, Ordering};

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_jose::jws;
use counterfoil_jose::key::SigningKey;
use counterfoil_jose::provider::sha256;

use crate::history::{By, History, Said, What};
use crate::wire::{Answer, FORM, Wire};

pub(crate) const MX: &str = "mxrecipient:mxsecret";
const MX_STRANGER: &str = "mxother:mxothersecret";
const MX_RESOURCE: &str = "mxresource:mxresourcesecret";
const FIN_RESOURCE: &str = "finresource:finresourcesecret";
const WL_RESOURCE: &str = "wlresource:wlresourcesecret";
const CALLBACK: &str = "http%3A%2F%2F127.0.0.1%2Fcallback";
const SCOPE: &str = "openid accounts";
const VERIFIER: &str = "verifier-of-the-storm-0123456789-0123456789";
const TOKEN: &str = "/oauth2/v4/token";
const REALM: &str = "/auth/realms/sandbox";

/// What a server under test is asked with.
pub(crate) struct Actors<'w> {
    pub(crate) wire: &'w dyn Wire,
    pub(crate) history: &'w History,
    pub(crate) props: &'w Props,
}

/// What they carry from one start of the server to the next.
pub(crate) struct Props {
    /// The key of the Worldline client, and the kid of its certificate.
    pub(crate) key: SigningKey,
    pub(crate) kid: String,
    /// The address of the server, without a slash at the end.
    pub(crate) issuer: String,
    pub(crate) serial: AtomicU64,
}

fn said_of(answer: Option<&Answer>, good: impl FnOnce(&Answer) -> Said) -> Said {
    match answer {
        None => Said::Nothing,
        Some(answer) if answer.status == 503 || answer.status == 429 => Said::Later,
        Some(answer) if answer.status >= 400 => {
            Said::Refused(format!("{} {}", answer.status, answer.body))
        }
        Some(answer) => good(answer),
    }
}

fn tokens(answer: &Answer) -> Said {
    match answer.member("access_token") {
        Some(access) => Said::Tokens {
            access,
            refresh: answer.member("refresh_token"),
            scope: answer.member("scope"),
        },
        None => Said::Refused(answer.body.clone()),
    }
}

impl Actors<'_> {
    fn ask(
        &self,
        what: What,
        send: impl FnOnce() -> Option<Answer>,
        good: impl FnOnce(&Answer) -> Said,
    ) -> Said {
        let begin = self.history.now();
        let answer = send();
        let said = said_of(answer.as_ref(), good);
        let request = answer.as_ref().and_then(Answer::request);
        self.history.told(begin, what, (said.clone(), request));
        said
    }

    /// A customer signs in. The pairs of the session cookie, or what went wrong.
    pub(crate) fn sign_in(&self, login: &str) -> Result<String, String> {
        let gone = || "no answer".to_owned();
        let begun = self.wire.send("GET", &authorize(), "", "").ok_or_else(gone)?;
        let page = begun.header("location").ok_or_else(|| begun.body.clone())?.to_owned();
        let jar = begun.cookies();
        let html = self.wire.send("GET", &page, &jar, "").ok_or_else(gone)?.body;
        let form = format!("{}&login={login}&password=demo&action=submit", hidden(&html));
        let login = self.wire.send("POST", "/login", &format!("{jar}{FORM}"), &form);
        let jar = login.ok_or_else(gone)?.cookies();
        let pairs = jar.trim_start_matches("cookie: ").trim_end().split("; ");
        let session: String = pairs.filter(|pair| pair.starts_with("cf-session")).collect();
        if session.is_empty() { Err("the login gave no session".into()) } else { Ok(session) }
    }

    /// A customer who has signed in says yes. The code.
    pub(crate) fn approve(&self, session: &str, account: &str) -> Option<String> {
        let cookie = format!("cookie: {session}\r\n");
        let begun = self.wire.send("GET", &authorize(), &cookie, "")?;
        let page = begun.header("location")?.to_owned();
        let jar = begun.cookies();
        let html = self.wire.send("GET", &page, &jar, "")?.body;
        let form = format!("{}&account={account}&action=allow", hidden(&html));
        let headers = format!("{jar}{FORM}");
        let send = || self.wire.send("POST", "/consent", &headers, &form);
        let said = self.ask(What::Approve { scope: SCOPE.into() }, send, |back| {
            let location = back.header("location").unwrap_or_default();
            let code = location.split("code=").nth(1).and_then(|rest| rest.split('&').next());
            code.map_or(Said::Refused(location.into()), |code| Said::Code(code.into()))
        });
        if let Said::Code(code) = said { Some(code) } else { None }
    }

    pub(crate) fn redeem(&self, code: &str, by: By) -> Said {
        let (basic, verifier) = match by {
            By::Owner => (MX, VERIFIER),
            By::Stranger => (MX_STRANGER, VERIFIER),
            By::WrongVerifier => (MX, "another-verifier-0123456789-0123456789-01234"),
        };
        let form = format!(
            "grant_type=authorization_code&code={code}&redirect_uri={CALLBACK}\
             &code_verifier={verifier}"
        );
        let what = What::Redeem { code: code.into(), by };
        self.ask(what, || self.wire.post(TOKEN, basic, &form), tokens)
    }

    pub(crate) fn refresh(&self, token: &str) -> Said {
        let form = format!("grant_type=refresh_token&refresh_token={token}");
        let what = What::Refresh { token: token.into() };
        self.ask(what, || self.wire.post(TOKEN, MX, &form), tokens)
    }

    /// A token of a Fintecture client in its own name.
    pub(crate) fn issue(&self, client: &'static str) -> Said {
        let basic = credentials(client);
        let form = "grant_type=client_credentials&scope=OAC";
        let what = What::Issue { client, scope: "OAC".into() };
        self.ask(what, || self.wire.post("/oauth/accesstoken", basic, form), tokens)
    }

    /// A Worldline assertion that nobody has used.
    pub(crate) fn assertion(&self) -> String {
        let n = self.props.serial.fetch_add(1, Ordering::SeqCst);
        let (issuer, now) = (&self.props.issuer, now());
        let header = format!(r#"{{"alg":"RS256","kid":"{}","typ":"JWT"}}"#, self.props.kid);
        let claims = format!(
            r#"{{"sub":"5734699","aud":"{issuer}{REALM}","iat":{now},"exp":{},"jti":"storm-{n}"}}"#,
            now + 300
        );
        let input = jws::signing_input(header.as_bytes(), claims.as_bytes());
        let signature = self.props.key.sign(input.as_bytes()).unwrap();
        jws::finish(input, &signature)
    }

    pub(crate) fn assert(&self, assertion: &str) -> Said {
        let form = format!(
            "grant_type=client_credentials&scope=VOP&client_assertion_type=urn%3Aietf%3Aparams\
             %3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion={assertion}"
        );
        let what = What::Assert { assertion: assertion.into(), scope: "VOP".into() };
        let path = format!("{REALM}/protocol/openid-connect/token");
        self.ask(what, || self.wire.send("POST", &path, FORM, &form), tokens)
    }

    /// A client of this surface gives a token back.
    pub(crate) fn revoke(&self, token: &str, basic: &str) -> Said {
        let form = format!("token={token}");
        let what = What::Revoke { token: token.into() };
        self.ask(what, || self.wire.post("/revoke", basic, &form), |_| Said::Done)
    }

    /// A resource server asks what a token is worth.
    pub(crate) fn look(&self, token: &str, whose: Whose) -> Said {
        let form = format!("token={token}");
        let (path, basic) = match whose {
            Whose::Mx => ("/introspect".to_owned(), MX_RESOURCE),
            Whose::Fintecture => ("/introspect".to_owned(), FIN_RESOURCE),
            Whose::Worldline => {
                (format!("{REALM}/protocol/openid-connect/token/introspect"), WL_RESOURCE)
            }
        };
        let what = What::Look { token: token.into() };
        self.ask(
            what,
            || self.wire.post(&path, basic, &form),
            |answer| {
                if answer.body.contains("\"active\":true") {
                    Said::Active { scope: answer.member("scope").unwrap_or_default() }
                } else {
                    Said::Inactive
                }
            },
        )
    }
}

/// At which surface a token was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    Mx,
    Fintecture,
    Worldline,
}

pub(crate) fn credentials(client: &str) -> &'static str {
    if client == "crashapp" { "crashapp:crashsecret" } else { "finapp:finsecret" }
}

fn authorize() -> String {
    let challenge = Base64UrlUnpadded::encode_string(&sha256(VERIFIER.as_bytes()));
    format!(
        "/oauth2/v4/authorize?client_id=mxrecipient&redirect_uri={CALLBACK}&response_type=code\
         &code_challenge={challenge}&code_challenge_method=S256&scope=openid+accounts"
    )
}

fn hidden(html: &str) -> String {
    let field = |name: &str| {
        let after = html.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap_or_default();
        after.split('"').next().unwrap_or_default().to_owned()
    };
    format!("interaction={}&csrf={}", field("interaction"), field("csrf"))
}

/// Seconds since 1970: the server under test looks at the same clock.
#[expect(
    clippy::disallowed_methods,
    reason = "an assertion needs the time of the process under test"
)]
pub(crate) fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}
