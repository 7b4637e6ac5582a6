//! Where an app's credentials may stand: Basic, `client_id` and `client_secret`, `app_id` and
//! `app_secret`, and the `app_id` header beside them (surfaces.md 2.3).

use counterfoil_engine::client_auth::{Authorization, Presented};
use counterfoil_protocol::form::Form;
use counterfoil_protocol::refusal::Refusal;
use counterfoil_protocol::secret::same_bytes;
use http::HeaderMap;

use crate::edge;

/// The credentials of a token request.
///
/// # Errors
/// [`Refusal::ClientCredentialsConflict`] when an alias says something else.
pub(super) fn presented<'f>(
    headers: &'f HeaderMap,
    form: &'f Form<'_>,
) -> Result<Presented<'f>, Refusal> {
    let conflict = Refusal::ClientCredentialsConflict;
    let mut presented = edge::presented(headers, form)?;
    // Assertions are no credentials here; like any unknown parameter they are ignored.
    (presented.assertion, presented.assertion_type) = (None, None);
    if headers.get_all("app_id").iter().nth(1).is_some() {
        return Err(conflict);
    }
    let header = edge::header(headers, "app_id");
    for alias in [form.one("app_id")?, header] {
        match (presented.client_id, alias) {
            (Some(known), Some(alias)) if known != alias => return Err(conflict),
            (None, Some(alias)) => presented.client_id = Some(alias),
            (Some(_), Some(_)) | (_, None) => {}
        }
    }
    let alias = form.one("app_secret")?.map(edge::secret);
    match (&presented.client_secret, alias) {
        (Some(known), Some(alias)) if !same_bytes(known.expose(), alias.expose()) => {
            return Err(conflict);
        }
        (None, Some(alias)) => presented.client_secret = Some(alias),
        (Some(_), Some(_)) | (_, None) => {}
    }
    let basic = match &presented.authorization {
        Authorization::Basic(candidates) => candidates,
        Authorization::Absent | Authorization::Other => return Ok(presented),
    };
    if let Some(id) = presented.client_id
        && !basic.iter().any(|candidate| candidate.client.as_str() == id)
    {
        return Err(conflict);
    }
    Ok(presented)
}
