//! The browser of a customer: cookies, pages, forms. Plays the flows that a client needs to come by a
//! code.

use crate::wire::{Answer, Ask, encoded, parameter};
use crate::world::{BASE, World};

/// 43 characters, and their S256.
pub(crate) const VERIFIER: &str = "verifier-of-the-tables-0123456789abcdefghij";
pub(crate) const CALLBACK: &str = "http://127.0.0.1/callback";

pub(crate) fn challenge() -> String {
    challenge_of(VERIFIER)
}

pub(crate) fn challenge_of(verifier: &str) -> String {
    let digest = counterfoil_jose::provider::sha256(verifier.as_bytes());
    <base64ct::Base64UrlUnpadded as base64ct::Encoding>::encode_string(&digest)
}

/// See the module.
pub(crate) struct Browser<'w> {
    world: &'w World,
    cookies: Vec<(String, String)>,
    pub(crate) secure: bool,
}

impl<'w> Browser<'w> {
    pub(crate) fn new(world: &'w World) -> Self {
        Self { world, cookies: vec![], secure: false }
    }

    /// Sends a request with the cookies, and keeps the new ones.
    pub(crate) fn send(&mut self, ask: Ask) -> Answer {
        let mut ask = ask.with("accept", "text/html");
        ask.secure = self.secure;
        if !self.cookies.is_empty() {
            let all = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
            ask = ask.with("cookie", &all.collect::<Vec<_>>().join("; "));
        }
        let answer = self.world.send(ask);
        for line in answer.headers.get_all("set-cookie") {
            let line = line.to_str().unwrap();
            let (pair, attributes) = line.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !attributes.contains("Max-Age=0") {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        answer
    }

    pub(crate) fn cookies(&self) -> &[(String, String)] {
        &self.cookies
    }

    pub(crate) fn plant(&mut self, cookies: &[(String, String)]) {
        self.cookies.extend_from_slice(cookies);
    }

    /// Follows redirects on this server to a page, or to where the client waits.
    pub(crate) fn open(&mut self, target: &str) -> Answer {
        let mut answer = self.send(Ask::get(target));
        while let Some(next) = answer.header("location").and_then(here) {
            answer = self.send(Ask::get(&next));
        }
        answer
    }

    /// Sends the form of a page with these fields besides the hidden ones.
    pub(crate) fn submit(&mut self, page: &Answer, fields: &[(&str, &str)]) -> Answer {
        let form = Page(page.text());
        let (action, interaction, csrf) =
            (form.action(), form.field("interaction"), form.field("csrf"));
        let mut pairs = vec![("interaction", &*interaction), ("csrf", &*csrf)];
        pairs.extend_from_slice(fields);
        let mut answer = self.send(Ask::form(&action, &pairs));
        while let Some(next) = answer.header("location").and_then(here) {
            answer = self.send(Ask::get(&next));
        }
        answer
    }

    /// Signs in on the login page.
    pub(crate) fn sign_in(&mut self, page: &Answer, login: &str) -> Answer {
        let fields = [("login", login), ("password", "demo"), ("action", "submit")];
        self.submit(page, &fields)
    }

    /// Allows the first account on the consent page, or what there is to allow without one.
    pub(crate) fn allow(&mut self, page: &Answer) -> Answer {
        let account = Page(page.text()).accounts().into_iter().next();
        let mut fields = vec![("action", "allow")];
        fields.extend(account.as_deref().map(|account| ("account", account)));
        self.submit(page, &fields)
    }

    /// The whole way, whatever page comes; ends where the client waits.
    pub(crate) fn consent(&mut self, target: &str, login: &str) -> Answer {
        let mut page = self.open(target);
        if page.status == 200 && page.text().contains("id=\"login-submit\"") {
            page = self.sign_in(&page, login);
        }
        if page.status == 200 && page.text().contains("id=\"consent-allow\"") {
            page = self.allow(&page);
        }
        page
    }
}

/// The path of a redirect that stays on this server.
fn here(location: &str) -> Option<String> {
    let path = location.strip_prefix(BASE).unwrap_or(location);
    path.starts_with('/').then(|| path.to_owned())
}

/// A page of ours.
pub(crate) struct Page<'a>(pub(crate) &'a str);

impl Page<'_> {
    fn between(&self, front: &str) -> Option<String> {
        let after = self.0.split(front).nth(1)?;
        Some(after.split('"').next()?.to_owned())
    }

    pub(crate) fn field(&self, name: &str) -> String {
        self.between(&format!("name=\"{name}\" value=\"")).unwrap_or_default()
    }

    /// Of the last form: the one in the header switches the customer.
    pub(crate) fn action(&self) -> String {
        let (_, after) = self.0.rsplit_once("method=\"post\" action=\"").unwrap();
        after.split('"').next().unwrap().to_owned()
    }

