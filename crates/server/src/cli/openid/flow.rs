//! The flow itself: from the request to a token that is dead, every answer checked.

use counterfoil_protocol::scope::ScopeSet;
use serde_json::Value;

use super::discovered::Endpoint;
use super::manner::Manner;
use super::player::Player;
use super::verified::ID_TOKEN;
use crate::cli::arguments::{FlowOptions, Sender};
use crate::cli::customer::Customer;
use crate::cli::http::{Answer, Ask};
use crate::cli::play::{
    OpenIdSurface, Running, authorize_url, code_of, parameter, path, pkce, random_text,
};
use crate::cli::steps::Steps;
use crate::failure::Failure;

/// What a resource server asks for to have the answer as evidence (RFC 9701 §4).
const SIGNED_INTROSPECTION: &str = "application/token-introspection+jwt";

pub(super) async fn run(
    running: &Running,
    surface: &OpenIdSurface,
    manner: Manner,
    options: &FlowOptions,
) -> Result<(), Failure> {
    let mut steps = Steps::default();
    let player = Player::begin(running, surface, manner, &mut steps).await?;
    let who = (options.user.as_str(), running.password.as_str());
    let customer = Customer::ready(options.headless, who).await?;
    let default = if manner.by_secret() { "openid profile" } else { "openid accounts" };
    let scope = options.scope.as_deref().unwrap_or(default);
    let flow = Flow { surface, player, steps, customer };
    flow.run(scope).await
}

struct Flow<'s> {
    surface: &'s OpenIdSurface,
    player: Player<'s>,
    steps: Steps,
    customer: Customer<'s>,
}

/// What only this request and its answer know.
struct Secrets {
    verifier: String,
    challenge: String,
    state: String,
    nonce: String,
}

impl Secrets {
    fn draw() -> Self {
        let (verifier, challenge) = pkce();
        Self { verifier, challenge, state: random_text(), nonce: random_text() }
    }
}

