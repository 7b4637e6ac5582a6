//! The forms of authorization details, for whoever writes them: a JSON schema for each type of the surface.

use counterfoil_engine::details::types::named;
use counterfoil_protocol::refusal::Refusal;

use crate::app::Ask;
use crate::reply::Reply;

/// Below the tenant; the name of the type stands for `{}`.
pub(crate) const PATH: &str = "/authorization-details/{}";

/// `GET`: the schema of one type.
pub(crate) async fn answer(ask: &mut Ask<'_>) -> Reply {
    let [name, _] = ask.parameters;
    let Some(kind) = named(name, ask.policy.authorization.details) else {
        ask.refused(Refusal::PathUnknown);
        return ask.surface.refusal(Refusal::PathUnknown, ask);
    };
    let mut reply = Reply::json(200, &kind.schema());
    reply.media_type = Some("application/schema+json");
    reply.cacheable = true;
    reply
}