    pub(crate) fn accounts(&self) -> Vec<String> {
        let boxes = self.0.split("name=\"account\" value=\"").skip(1);
        boxes.filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
    }
}

/// The credentials of a client of the tables.
#[derive(Clone, Copy, Debug)]
pub(crate) struct App {
    pub(crate) id: &'static str,
    pub(crate) secret: &'static str,
    /// Where its tenant stands.
    pub(crate) base: &'static str,
}

pub(crate) const MX: App = App { id: "mxrecipient", secret: "mxsecret", base: "" };
pub(crate) const MX_OTHER: App = App { id: "mxother", secret: "othersecret", base: "" };
pub(crate) const MX_ONCE: App = App { id: "mxonce", secret: "oncesecret", base: "" };
pub(crate) const MX_STRICT: App = App { id: "mxstrict", secret: "strictsecret", base: "/o/strict" };
pub(crate) const FIN: App = App { id: "finapp", secret: "finsecret", base: "" };
pub(crate) const FIN_OTHER: App = App { id: "finother", secret: "othersecret", base: "" };
pub(crate) const FIN_PLAIN: App = App { id: "finplain", secret: "plainsecret", base: "/o/plain" };

/// What an MX client is given.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Tokens {
    pub(crate) fn of(answer: &Answer) -> Self {
        Self { access: answer.member("access_token"), refresh: answer.member("refresh_token") }
    }
}

impl App {
    /// A form to a path of its tenant, with its credentials in the header.
    pub(crate) fn ask(&self, path: &str, pairs: &[(&str, &str)]) -> Ask {
        Ask::form(&format!("{}{path}", self.base), pairs).basic(self.id, self.secret)
    }

    /// An MX authorization request.
    pub(crate) fn mx_authorize(&self, scope: &str, more: &[(&str, &str)]) -> String {
        let challenge = challenge();
        let mut pairs = vec![
            ("client_id", self.id),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("scope", scope),
        ];
        pairs.extend_from_slice(more);
        format!("{}/oauth2/v4/authorize?{}", self.base, encoded(&pairs))
    }

    /// An MX code of ada's, for all scopes that this client has.
    pub(crate) fn mx_code(&self, world: &World) -> String {
        self.mx_code_for(world, "openid accounts", "ada")
    }

    pub(crate) fn mx_code_for(&self, world: &World, scope: &str, login: &str) -> String {
        let back = Browser::new(world).consent(&self.mx_authorize(scope, &[]), login);
        back.parameter("code").unwrap_or_else(|| panic!("no code: {}", back.location()))
    }

    /// A redemption of an MX code.
    pub(crate) fn mx_redeem(&self, code: &str) -> Ask {
        let pairs = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        self.ask("/oauth2/v4/token", &pairs)
    }

    pub(crate) fn mx_refresh(&self, token: &str) -> Ask {
        let pairs = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.ask("/oauth2/v4/token", &pairs)
    }

    pub(crate) fn mx_tokens(&self, world: &World) -> Tokens {
        let code = self.mx_code(world);
        Tokens::of(&world.send(self.mx_redeem(&code)).expect(200))
    }

    /// A Fintecture authorization request.
    pub(crate) fn fin_authorize(&self, more: &[(&str, &str)]) -> String {
        let mut pairs =
            vec![("response_type", "code"), ("app_id", self.id), ("redirect_uri", CALLBACK)];
        pairs.extend_from_slice(more);
        format!("{}/oauth/token/authorize?{}", self.base, encoded(&pairs))
    }

    /// Where a customer is sent back to, with an AIS code.
    pub(crate) fn fin_back(&self, world: &World) -> Answer {
        Browser::new(world).consent(&self.fin_authorize(&[("state", "1234")]), "ada")
    }

    pub(crate) fn fin_code(&self, world: &World) -> String {
        let back = self.fin_back(world);
        parameter(back.location(), "code").unwrap_or_else(|| panic!("{}", back.location()))
    }

    pub(crate) fn fin_redeem(&self, code: &str) -> Ask {
        let pairs = [("grant_type", "authorization_code"), ("code", code), ("scope", "AIS")];
        self.ask("/oauth/accesstoken", &pairs)
    }

    pub(crate) fn fin_refresh(&self, token: &str) -> Ask {
        let pairs = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.ask("/oauth/refreshtoken", &pairs)
    }

    pub(crate) fn fin_tokens(&self, world: &World) -> Tokens {
        let code = self.fin_code(world);
        Tokens::of(&world.send(self.fin_redeem(&code)).expect(200))
    }

    /// A token in its own name.
    pub(crate) fn fin_own(&self, scope: &str) -> Ask {
        let pairs = [("grant_type", "client_credentials"), ("scope", scope)];
        self.ask("/oauth/accesstoken", &pairs)
    }
}
