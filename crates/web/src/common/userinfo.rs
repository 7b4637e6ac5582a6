//! UserInfo (OpenID Connect Core §5.3) over HTTP.

use counterfoil_engine::sender::resource::{Bearing, Scheme};
use counterfoil_engine::userinfo::UserInfo;
use counterfoil_protocol::form::Form;
use counterfoil_protocol::refusal::Refusal;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::resource;
use crate::app::{App, Ask};
use crate::edge;
use crate::reply::Reply;

/// Claims with `sub` in front, as people expect to read them.
struct SubjectFirst<'c>(&'c Map<String, Value>);

impl Serialize for SubjectFirst<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (first, rest): (Vec<_>, Vec<_>) = self.0.iter().partition(|(name, _)| *name == "sub");
        serializer.collect_map(first.into_iter().chain(rest))
    }
}

/// `GET` or `POST` with an access token in the header.
pub async fn answer(app: &App, ask: &mut Ask<'_>) -> Reply {
    let found = match resource::bearing(ask) {
        Ok(sent) => look(app, ask, sent).await,
        Err(why) => Err(why),
    };
    told(ask, found)
}

/// The same; a `POST` without one may carry it as a form (RFC 6750 §2.2). Never in the query
/// (RFC 9700 §4.3.2).
pub async fn answer_or_form(app: &App, ask: &mut Ask<'_>) -> Reply {
    let post = ask.parts.method == http::Method::POST;
    if !post || ask.by_header {
        return answer(app, ask).await;
    }
    let body = ask.body;
    let form: Form<'_> = match edge::form(&ask.parts.headers, ask.parts.uri.query(), body) {
        Ok(form) => form,
        Err(_) => return answer(app, ask).await,
    };
    let found = match form.one("access_token") {
        Ok(Some(token)) => look(app, ask, Bearing { scheme: Scheme::Bearer, token }).await,
        Ok(None) => Err(Refusal::TokenInactive),
        Err(why) => Err(why),
    };
    told(ask, found)
}

async fn look(app: &App, ask: &mut Ask<'_>, sent: Bearing<'_>) -> Result<UserInfo, Refusal> {
    let shown = ask.shown();
    app.engine.userinfo(&ask.call(), sent, &shown).await
}

fn told(ask: &mut Ask<'_>, found: Result<UserInfo, Refusal>) -> Reply {
    match found {
        Ok(UserInfo::Plain(claims)) => {
            resource::answered(Reply::json(200, &SubjectFirst(&claims)), ask)
        }
        Ok(UserInfo::Signed(message)) => {
            let mut reply = Reply::json_bytes(200, message.into_bytes());
            reply.media_type = Some("application/jwt");
            resource::answered(reply, ask)
        }
        Err(why) => resource::refused(why, ask),
    }
}
