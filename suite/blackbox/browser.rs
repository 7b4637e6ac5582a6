//! The customer's browser against the running server: cookies, forms, redirects.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_jose::provider::sha256;

use crate::server::{FORM, Server};
use crate::wire::Answer;

/// A code verifier.
pub(crate) const VERIFIER: &str = "verifier-of-the-black-box-0123456789-abcdef";
const CALLBACK: &str = "http%3A%2F%2F127.0.0.1%2Fcallback";

pub(crate) fn challenge() -> String {
    Base64UrlUnpadded::encode_string(&sha256(VERIFIER.as_bytes()))
}

/// An MX authorization request.
pub(crate) fn mx_authorize(client: &str) -> String {
    format!(
        "/oauth2/v4/authorize?client_id={client}&redirect_uri={CALLBACK}&response_type=code\
         &code_challenge={}&code_challenge_method=S256&scope=openid+accounts",
        challenge()
    )
}

/// A Fintecture authorization request.
pub(crate) fn fin_authorize(app: &str) -> String {
    format!(
        "/oauth/token/authorize?response_type=code&app_id={app}&redirect_uri={CALLBACK}&state=s"
    )
}

/// See the module.
pub(crate) struct Browser<'s> {
    server: &'s Server,
    pub(crate) cookies: Vec<(String, String)>,
}

impl<'s> Browser<'s> {
    pub(crate) fn new(server: &'s Server) -> Self {
        Self { server, cookies: vec![] }
    }

    pub(crate) fn send(&mut self, method: &str, target: &str, body: &str) -> Answer {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let mut headers = vec![("accept", "text/html"), ("content-type", FORM)];
        if !cookies.is_empty() {
            headers.push(("cookie", &*cookies));
        }
        let answer = self.server.ask(method, target, &headers, body.as_bytes());
        let lines = answer.headers.iter().filter(|(name, _)| name == "set-cookie");
        for (_, line) in lines {
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
        answer
    }

    /// Opens a page, following redirects on the server.
    pub(crate) fn open(&mut self, target: &str) -> Answer {
        let mut answer = self.send("GET", target, "");
        while let Some(next) = answer.header("location").filter(|to| to.starts_with('/')) {
            let next = next.to_owned();
            answer = self.send("GET", &next, "");
        }
        answer
    }

    /// Sends the last form of a page.
    pub(crate) fn submit(&mut self, page: &Answer, fields: &str) -> Answer {
        let html = page.text();
        let (_, form) = html.rsplit_once("method=\"post\" action=\"").unwrap();
        let action = form.split('"').next().unwrap().to_owned();
        let body = format!("{}&{fields}", hidden(&html));
        let mut answer = self.send("POST", &action, &body);
        while let Some(next) = answer.header("location").filter(|to| to.starts_with('/')) {
            let next = next.to_owned();
            answer = self.send("GET", &next, "");
        }
        answer
    }

    /// Signs in as ada and allows the first account.
    pub(crate) fn consent(&mut self, target: &str) -> Answer {
        let mut page = self.open(target);
        if page.text().contains("id=\"login-submit\"") {
            page = self.submit(&page, "login=ada&password=demo&action=submit");
        }
        assert!(page.text().contains("id=\"consent-allow\""), "{}", page.text());
        self.submit(&page, "account=ada-current&action=allow").expect(303)
    }
}

pub(crate) fn field(html: &str, name: &str) -> String {
    let after = html.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap_or_default();
    after.split('"').next().unwrap_or_default().to_owned()
}

fn hidden(html: &str) -> String {
    format!("interaction={}&csrf={}", field(html, "interaction"), field(html, "csrf"))
}

/// A code of ada's for an MX client.
pub(crate) fn mx_code(server: &Server, credentials: &str) -> String {
    let client = credentials.split(':').next().unwrap();
    Browser::new(server).consent(&mx_authorize(client)).parameter("code").unwrap()
}

pub(crate) fn mx_redeem(server: &Server, credentials: &str, code: &str) -> Answer {
    let body = format!(
        "grant_type=authorization_code&code={code}&redirect_uri={CALLBACK}&code_verifier={VERIFIER}"
    );
    server.form("/oauth2/v4/token", credentials, &body)
}

pub(crate) fn mx_refresh(server: &Server, credentials: &str, token: &str) -> Answer {
    let body = format!("grant_type=refresh_token&refresh_token={token}");
    server.form("/oauth2/v4/token", credentials, &body)
}

/// Access and refresh token of ada's for an MX client.
pub(crate) fn mx_tokens(server: &Server, credentials: &str) -> (String, String) {
    let code = mx_code(server, credentials);
    let answer = mx_redeem(server, credentials, &code).expect(200);
    (answer.member("access_token"), answer.member("refresh_token"))
}

pub(crate) fn fin_code(server: &Server, credentials: &str) -> String {
    let app = credentials.split(':').next().unwrap();
    Browser::new(server).consent(&fin_authorize(app)).parameter("code").unwrap()
}

pub(crate) fn fin_redeem(server: &Server, credentials: &str, code: &str) -> Answer {
    let body = format!("grant_type=authorization_code&code={code}&scope=AIS");
    server.form("/oauth/accesstoken", credentials, &body)
}

pub(crate) fn fin_refresh(server: &Server, credentials: &str, token: &str) -> Answer {
    let body = format!("grant_type=refresh_token&refresh_token={token}");
    server.form("/oauth/refreshtoken", credentials, &body)
}
