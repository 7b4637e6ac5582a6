//! Who may register clients at a tenant, from its file.

use std::path::Path;

use counterfoil_engine::keys::{Issuer, KeyFile};
use counterfoil_engine::tenant::{RegistrationPolicy, Tenant};
use counterfoil_protocol::secret::Secret;

use super::Place;
use super::file::TenantFile;
use crate::failure::Failure;
use crate::nearest::nearest;

/// Shorter ones could be guessed: 128 bits as hexadecimal digits.
const TOKEN_LEN_MIN: usize = 32;

/// The policy of a tenant, if its file has one. `base` is the address of the server.
pub(super) fn policy(
    file: &TenantFile,
    tenant: &Tenant,
    (base, keys): (&str, &KeyFile),
    place: Place<'_>,
) -> Result<Option<RegistrationPolicy>, Failure> {
    let Some(wanted) = &file.registration else { return Ok(None) };
    let surface = wanted.surface.get_ref().as_str();
    if tenant.surface(surface).is_none() {
        let served = || tenant.surfaces.iter().map(|surface| &*surface.name);
        let meant = match nearest(surface, served()) {
            Some(meant) => format!(", did you mean \"{meant}\"?"),
            None => format!("; it serves: {}", served().collect::<Vec<_>>().join(", ")),
        };
        let what = format!("tenant \"{}\" does not serve \"{surface}\"{meant}", tenant.id);
        return Err(place.at(wanted.surface.span().start, &what));
    }
    let token = match (&wanted.initial_access_token, &wanted.initial_access_token_file) {
        (None, None) => None,
        (Some(text), None) => Some((text.get_ref().clone(), text.span().start)),
        (None, Some(path)) => {
            let beside = place.path.parent().unwrap_or(Path::new("."));
            let read = std::fs::read_to_string(beside.join(path.get_ref()));
            let at = path.span().start;
            let told = |e| place.at(at, &format!("{}: {e}", path.get_ref().display()));
            Some((read.map_err(told)?.trim_end_matches(['\r', '\n']).to_owned(), at))
        }
        (Some(_), Some(path)) => {
            let what = "set initial_access_token or initial_access_token_file, not both";
            return Err(place.at(path.span().start, what));
        }
    };
    let digest = match token {
        None => None,
        Some((token, at)) if token.len() < TOKEN_LEN_MIN => {
            let what = format!(
                "an initial access token of {} characters can be guessed; take {TOKEN_LEN_MIN} or \
                 more",
                token.len()
            );
            return Err(place.at(at, &what));
        }
        Some((token, _)) => {
            let issuer = Issuer::new(tenant.clone(), base, vec![], keys);
            Some(issuer.secret_digest(&Secret::new(token.into_bytes())))
        }
    };
    Ok(Some(RegistrationPolicy { surface: surface.into(), initial_access_token: digest }))
}
