//! Codes under load: approvals, redemptions and a login that were acknowledged (I1, I13).

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_jose::provider::sha256;

use crate::client::{Answer, Client};
use crate::workers::{CALLBACK, MX, RESOURCE, cookie, hidden, post_form};

/// Acknowledged codes that are looked at after each kill.
const KEPT_MAX: usize = 12;
const VERIFIER: &str = "verifier-of-the-storm-0123456789-0123456789";

/// A customer who signed in once and allows and allows.
#[derive(Default)]
pub(crate) struct Codes {
    /// The pairs of the session cookie.
    session: String,
    /// Approved, and never presented.
    waiting: VecDeque<String>,
    /// Redeemed, and what came of it.
    redeemed: VecDeque<(String, String)>,
    /// Presented, without an answer.
    open: Option<String>,
    /// What was looked at after kills.
    pub(crate) looked_at: usize,
}

impl Codes {
    /// Bob signs in; his session saves the next logins.
    pub(crate) fn begin(client: &Client) -> Self {
        let begun = client.send("GET", &authorize(), "", "").unwrap();
        let (page, jar) = (begun.header("location").unwrap(), cookie(&begun));
        let html = client.send("GET", page, &jar, "").unwrap().body;
        let form = format!("{}&login=bob&password=demo&action=submit", hidden(&html));
        let login = post_form(client, "/login", &jar, &form);
        let jar = cookie(&login);
        let pairs = jar.trim_start_matches("cookie: ").trim_end().split("; ");
        let session = pairs.filter(|pair| pair.starts_with("cf-session")).collect();
        let (waiting, redeemed) = (VecDeque::new(), VecDeque::new());
        Self { session, waiting, redeemed, open: None, looked_at: 0 }
    }

    /// One approval; `None` when the process is gone.
    fn approve(&self, client: &Client) -> Option<String> {
        let session = format!("cookie: {}\r\n", self.session);
        let begun = client.send("GET", &authorize(), &session, "")?;
        let page = begun.header("location")?;
        assert!(page.starts_with("/consent?"), "an acknowledged login is gone: {page}");
        let jar = cookie(&begun);
        let html = client.send("GET", page, &jar, "")?.body;
        let form = format!("{}&account=bob-current&action=allow", hidden(&html));
        let headers = format!("{jar}content-type: application/x-www-form-urlencoded\r\n");
        let back = client.send("POST", "/consent", &headers, &form)?;
        let code = back.header("location")?.split("code=").nth(1)?.to_owned();
        Some(code.split('&').next()?.to_owned())
    }

    /// Approves and redeems until the process is gone.
    pub(crate) fn approve_and_redeem_until(
        mut self,
        client: &Client,
        done: &Sender<()>,
        stop: &AtomicBool,
    ) -> Self {
        let mut n = 0;
        while !stop.load(Ordering::Relaxed) {
            let Some(code) = self.approve(client) else { return self };
            let _ = done.send(());
            n += 1;
            if n % 3 == 0 {
                self.waiting.push_back(code);
            } else {
                match redeem(client, &code) {
                    Some(answer) if answer.status == 200 => {
                        let token = answer.member("access_token").unwrap();
                        self.redeemed.push_back((code, token));
                        let _ = done.send(());
                    }
                    Some(answer) if answer.status == 503 => {}
                    Some(answer) => {
                        panic!("a good code was refused: {} {}", answer.status, answer.body)
                    }
                    None => {
                        self.open = Some(code);
                        return self;
                    }
                }
            }
            while self.waiting.len() > KEPT_MAX {
                self.waiting.pop_front();
            }
            while self.redeemed.len() > KEPT_MAX {
                self.redeemed.pop_front();
            }
        }
        self
    }

    /// Every acknowledged approval and redemption is what it was.
    pub(crate) fn holds(&mut self, client: &Client) -> Result<(), String> {
        let active = |token: &str| -> Result<bool, String> {
            let form = format!("token={token}");
            let answer = client.post("/introspect", RESOURCE, &form).ok_or("no answer")?;
            Ok(answer.body.contains("\"active\":true"))
        };
        let again = |code: &str| redeem(client, code).ok_or("no answer");
        for (code, token) in self.redeemed.drain(..) {
            self.looked_at += 1;
            if !active(&token)? {
                return Err("the token of an acknowledged redemption is gone".into());
            }
            let replay = again(&code)?;
            if replay.status != 400 {
                return Err(format!("a code was redeemed twice: {}", replay.body));
            }
            if active(&token)? {
                return Err("the replay of a code revoked nothing".into());
            }
        }
        for code in self.waiting.drain(..) {
            self.looked_at += 1;
            let first = again(&code)?;
            if first.status != 200 {
                return Err(format!("an acknowledged approval is gone: {}", first.body));
            }
            let second = again(&code)?;
            if second.status != 400 {
                return Err(format!("a code was redeemed twice: {}", second.body));
            }
        }
        if let Some(code) = self.open.take() {
            // Committed or not: at most one of all its redemptions gives tokens.
            self.looked_at += 1;
            let (first, second) = (again(&code)?, again(&code)?);
            if second.status != 400 {
                return Err(format!("{} and then {}: {code}", first.status, second.status));
            }
        }
        Ok(())
    }
}

fn authorize() -> String {
    let challenge = Base64UrlUnpadded::encode_string(&sha256(VERIFIER.as_bytes()));
    format!(
        "/oauth2/v4/authorize?client_id=mxrecipient&redirect_uri={CALLBACK}&response_type=code\
         &code_challenge={challenge}&code_challenge_method=S256&scope=openid+accounts"
    )
}

fn redeem(client: &Client, code: &str) -> Option<Answer> {
    let form = format!(
        "grant_type=authorization_code&code={code}&redirect_uri={CALLBACK}&code_verifier={VERIFIER}"
    );
    client.post("/oauth2/v4/token", MX, &form)
}
