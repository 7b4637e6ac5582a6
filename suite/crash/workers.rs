//! What runs while the process is killed, and what must hold afterwards.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_jose::provider::sha256;

use crate::client::Client;

pub(crate) const MX: &str = "mxrecipient:mxsecret";
const FIN: &str = "finapp:finsecret";
pub(crate) const RESOURCE: &str = "mxresource:mxresourcesecret";
pub(crate) const CALLBACK: &str = "http%3A%2F%2F127.0.0.1%2Fcallback";
/// Acknowledged tokens that are looked at after each kill.
const LEDGER_MAX: usize = 40;

/// One customer's grant at one client that refreshes and refreshes (I2, I13).
pub(crate) struct Chain {
    /// The newest refresh token that was acknowledged.
    newest: String,
    /// The one two steps before it: using it again is a replay.
    replayed: Option<String>,
    previous: Option<String>,
    /// The last request was not answered.
    pub(crate) unanswered: bool,
}

impl Chain {
    /// A customer signs in and consents; the code is redeemed.
    pub(crate) fn begin(client: &Client) -> Self {
        let verifier = "v".repeat(43);
        let challenge = Base64UrlUnpadded::encode_string(&sha256(verifier.as_bytes()));
        let start = format!(
            "/oauth2/v4/authorize?client_id=mxrecipient&redirect_uri={CALLBACK}&response_type=code\
             &code_challenge={challenge}&code_challenge_method=S256&scope=openid+accounts"
        );
        let begun = client.send("GET", &start, "", "").unwrap();
        let (page, cookie) = (begun.header("location").unwrap(), cookie(&begun));
        let html = client.send("GET", page, &cookie, "").unwrap().body;
        let form = format!("{}&login=ada&password=demo&action=submit", hidden(&html));
        let login = post_form(client, "/login", &cookie, &form);
        let (page, cookie) = (login.header("location").unwrap(), self::cookie(&login));
        let html = client.send("GET", page, &cookie, "").unwrap().body;
        let form = format!("{}&account=ada-current&action=allow", hidden(&html));
        let back = post_form(client, "/consent", &cookie, &form);
        let code = back.header("location").unwrap().split("code=").nth(1).unwrap();
        let code = code.split('&').next().unwrap();
        let form = format!(
            "grant_type=authorization_code&code={code}&redirect_uri={CALLBACK}&code_verifier={verifier}"
        );
        let answer = client.post("/oauth2/v4/token", MX, &form).unwrap();
        let newest = answer.member("refresh_token").unwrap();
        Self { newest, replayed: None, previous: None, unanswered: false }
    }

    fn refresh(&mut self, client: &Client) -> Result<bool, String> {
        let form = format!("grant_type=refresh_token&refresh_token={}", self.newest);
        let Some(answer) = client.post("/oauth2/v4/token", MX, &form) else { return Ok(false) };
        match answer.member("refresh_token") {
            Some(next) if answer.status == 200 => {
                self.replayed = self.previous.replace(std::mem::replace(&mut self.newest, next));
                Ok(true)
            }
            _ if answer.status == 503 => Ok(false),
            _ => Err(format!("a patient client lost its grant: {} {}", answer.status, answer.body)),
        }
    }

    /// Refreshes until the process is gone.
    pub(crate) fn refresh_until(
        mut self,
        client: &Client,
        done: &Sender<()>,
        stop: &AtomicBool,
    ) -> Self {
        self.unanswered = false;
        while !stop.load(Ordering::Relaxed) {
            match self.refresh(client) {
                Ok(true) => {
                    // Nobody counts any more once the kill has been decided.
                    let _ = done.send(());
                }
                Ok(false) => {
                    self.unanswered = true;
                    return self;
                }
                Err(why) => panic!("{why}"),
            }
        }
        self
    }

