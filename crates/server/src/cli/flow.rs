//! `counterfoil flow`: a whole flow of one surface, every step with method, path, status and time.

use super::arguments::{Auth, FlowOptions, Kind, Vendor};
use super::customer::Customer;
use super::http::{Answer, Ask, Http};
use super::play::{
    OneSurface, Running, authorize_url, code_of, parameter, path, pkce, random_text,
};
use super::steps::Steps;
use super::token::by_credentials;
use super::{openid, pasted};
use crate::failure::Failure;

pub(super) async fn run(options: FlowOptions) -> Result<(), Failure> {
    let server = Running::find(&options.state)?;
    let vendor = match options.surface.kind() {
        Kind::OpenId(kind) => return openid::flow(&server, server.openid(kind), &options).await,
        Kind::Vendor(vendor) => vendor,
    };
    if options.auth.is_some() || options.sender.is_some() {
        let text = "--auth and --sender are for flows of standard, fapi2 and fapi2-ms";
        return Err(Failure::usage(text));
    }
    if options.curl {
        super::out(&pasted::commands(&server, vendor, &options)?);
        return Ok(());
    }
    let surface = server.vendor(vendor);
    let customer = Customer::ready(options.headless, (&options.user, &server.password)).await?;
    let (steps, http) = (Steps::default(), Http::default());
    let mut flow = Flow { surface, customer: &customer, http, steps };
    match vendor {
        Vendor::Mx => flow.mx(&options).await,
        Vendor::Fintecture => flow.fintecture().await,
        Vendor::Worldline => flow.worldline(&options).await,
    }
}

struct Flow<'s> {
    surface: &'s OneSurface,
    customer: &'s Customer<'s>,
    http: Http,
    steps: Steps,
}

impl Flow<'_> {
    /// A step that must end with this status.
    fn expect(
        &mut self,
        step: (&str, &str),
        answer: Answer,
        status: u16,
        remark: &str,
    ) -> Result<Answer, Failure> {
        self.steps.expect(step, answer, status, remark)
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
        self.steps.say("introspect", &what, Some(&answer), remark);
        let wanted = if active { "active" } else { "inactive" };
        if seen == active {
            Ok(())
        } else {
            Err(Failure::failed(format!("the token should be {wanted}: {}", answer.body)))
        }
    }

    async fn send_customer(&mut self, start: &str, what: &str) -> Result<String, Failure> {
        self.customer.visit(&mut self.steps, &mut self.http, start, what).await
    }

    async fn mx(&mut self, options: &FlowOptions) -> Result<(), Failure> {
        let surface = self.surface;
        let scope = options.scope.as_deref().unwrap_or("openid accounts transactions");
        let (verifier, challenge) = pkce();
        let state = random_text();
        let endpoint = surface.authorization_endpoint.clone().unwrap_or_default();
        let callback = self.customer.callback.as_str();
        let start = authorize_url(
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
        );
        let what = format!("GET  {}  S256", path(&endpoint));
        let back = self.send_customer(&start, &what).await?;
        let code = code_of(&back, Some(&state))?;

        let token = surface.token_endpoint.clone();
        let what = format!("POST {}  client_secret_basic", path(&token));
        let form = vec![
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", callback),
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

    async fn fintecture(&mut self) -> Result<(), Failure> {
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
        let start = authorize_url(
            &endpoint,
            &[
                ("response_type", "code"),
                ("app_id", &surface.client.client_id),
                ("redirect_uri", &self.customer.callback),
                ("state", &state),
            ],
        );
        let what = format!("GET  {}", path(&endpoint));
        let back = self.send_customer(&start, &what).await?;
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
