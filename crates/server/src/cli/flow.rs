//! `counterfoil flow`: a whole flow of one surface, every step with method, path, status and time.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::arguments::{Auth, FlowOptions, Surface};
use super::http::{Answer, Ask, Http};
use super::pasted;
use super::play::{
    OneSurface, Running, authorize_url, consent, parameter, pkce, random_text, refused,
};
use super::token::by_credentials;
use crate::failure::Failure;

pub(super) async fn run(options: FlowOptions) -> Result<(), Failure> {
    let server = Running::find(&options.state)?;
    if options.curl {
        super::out(&pasted::commands(&server, &options)?);
        return Ok(());
    }
    let surface = server.surface(options.surface);
    let mut flow = Flow { server: &server, surface, http: Http::default(), step: 0 };
    match options.surface {
        Surface::Mx => flow.mx(&options).await,
        Surface::Fintecture => flow.fintecture(&options).await,
        Surface::Worldline => flow.worldline(&options).await,
    }
}

struct Flow<'s> {
    server: &'s Running,
    surface: &'s OneSurface,
    http: Http,
    step: u32,
}

impl Flow<'_> {
    fn say(&mut self, name: &str, what: &str, answer: Option<&Answer>, remark: &str) {
        self.step += 1;
        let outcome = match answer {
            Some(answer) => format!("{} {:>3} ms", answer.status, answer.took_ms),
            None => String::new(),
        };
        super::out(&format!("{:>2} {name:11} {what:56} {outcome:11} {remark}", self.step));
    }

    /// A step that must end with this status.
    fn expect(
        &mut self,
        (name, what): (&str, &str),
        answer: Answer,
        status: u16,
        remark: &str,
    ) -> Result<Answer, Failure> {
        self.say(name, what, Some(&answer), remark);
        if answer.status == status { Ok(answer) } else { Err(refused(name, &answer)) }
    }

    async fn post(&mut self, url: &str, form: Vec<(&str, &str)>) -> Result<Answer, Failure> {
        let client = &self.surface.client;
        let ask = Ask::post(url, form).basic(&client.client_id, &client.client_secret);
        self.http.send(ask).await
    }

    async fn introspect(&mut self, token: &str, active: bool) -> Result<(), Failure> {
        let server = &self.surface.resource_server;
        let url = &self.surface.introspection_endpoint;
        let ask = Ask::post(url, vec![("token", token)]);
        let answer = self.http.send(ask.basic(&server.client_id, &server.client_secret)).await?;
        let seen = answer.body.contains("\"active\":true");
        let remark = if seen { "active" } else { "inactive" };
        let what = format!("POST {}  as {}", path(url), server.client_id);
        self.say("introspect", &what, Some(&answer), remark);
        let wanted = if active { "active" } else { "inactive" };
        if seen == active {
            Ok(())
        } else {
            Err(Failure::failed(format!("the token should be {wanted}: {}", answer.body)))
        }
    }

    /// Sends the customer through the pages: in their browser, or without one.
    async fn customer(
        &mut self,
        options: &FlowOptions,
        url: impl Fn(&str) -> String,
        what: &str,
    ) -> Result<(String, String), Failure> {
        if options.headless {
            let callback = "http://127.0.0.1/callback".to_owned();
            let start = url(&callback);
            self.say("authorize", what, None, "signing in for you");
            let (back, told) = consent(&mut self.http, self.server, &start, &options.user).await?;
            self.say("consent", &told, None, "");
            return Ok((back, callback));
        }
        let told = |e: std::io::Error| Failure::failed(format!("no loopback listener: {e}"));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(told)?;
        let port = listener.local_addr().map_err(told)?.port();
        let callback = format!("http://127.0.0.1:{port}/callback");
        let start = url(&callback);
        self.say("authorize", what, None, "waiting for your browser (--headless signs in for you)");
        eprintln!("   open {start}");
        let _ = std::process::Command::new("xdg-open").arg(&start).spawn();
        let target = arrival(&listener).await?;
        self.say("consent", "answered in the browser", None, "");
        Ok((format!("http://127.0.0.1:{port}{target}"), callback))
    }

    async fn mx(&mut self, options: &FlowOptions) -> Result<(), Failure> {
        let surface = self.surface;
        let scope = options.scope.as_deref().unwrap_or("openid accounts transactions");
        let (verifier, challenge) = pkce();
        let state = random_text();
        let endpoint = surface.authorization_endpoint.clone().unwrap_or_default();
        let url = |callback: &str| {
            authorize_url(
                &endpoint,
                &[
                    ("client_id", &surface.client.client_id),
                    ("redirect_uri", callback),
                    ("response_type", "code"),
                    ("code_challenge", &challenge),
                    ("code_challenge_method", "S256"),
                    ("scope", scope),
                    ("state", &state),
                ],
            )
        };
        let what = format!("GET  {}  S256", path(&endpoint));
        let (back, callback) = self.customer(options, url, &what).await?;
        let code = code_of(&back, Some(&state))?;

        let token = surface.token_endpoint.clone();
        let what = format!("POST {}  client_secret_basic", path(&token));
        let form = vec![
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", callback.as_str()),
            ("code_verifier", verifier.as_str()),
        ];
        let answer = self.post(&token, form).await?;
        let remark = "opaque access token (600 s), id_token";
        let first = self.expect(("token", &what), answer, 200, remark)?;
        let access = first.member("access_token").unwrap_or_default();
        let oldest = first.member("refresh_token").unwrap_or_default();
        self.introspect(&access, true).await?;

        let what = format!("POST {}", path(&token));
        let refresh = |token: &str| {
            vec![("grant_type", "refresh_token".to_owned()), ("refresh_token", token.to_owned())]
        };
        let answer = self.refresh(&token, refresh(&oldest)).await?;
        let second = self.expect(("refresh", &what), answer, 200, "new refresh token (30 days)")?;
        let newer = second.member("refresh_token").unwrap_or_default();
        let answer = self.refresh(&token, refresh(&oldest)).await?;
        let same = answer.member("refresh_token").as_deref() == Some(newer.as_str());
        let remark = "the same successor (a lost reply is no accident)";
        self.expect(
            ("retry", "the same refresh again, successor not used yet"),
            answer,
            200,
            remark,
        )?;
        if !same {
            return Err(Failure::failed("the retry gave another refresh token"));
        }
        let answer = self.refresh(&token, refresh(&newer)).await?;
        let third = self.expect(("refresh", "with the new token"), answer, 200, "")?;
        let newest = third.member("refresh_token").unwrap_or_default();
        let answer = self.refresh(&token, refresh(&oldest)).await?;
        let remark = "invalid_grant, grant revoked, event raised";
        self.expect(("replay", "the first refresh token again"), answer, 400, remark)?;
        self.introspect(&third.member("access_token").unwrap_or_default(), false).await?;
        let revoke = surface.revocation_endpoint.clone().unwrap_or_default();
        let answer = self.post(&revoke, vec![("token", newest.as_str())]).await?;
        let what = format!("POST {}", path(&revoke));
        self.expect(("revoke", &what), answer, 200, "(200 also for a dead token)")?;
        Ok(())
    }

    async fn refresh(
        &mut self,
        url: &str,
        form: Vec<(&'static str, String)>,
    ) -> Result<Answer, Failure> {
        self.post(url, form.iter().map(|(n, v)| (*n, v.as_str())).collect()).await
    }

    async fn fintecture(&mut self, options: &FlowOptions) -> Result<(), Failure> {
        let surface = self.surface;
        let token = surface.token_endpoint.clone();
        let what = format!("POST {}  scope=PIS", path(&token));
        let answer = by_credentials(&mut self.http, surface, "PIS", Auth::Secret).await?;
        self.expect(
            ("token", &what),
            answer,
            200,
            "opaque access token (3600 s), no refresh token",
        )?;

        let endpoint = surface.authorization_endpoint.clone().unwrap_or_default();
        let state = random_text();
        let url = |callback: &str| {
            authorize_url(
                &endpoint,
                &[
                    ("response_type", "code"),
                    ("app_id", &surface.client.client_id),
                    ("redirect_uri", callback),
                    ("state", &state),
                ],
            )
        };
        let what = format!("GET  {}", path(&endpoint));
        let (back, _) = self.customer(options, url, &what).await?;
        let code = code_of(&back, Some(&state))?;
        let customer = parameter(&back, "customer_id").unwrap_or_default();
        let what = format!("POST {}  scope=AIS", path(&token));
        let form =
            vec![("grant_type", "authorization_code"), ("code", code.as_str()), ("scope", "AIS")];
        let answer = self.post(&token, form).await?;
        let first = self.expect(("token", &what), answer, 200, "access and refresh token")?;
        let (old, refresh) = (
            first.member("access_token").unwrap_or_default(),
            first.member("refresh_token").unwrap_or_default(),
        );
        self.introspect(&old, true).await?;
        let url = surface.refresh_endpoint.clone().unwrap_or_default();
        let form = vec![("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
        let answer = self.post(&url, form).await?;
        let what = format!("POST {}", path(&url));
        let second = self.expect(("refresh", &what), answer, 200, "the same refresh token")?;
        self.introspect(&old, false).await?;
        let new = second.member("access_token").unwrap_or_default();
        let url = format!("{}/ais/v1/customer/{customer}", surface.issuer);
        let ask = Ask {
            method: "DELETE",
            authorization: Some(format!("Bearer {new}")),
            headers: vec![("app_id", surface.client.client_id.clone())],
            ..Ask::get(&url)
        };
        let answer = self.http.send(ask).await?;
        let what = format!("DELETE {}", path(&url));
        self.expect(("forget", &what), answer, 200, "every token of the consent is dead")?;
        self.introspect(&new, false).await
    }

    async fn worldline(&mut self, options: &FlowOptions) -> Result<(), Failure> {
        let surface = self.surface;
        let scope = options.scope.as_deref().unwrap_or("VOP WERO");
        let what = format!("POST {}", path(&surface.token_endpoint));
        let answer = by_credentials(&mut self.http, surface, scope, Auth::Secret).await?;
        let remark = "RS256 access token (300 s), by secret";
        let first = self.expect(("token", &what), answer, 200, remark)?;
        let answer = by_credentials(&mut self.http, surface, scope, Auth::Jwt).await?;
        self.expect(("token", &what), answer, 200, "by assertion, kid = SHA-1 of the certificate")?;
        let access = first.member("access_token").unwrap_or_default();
        self.introspect(&access, true).await?;
        let wider = format!("{scope} IDEAL");
        let answer = by_credentials(&mut self.http, surface, &wider, Auth::Secret).await?;
        let text = answer.member("error_description").unwrap_or_default();
        self.expect(("token", &what), answer, 400, &text)?;
        let revoke = surface.revocation_endpoint.clone().unwrap_or_default();
        let answer = self.post(&revoke, vec![("token", access.as_str())]).await?;
        let what = format!("POST {}", path(&revoke));
        self.expect(("revoke", &what), answer, 200, "")?;
        self.introspect(&access, false).await
    }
}

/// The code of a redirect, whose `state` must be ours.
fn code_of(back: &str, state: Option<&str>) -> Result<String, Failure> {
    if parameter(back, "state").as_deref() != state {
        return Err(Failure::failed("the state that came back is another"));
    }
    parameter(back, "code").ok_or_else(|| {
        let error = parameter(back, "error").unwrap_or_default();
        let text = parameter(back, "error_description").or(parameter(back, "provider_error"));
        Failure::failed(format!("no code: {error} {}", text.unwrap_or_default()))
    })
}

fn path(url: &str) -> String {
    url::Url::parse(url).map(|url| url.path().to_owned()).unwrap_or_default()
}

/// Waits for the browser to come to the callback and tells it that it may be closed.
async fn arrival(listener: &TcpListener) -> Result<String, Failure> {
    const HEAD_LEN_MAX: usize = 16 * 1024;
    let told = |e: std::io::Error| Failure::failed(format!("the browser did not arrive: {e}"));
    loop {
        let (mut stream, _) = listener.accept().await.map_err(told)?;
        let mut head = vec![0; HEAD_LEN_MAX];
        let len = stream.read(&mut head).await.map_err(told)?;
        let head = String::from_utf8_lossy(&head[..len]).into_owned();
        let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let text = "You can close this page and go back to the terminal.";
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
            text.len()
        );
        stream.write_all(answer.as_bytes()).await.map_err(told)?;
        if target.starts_with("/callback?") {
            return Ok(target);
        }
    }
}