impl Flow<'_> {
    async fn run(mut self, scope: &str) -> Result<(), Failure> {
        let secrets = Secrets::draw();
        let code = self.code(scope, &secrets).await?;
        let (form, refresh);
        let redirect_uri = self.customer.callback.clone();
        form = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", redirect_uri.as_str()),
            ("code_verifier", secrets.verifier.as_str()),
        ];
        let first = self.post("token", Endpoint::Token, &form, token_remark).await?;
        let access = text(&first, "access_token")?;
        self.login(&first, scope, &secrets).await?;
        self.resource(&access, true, 200, "").await?;
        if self.player.manner.sender.is_some() {
            self.resource(&access, false, 401, "in the hands of somebody else").await?;
        }
        let old = text(&first, "refresh_token")?;
        refresh = [("grant_type", "refresh_token"), ("refresh_token", old.as_str())];
        let remark = |answer: &Answer| {
            let same = answer.member("refresh_token").as_deref() == Some(old.as_str());
            let which =
                if same { "the same refresh token: none rotates" } else { "a new refresh token" };
            which.to_owned()
        };
        let second = self.post("refresh", Endpoint::Token, &refresh, remark).await?;
        let access = text(&second, "access_token")?;
        self.introspect(&access, true).await?;
        let newest = text(&second, "refresh_token")?;
        let form = [("token", newest.as_str())];
        let remark = |_: &Answer| "the refresh token, and with it the grant".to_owned();
        self.post("revoke", Endpoint::Revocation, &form, remark).await?;
        self.resource(&access, true, 401, "the access token has gone with it").await?;
        self.introspect(&access, false).await
    }

    /// From the request to the code: pushed where the server demands that, signed where it demands that.
    async fn code(&mut self, scope: &str, secrets: &Secrets) -> Result<String, Failure> {
        let player = &self.player;
        let (id, endpoint) = (player.id(), player.server.authorization_endpoint.clone());
        let callback = self.customer.callback.clone();
        let mut parameters = vec![
            ("client_id", id),
            ("redirect_uri", callback.as_str()),
            ("response_type", "code"),
            ("scope", scope),
            ("state", secrets.state.as_str()),
            ("nonce", secrets.nonce.as_str()),
            ("code_challenge", secrets.challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        let mut what = format!("GET  {}  S256", path(&endpoint));
        let (object, request_uri);
        if player.server.require_signed_request_object {
            object = player.signing()?.request_object(player.parties(), &parameters, 0)?;
            parameters = vec![("client_id", id), ("request", object.as_str())];
        }
        if player.server.require_pushed_authorization_requests {
            request_uri = self.push(&parameters).await?;
            parameters = vec![("client_id", id), ("request_uri", request_uri.as_str())];
            what = format!("GET  {}  request_uri", path(&endpoint));
        }
        let start = authorize_url(&endpoint, &parameters);
        let http = &mut self.player.http;
        let back = self.customer.visit(&mut self.steps, http, &start, &what).await?;
        self.answered(&back, secrets)
    }

    async fn push(&mut self, parameters: &[(&str, &str)]) -> Result<String, Failure> {
        if self.player.manner.sender == Some(Sender::Dpop) {
            self.player.with_an_old_nonce();
        }
        let answer = self.player.post(&mut self.steps, Endpoint::Par, parameters).await?;
        let form = if self.player.server.require_signed_request_object {
            "a signed request object"
        } else {
            "S256"
        };
        let remark = format!("request_uri, {form}");
        let what = self.player.told(Endpoint::Par);
        let answer = self.steps.expect(("par", &what), answer, 201, &remark)?;
        text(&answer, "request_uri")
    }

    /// The code of an answer that is from this server, for this client, to this request.
    fn answered(&mut self, back: &str, secrets: &Secrets) -> Result<String, Failure> {
        const WHAT: &str = "the response";
        let player = &self.player;
        let Some(response) = parameter(back, "response") else {
            if parameter(back, "iss").as_deref() != Some(&*player.server.issuer) {
                return Err(Failure::failed("the iss that came back is another"));
            }
            let code = code_of(back, Some(&secrets.state))?;
            self.steps.say("answer", "code, state and iss are right", None, "");
            return Ok(code);
        };
        let message = player.keys.open(WHAT, &response)?;
        message.is_between(WHAT, player.parties())?;
        message.is_fresh(WHAT)?;
        let pairs = ["code", "state", "error", "error_description"]
            .map(|name| message.text(name).map(|value| (name, value)));
        let pairs: Vec<(&str, &str)> = pairs.into_iter().flatten().collect();
        let code = code_of(&authorize_url(&self.customer.callback, &pairs), Some(&secrets.state))?;
        let alg = message.alg;
        let told = format!("JARM, signed with {alg}: iss, aud, exp and state are right");
        self.steps.say("answer", &told, None, "");
        Ok(code)
    }

    /// Who signed in, where the scope says that this is wanted.
    async fn login(
        &mut self,
        tokens: &Answer,
        scope: &str,
        secrets: &Secrets,
    ) -> Result<(), Failure> {
        if !ScopeSet::parse(scope).is_ok_and(|scope| scope.contains("openid")) {
            return Ok(());
        }
        let access = text(tokens, "access_token")?;
        let message = self.player.keys.open(ID_TOKEN, &text(tokens, "id_token")?)?;
        message.is_login(self.player.parties(), &secrets.nonce, &access)?;
        let told = format!("signed with {}: iss, aud, exp, nonce, at_hash are right", message.alg);
        self.steps.say("id_token", &told, None, "");
        let by_certificate = self.player.manner.by_certificate(Endpoint::UserInfo);
        let url = self.player.server.url(Endpoint::UserInfo, by_certificate).to_owned();
        let answer = self.player.get(&mut self.steps, &url, &access, true).await?;
        let (sub, told) = (message.text("sub").map(str::to_owned), answer.member("sub"));
        let what = format!("GET  {}", path(&url));
        self.steps.expect(("userinfo", &what), answer, 200, "sub is that of the ID token")?;
        let same = sub.is_some() && sub == told;
        same.then_some(()).ok_or_else(|| Failure::failed("userinfo is about somebody else"))
    }

    async fn resource(
        &mut self,
        token: &str,
        proven: bool,
        status: u16,
        remark: &str,
    ) -> Result<(), Failure> {
        let url = self.player.resource(!proven);
        let answer = self.player.get(&mut self.steps, &url, token, proven).await?;
        let what = format!("GET  {}", path(&url));
        let told = match (status, answer.member("scope")) {
            (200, Some(scope)) => format!("scope {scope}"),
            _ => remark.to_owned(),
        };
        self.steps.expect(("resource", &what), answer, status, &told).map(|_| ())
    }

    /// What the resource server is told; signed, where the surface signs what it says.
    async fn introspect(&mut self, token: &str, active: bool) -> Result<(), Failure> {
        const WHAT: &str = "the introspection";
        let (url, server) =
            (self.player.server.introspection_endpoint.clone(), &self.surface.resource_server);
        let mut ask = Ask::post(&url, vec![("token", token)]);
        let evidence = self.player.server.require_signed_request_object;
        if evidence {
            ask.headers.push(("accept", SIGNED_INTROSPECTION.to_owned()));
        }
        let ask = ask.basic(&server.client_id, &server.client_secret);
        let answer = self.player.http.send(ask).await?;
        let (told, signed) = if evidence && answer.status == 200 {
            let message = self.player.keys.open(WHAT, &answer.body)?;
            let parties = super::messages::Parties {
                client: &server.client_id,
                issuer: &self.player.server.issuer,
            };
            message.is_between(WHAT, parties)?;
            if message.typ.as_deref() != SIGNED_INTROSPECTION.strip_prefix("application/") {
                return Err(Failure::failed(format!("{WHAT}: its typ is another")));
            }
            let told = message.claims.get("token_introspection").cloned().unwrap_or_default();
            (told, format!(", signed with {}", message.alg))
        } else {
            (serde_json::from_str(&answer.body).unwrap_or_default(), String::new())
        };
        let seen = told.get("active") == Some(&Value::Bool(true));
        let bound = told.get("cnf").and_then(Value::as_object).and_then(|cnf| cnf.keys().next());
        let bound = bound.map(|name| format!(", bound by {name}")).unwrap_or_default();
        let remark = format!("{}{bound}{signed}", if seen { "active" } else { "inactive" });
        let what = format!("POST {}  as {}", path(&url), server.client_id);
        let answer = self.steps.expect(("introspect", &what), answer, 200, &remark)?;
        if seen == active {
            return Ok(());
        }
        let wanted = if active { "active" } else { "inactive" };
        Err(Failure::failed(format!("the token should be {wanted}: {}", answer.body)))
    }

    /// A step at an endpoint of the client's, with what is said of a good answer.
    async fn post(
        &mut self,
        name: &str,
        endpoint: Endpoint,
        form: &[(&str, &str)],
        remark: impl Fn(&Answer) -> String,
    ) -> Result<Answer, Failure> {
        let answer = self.player.post(&mut self.steps, endpoint, form).await?;
        let what = self.player.told(endpoint);
        let remark = if answer.status == 200 { remark(&answer) } else { String::new() };
        self.steps.expect((name, &what), answer, 200, &remark)
    }
}

/// What an answer holds.
fn token_remark(answer: &Answer) -> String {
    let kind = answer.member("token_type").unwrap_or_default();
    let more =
        ["refresh_token", "id_token"].into_iter().filter(|name| answer.member(name).is_some());
    let all: Vec<&str> = std::iter::once("access_token").chain(more).collect();
    format!("{} ({kind})", all.join(", "))
}

fn text(answer: &Answer, name: &str) -> Result<String, Failure> {
    answer.member(name).ok_or_else(|| Failure::failed(format!("the answer has no {name}")))
}