    /// What was acknowledged still works, and a request without an answer can be repeated: whatever
    /// was committed, there is one successor.
    pub(crate) fn goes_on(&mut self, client: &Client) -> Result<(), String> {
        let presented = match &self.previous {
            // The last answer arrived: its predecessor still leads to the same successor.
            Some(previous) if !self.unanswered => previous.clone(),
            Some(_) | None => self.newest.clone(),
        };
        let form = format!("grant_type=refresh_token&refresh_token={presented}");
        let successor = |answer: Option<crate::client::Answer>| {
            answer.ok_or("no answer after the restart")?.member("refresh_token").ok_or("refused")
        };
        let first = successor(client.post("/oauth2/v4/token", MX, &form))?;
        let second = successor(client.post("/oauth2/v4/token", MX, &form))?;
        if first != second {
            return Err("two successors of one refresh token".into());
        }
        if presented != self.newest && first != self.newest {
            return Err("an acknowledged successor was replaced by another".into());
        }
        let answered = self.refresh(client)?;
        if answered { Ok(()) } else { Err("no answer after the restart".into()) }
    }

    /// A replay is recognised across every kill.
    pub(crate) fn is_guarded(&self, client: &Client) -> Result<(), String> {
        let Some(old) = &self.replayed else { return Ok(()) };
        let form = format!("grant_type=refresh_token&refresh_token={old}");
        let replay = client.post("/oauth2/v4/token", MX, &form).ok_or("no answer")?;
        if replay.status != 400 {
            return Err(format!("a replay was honoured: {}", replay.body));
        }
        let form = format!("grant_type=refresh_token&refresh_token={}", self.newest);
        let after = client.post("/oauth2/v4/token", MX, &form).ok_or("no answer")?;
        if after.status == 400 { Ok(()) } else { Err("the replay revoked nothing".into()) }
    }
}

/// Tokens with a grant of their own: issued, some of them revoked (I3, I13).
#[derive(Default)]
pub(crate) struct Ledger {
    alive: VecDeque<String>,
    dead: VecDeque<String>,
}

impl Ledger {
    /// Issues and revokes until the process is gone. What was not answered is not written down.
    pub(crate) fn issue_and_revoke_until(
        mut self,
        client: &Client,
        done: &Sender<()>,
        stop: &AtomicBool,
    ) -> Self {
        let form = "grant_type=client_credentials&scope=OAC";
        let mut n = 0;
        while !stop.load(Ordering::Relaxed) {
            let issued = client.post("/oauth/accesstoken", FIN, form);
            let Some(token) = issued.and_then(|answer| answer.member("access_token")) else {
                return self;
            };
            let _ = done.send(());
            n += 1;
            if n % 3 == 0 {
                let form = format!("token={token}");
                match client.post("/revoke", FIN, &form) {
                    Some(answer) if answer.status == 200 => self.dead.push_back(token),
                    _ => return self,
                }
                let _ = done.send(());
            } else {
                self.alive.push_back(token);
            }
            for list in [&mut self.alive, &mut self.dead] {
                if list.len() > LEDGER_MAX {
                    list.pop_front();
                }
            }
        }
        self
    }

    /// Every acknowledged token is what it was.
    pub(crate) fn holds(&self, client: &Client) -> Result<(), String> {
        let active = |token: &String| -> Result<bool, String> {
            let form = format!("token={token}");
            let answer = client.post("/introspect", RESOURCE, &form).ok_or("no answer")?;
            Ok(answer.body.contains("\"active\":true"))
        };
        for token in &self.alive {
            if !active(token)? {
                return Err("an acknowledged token is gone".into());
            }
        }
        for token in &self.dead {
            if active(token)? {
                return Err("an acknowledged revocation is gone".into());
            }
        }
        Ok(())
    }
}

pub(crate) fn cookie(answer: &crate::client::Answer) -> String {
    let lines = answer.head.lines().filter_map(|line| line.strip_prefix("set-cookie: "));
    let pairs = lines.filter_map(|line| line.split(';').next());
    format!("cookie: {}\r\n", pairs.collect::<Vec<_>>().join("; "))
}

pub(crate) fn hidden(html: &str) -> String {
    let field = |name: &str| {
        let after = html.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap_or_default();
        after.split('"').next().unwrap_or_default().to_owned()
    };
    format!("interaction={}&csrf={}", field("interaction"), field("csrf"))
}

pub(crate) fn post_form(
    client: &Client,
    path: &str,
    cookie: &str,
    form: &str,
) -> crate::client::Answer {
    let headers = format!("{cookie}content-type: application/x-www-form-urlencoded\r\n");
    client.send("POST", path, &headers, form).unwrap()
}
