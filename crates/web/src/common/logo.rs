//! The logo of a client, fetched by this server and drawn anew (attacks.md M075): the browser of a
//! customer never calls an address that a client chose, and never reads a byte that it wrote.

use bytes::Bytes;
use counterfoil_engine::client::Client;
use counterfoil_engine::store::BoxFuture;
use counterfoil_protocol::form::{encode, percent_decode};
use counterfoil_protocol::refusal::Refusal;

use crate::app::{App, Ask};
use crate::reply::{self, Reply};
use crate::ui::assets;

/// Client, and which address it had when the page was made: another address is another picture.
pub const PATH: &str = "/logo/{}/{}";
const MEDIA_TYPE: &str = "image/png";

/// Draws pictures of others.
pub trait Logos: Send + Sync {
    /// The picture at an address as PNG, small; `None` when there is none that can be drawn.
    fn logo<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Option<Bytes>>;
}

/// Draws nothing: for engines without a network.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoLogos;

impl Logos for NoLogos {
    fn logo<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Option<Bytes>> {
        Box::pin(std::future::ready(None))
    }
}

/// Where the pages of the tenant at `base` find it; `None` for a client without one.
#[must_use]
pub fn path(base: &str, client: &Client) -> Option<String> {
    let url = client.metadata.logo_uri.as_deref()?;
    Some(format!("{base}/logo/{}/{}", encode(client.id.as_str()), version(url)))
}

fn version(url: &str) -> String {
    // A client that finds a collision gains an old picture of its own.
    assets::version(url)
}

/// `GET` of the picture.
pub async fn answer(app: &App, ask: &mut Ask<'_>) -> Reply {
    let why = match drawn(app, ask).await {
        Ok(Some(body)) => {
            let (media_type, headers) = (Some(MEDIA_TYPE), vec![]);
            return Reply { status: 200, media_type, body, headers, cacheable: true };
        }
        Ok(None) => Refusal::PathUnknown,
        Err(why) => why,
    };
    ask.refused(why);
    reply::refusal(why, false, "counterfoil")
}

async fn drawn(app: &App, ask: &Ask<'_>) -> Result<Option<Bytes>, Refusal> {
    let [client, wanted] = ask.parameters;
    let Some(client) = percent_decode(client, true) else { return Ok(None) };
    let url = app.engine.logo_uri(ask.issuer, &client).await?;
    let Some(url) = url.filter(|url| version(url) == wanted) else { return Ok(None) };
    Ok(app.logos.logo(&url).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_address_is_another_picture() {
        assert_eq!(version("https://a.example/logo.png"), version("https://a.example/logo.png"));
        assert_ne!(version("https://a.example/logo.png"), version("https://a.example/logo2.png"));
        assert_eq!(version("").len(), 16);
    }
}
