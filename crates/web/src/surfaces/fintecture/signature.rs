//! The HTTP signature of a request (surfaces.md 2.7): verified when it is there, demanded where the
//! path or the client's registration says so.

use counterfoil_engine::client::Client;
use counterfoil_engine::client_auth::Further;
use counterfoil_jose::http_signature::{self, Request};
use counterfoil_protocol::form::Form;
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::refusal::Refusal;
use http::request::Parts;

use crate::edge;

/// The signature of one request, and what it is over.
pub(super) struct OfRequest<'a> {
    parts: &'a Parts,
    body: &'a [u8],
    fields: Vec<(&'a str, &'a str)>,
    required: bool,
}

impl<'a> OfRequest<'a> {
    pub(super) fn new(
        parts: &'a Parts,
        body: &'a [u8],
        form: &'a Form<'_>,
        required: bool,
    ) -> Self {
        Self { parts, body, fields: form.iter().collect(), required }
    }
}

impl Further for OfRequest<'_> {
    fn check(&self, client: &Client, now: Moment) -> Result<(), Refusal> {
        let target = self.parts.uri.path_and_query().map_or("/", |target| target.as_str());
        let header = |name: &str| edge::header(&self.parts.headers, name);
        let request = Request {
            app_id: client.id.as_str(),
            method: self.parts.method.as_str(),
            target,
            header: &header,
            body: self.body,
            fields: &self.fields,
        };
        let required = self.required || client.require_signature;
        http_signature::check(required, &request, client.verifying_keys(), now)?;
        Ok(())
    }
}
