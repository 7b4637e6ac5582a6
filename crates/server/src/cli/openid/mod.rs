//! Playing a client of a surface that its metadata describes: OpenID Connect and FAPI 2.0.

mod discovered;
mod manner;
mod messages;
mod verified;
mod player;
mod flow;
mod pasted;

use super::arguments::{FlowOptions, Sender, TokenOptions};
use super::http::Answer;
use super::play::{OpenIdSurface, Running};
use super::steps::Steps;
use crate::failure::Failure;
use discovered::Endpoint;
use manner::Manner;
use player::Player;

/// A whole flow, or the commands that do the same.
pub(super) async fn flow(
    server: &Running,
    surface: &OpenIdSurface,
    options: &FlowOptions,
) -> Result<(), Failure> {
    let manner = Manner::of(&surface.client, options.auth, options.sender)?;
    if options.curl {
        super::out(&pasted::commands(server, surface, manner, options).await?);
        return Ok(());
    }
    flow::run(server, surface, manner, options).await
}

/// A token in the client's own name. A key that it is bound to is one of the client's own set, so that
/// it can be used.
pub(super) async fn token(
    server: &Running,
    surface: &OpenIdSurface,
    options: &TokenOptions,
) -> Result<Answer, Failure> {
    let manner = Manner::of(&surface.client, options.auth, options.sender)?;
    let steps = &mut Steps::quiet();
    let mut player = Player::begin(server, surface, manner, steps).await?;
    let bound = match manner.sender {
        Some(Sender::Dpop) => Some(player.prove_own_key()?),
        Some(Sender::Mtls) | None => None,
    };
    let default = if manner.by_secret() { "profile" } else { "accounts" };
    let scope = options.scope.as_deref().unwrap_or(default);
    let form = [("grant_type", "client_credentials"), ("scope", scope)];
    let answer = player.post(steps, Endpoint::Token, &form).await?;
    if let Some(kid) = bound.filter(|_| answer.status == 200 && !options.quiet && !options.json) {
        eprintln!(
            "counterfoil: every use of it needs a proof by the client's key {kid} (RFC 9449)"
        );
    }
    Ok(answer)
}
