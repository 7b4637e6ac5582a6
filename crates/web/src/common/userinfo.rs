//! UserInfo (OpenID Connect Core §5.3) over HTTP.

use serde::Serialize;

use super::resource;
use crate::app::{App, Ask};
use crate::reply::Reply;

#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

/// `GET` or `POST` with an access token.
pub async fn answer(app: &App, ask: &mut Ask<'_>) -> Reply {
    let found = match resource::bearing(ask) {
        Ok(sent) => {
            let shown = ask.shown();
            app.engine.userinfo(&ask.call(), sent, &shown).await
        }
        Err(why) => Err(why),
    };
    match found {
        Ok(info) => {
            let reply = Reply::json(200, &Claims { sub: &info.sub, name: info.name.as_deref() });
            resource::answered(reply, ask)
        }
        Err(why) => resource::refused(why, ask),
    }
}
