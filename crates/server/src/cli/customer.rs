//! The customer's part of a flow: in their browser, or without one.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::http::{Ask, Http};
use super::play::{CALLBACK, refused};
use super::steps::Steps;
use crate::failure::Failure;

/// Pages that a customer may see on one way: the login again and again.
const PAGES_MAX: usize = 8;

/// Where the customer comes back to.
pub(super) struct Customer<'s> {
    /// Who signs in, and their password.
    who: (&'s str, &'s str),
    listener: Option<TcpListener>,
    /// The redirect URI of this flow.
    pub(super) callback: String,
}

impl<'s> Customer<'s> {
    /// A customer without a browser, or one with a browser that will come to a free port.
    pub(super) async fn ready(headless: bool, who: (&'s str, &'s str)) -> Result<Self, Failure> {
        if headless {
            return Ok(Self { who, listener: None, callback: CALLBACK.into() });
        }
        let told = |e: std::io::Error| Failure::failed(format!("no loopback listener: {e}"));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(told)?;
        let port = listener.local_addr().map_err(told)?.port();
        let callback = format!("http://127.0.0.1:{port}/callback");
        Ok(Self { who, listener: Some(listener), callback })
    }

    /// Sends them through the pages. Returns where they were sent back to.
    pub(super) async fn visit(
        &self,
        steps: &mut Steps,
        http: &mut Http,
        start: &str,
        what: &str,
    ) -> Result<String, Failure> {
        let Some(listener) = &self.listener else {
            steps.say("authorize", what, None, "signing in for you");
            let (back, told) = consent(http, start, self.who).await?;
            steps.say("consent", &told, None, "");
            return Ok(back);
        };
        let remark = "waiting for your browser (--headless signs in for you)";
        steps.say("authorize", what, None, remark);
        eprintln!("   open {start}");
        let _ = std::process::Command::new("xdg-open").arg(start).spawn();
        let target = arrival(listener).await?;
        steps.say("consent", "answered in the browser", None, "");
        let origin = self.callback.trim_end_matches("/callback");
        Ok(format!("{origin}{target}"))
    }
}

/// Signs in and consents for the customer, as their browser would. Returns where it was sent and
/// how many accounts were chosen of how many.
pub(super) async fn consent(
    http: &mut Http,
    start: &str,
    (user, password): (&str, &str),
) -> Result<(String, String), Failure> {
    let origin = url::Url::parse(start).map(|url| url.origin().ascii_serialization());
    let origin = origin.map_err(|_| Failure::failed(format!("{start} is no address")))?;
    let absolute =
        |to: &str| if to.starts_with('/') { format!("{origin}{to}") } else { to.to_owned() };
    let mut at = start.to_owned();
    let mut told = String::from("no page was shown");
    for _ in 0..PAGES_MAX {
        let answer = http.send(Ask::get(&at)).await?;
        if let Some(to) = answer.location() {
            let to = absolute(to);
            if !to.starts_with(&origin) {
                return Ok((to, told));
            }
            at = to;
            continue;
        }
        if answer.status != 200 {
            return Err(refused("the authorization", &answer));
        }
        let page = Page(&answer.body);
        let (interaction, csrf) = (page.field("interaction"), page.field("csrf"));
        let mut form = vec![("interaction", interaction.as_str()), ("csrf", csrf.as_str())];
        let accounts = page.accounts();
        let login = answer.body.contains("id=\"login-submit\"");
        if login {
            told = format!("{user} signed in, and had allowed it before");
            form.extend([("login", user), ("password", password)]);
            form.push(("action", "submit"));
        } else if answer.body.contains("id=\"consent-allow\"") {
            form.extend(accounts.first().map(|account| ("account", account.as_str())));
            form.push(("action", "allow"));
            told = match accounts.len() {
                0 => format!("{user} allowed it"),
                of => format!("{user} chose 1 of {of} accounts"),
            };
        } else {
            form.push(("action", "deny"));
            told = format!("{user} has nothing to share");
        }
        let to = at.split('?').next().unwrap_or(&at).to_owned();
        let posted = http.send(Ask::post(&to, form)).await?;
        match posted.location().map(absolute) {
            Some(to) if to.starts_with(&origin) => at = to,
            Some(to) => return Ok((to, told)),
            None if posted.body.contains("id=\"login-submit\"") => {
                return Err(Failure::failed(format!("{user} could not sign in")));
            }
            None => return Err(refused("the consent", &posted)),
        }
    }
    Err(Failure::failed("the pages led in a circle"))
}

/// One of our own pages.
struct Page<'a>(&'a str);

impl Page<'_> {
    /// The value of a hidden field.
    fn field(&self, name: &str) -> String {
        let marked = format!("name=\"{name}\" value=\"");
        let after = self.0.split(&marked).nth(1).unwrap_or_default();
        after.split('"').next().unwrap_or_default().to_owned()
    }

    /// The accounts that can be chosen.
    fn accounts(&self) -> Vec<String> {
        let boxes = self.0.split("name=\"account\" value=\"").skip(1);
        boxes.filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
    }
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
