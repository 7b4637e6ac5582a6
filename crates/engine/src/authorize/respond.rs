//! How an authorization ends: what the client is told, as facts. Surfaces choose the parameters.

use counterfoil_protocol::ids::ClientId;
use counterfoil_protocol::redirect_uri::RedirectUri;
use counterfoil_protocol::refusal::Refusal;

use super::validate::TrustedRedirect;
use crate::grant::Grant;
use crate::interaction::{Channel, Interaction};
use crate::keys::Issuer;
use crate::response_mode::ResponseMode;

/// The end of an authorization.
#[derive(Debug)]
pub struct Answer {
    /// Where the customer goes.
    pub redirect: TrustedRedirect,
    /// Who asked.
    pub client: ClientId,
    /// In which mode it is told.
    pub mode: ResponseMode,
    /// Returned byte for byte.
    pub state: Option<Box<str>>,
    /// How it travels.
    pub channel: Channel,
    /// Yes or no.
    pub outcome: Outcome,
}

/// Yes or no.
#[derive(Debug)]
pub enum Outcome {
    /// A code.
    Code {
        /// Its text.
        code: Box<str>,
        /// The customer id, on surfaces that have one.
        customer_id: Option<String>,
    },
    /// Yes, and the client hears of it by asking.
    Elsewhere,
    /// Not, and why.
    Refused(Refusal),
}

impl Answer {
    /// A refusal, on the way of the interaction.
    #[must_use]
    pub fn refused(interaction: &Interaction, why: Refusal) -> Self {
        Self {
            redirect: TrustedRedirect::of_interaction(interaction),
            client: interaction.client.clone(),
            mode: interaction.openid.response_mode,
            state: interaction.state.clone(),
            channel: interaction.channel.clone(),
            outcome: Outcome::Refused(why),
        }
    }

    /// A yes that the client will ask for.
    #[must_use]
    pub fn elsewhere(interaction: &Interaction) -> Self {
        Self { outcome: Outcome::Elsewhere, ..Self::refused(interaction, Refusal::Internal) }
    }

    /// The code of a grant, as long as it was not spent: asking twice gives the same answer.
    #[must_use]
    pub fn code(interaction: &Interaction, grant: &Grant, issuer: &Issuer) -> Option<Self> {
        let code = grant.code_handle(&issuer.ring)?;
        let subject = grant.subject.as_ref()?;
        let customer_id = match &interaction.channel {
            Channel::Redirect => None,
            Channel::Provider { provider } | Channel::Decoupled { provider, .. } => {
                Some(issuer.customer_id(&grant.client, &subject.id, provider))
            }
        };
        let outcome = Outcome::Code { code: code.to_wire().into(), customer_id };
        Some(Self { outcome, ..Self::refused(interaction, Refusal::Internal) })
    }

    /// Where the customer goes.
    #[must_use]
    pub fn uri(&self) -> &RedirectUri {
        self.redirect.uri()
    }
}
