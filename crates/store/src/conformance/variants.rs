//! Every variant of every enum inside a record: the encodings number them by their order, so one that
//! is put in the middle would silently change the meaning of what is stored.

use std::sync::Arc;

use counterfoil_engine::audit::{Event, What};
use counterfoil_engine::client::ClientStatus;
use counterfoil_engine::consent::{ConsentState, WithdrawnBy};
use counterfoil_engine::grant::{Bound, CodeState, RefreshState, Revoked, RevokedWhy};
use counterfoil_engine::handle::KeyId;
use counterfoil_engine::interaction::{Channel, RefusedWhy, Step};
use counterfoil_engine::store::Record;
use counterfoil_engine::subject::Scenario;
use counterfoil_engine::tenant::{Mount, Switches};
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::redirect_uri::RedirectUri;
use counterfoil_store::kind::Kind;

use super::samples;

const AT: Moment = Moment(1_795_000_000);

/// Records of one kind: the sample, then one for every variant that it does not have.
#[must_use]
pub fn of(kind: Kind) -> Vec<Record> {
    let mut all = samples::all().into_iter().map(|(_, record)| record);
    let sample = all.find(|record| Kind::of_record(record) == kind).unwrap();
    let mut records = vec![sample.clone()];
    let mut also = |change: &dyn Fn(&mut Record)| {
        let mut record = sample.clone();
        change(&mut record);
        records.push(record);
    };
    match &sample {
        Record::Tenant(_) => tenants(&mut also),
        Record::Client(_) => also(&|record| {
            let Record::Client(client) = record else { return };
            client.status = ClientStatus::Suspended;
            client.default_scope = None;
        }),
        Record::Grant(_) => grants(&mut also),
        Record::Consent(_) => consents(&mut also),
        Record::Subject(_) => subjects(&mut also),
        Record::Interaction(_) => interactions(&mut also),
        Record::Session(_)
        | Record::Replay
        | Record::SigningKey(_)
        | Record::KeySet(_)
        | Record::Claim(_)
        | Record::Customer(_)
        | Record::Pushed(_)
        | Record::Delivery(_) => {}
    }
    records
}

/// The sample event as everything that can happen.
#[must_use]
pub fn events() -> Vec<Event> {
    let all = [
        What::TokenIssued,
        What::TokenIssuedUnchanged,
        What::ReplayDetected,
        What::HandleForged,
        What::StoreBehind,
        What::GrantRevoked,
        What::TokenRevoked,
        What::RevocationOfForeignToken,
        What::AuthorizationStarted,
        What::LoginSucceeded,
        What::LoginFailed,
        What::ConsentGiven,
        What::ConsentRefused,
        What::ConsentWithdrawn,
        What::AssertionWithoutId,
        What::ResourceApplied,
        What::SubjectChanged,
        What::ClientChanged,
        What::KeyChanged,
    ];
    all.into_iter().map(|what| Event { what, ..samples::event() }).collect()
}

type Also<'a> = dyn FnMut(&dyn Fn(&mut Record)) + 'a;

fn tenants(also: &mut Also<'_>) {
    for mount in [Mount::Root, Mount::Path] {
        also(&|record| {
            let Record::Tenant(tenant) = record else { return };
            tenant.mount = mount.clone();
        });
    }
    // One at a time: their order is all that tells them apart.
    let off = Switches {
        rfc6749_errors: false,
        strict: false,
        scope_error_400: false,
        iss: false,
        keycloak_compat: false,
    };
    for switches in [
        Switches { rfc6749_errors: true, ..off },
        Switches { scope_error_400: true, ..off },
        Switches { iss: true, ..off },
        Switches { keycloak_compat: true, ..off },
    ] {
        also(&|record| {
            let Record::Tenant(tenant) = record else { return };
            tenant.surfaces[0].switches = switches;
        });
    }
}

fn grants(also: &mut Also<'_>) {
    let redirect_uri = RedirectUri::parse("https://tpp.example/cb").unwrap();
    let bound = Bound { redirect_uri, challenge: None };
    let issued = CodeState::Issued { expires: AT, key: KeyId(1), bound };
    for code in [CodeState::NotUsed, issued] {
        also(&|record| {
            let Record::Grant(grant) = record else { return };
            let grant = Arc::make_mut(grant);
            grant.code = code.clone();
            grant.refresh = RefreshState::NotIssued;
            grant.revoked = None;
        });
    }
    for why in [
        RevokedWhy::ByClient,
        RevokedWhy::ConsentWithdrawn,
        RevokedWhy::Displaced,
        RevokedWhy::ByOperator,
    ] {
        also(&|record| {
            let Record::Grant(grant) = record else { return };
            let grant = Arc::make_mut(grant);
            grant.revoked = Some(Revoked { at: AT, why });
        });
    }
}

fn consents(also: &mut Also<'_>) {
    let withdrawn = |by| ConsentState::Withdrawn { at: AT, by };
    for state in
        [ConsentState::Active, withdrawn(WithdrawnBy::Client), withdrawn(WithdrawnBy::Operator)]
    {
        also(&|record| {
            let Record::Consent(consent) = record else { return };
            consent.state = state;
        });
    }
}

fn subjects(also: &mut Also<'_>) {
    for scenario in [Scenario::None, Scenario::ScaFail, Scenario::Expired] {
        also(&|record| {
            let Record::Subject(subject) = record else { return };
            subject.scenario = scenario;
        });
    }
}

fn interactions(also: &mut Also<'_>) {
    for channel in [Channel::Redirect, Channel::Provider { provider: "bank-fr".into() }] {
        also(&|record| {
            let Record::Interaction(interaction) = record else { return };
            interaction.channel = channel.clone();
        });
    }
    let subject = samples::session().subject;
    for step in [
        Step::Login,
        Step::Consent { subject, auth_time: AT },
        Step::Refused { why: RefusedWhy::Declined },
        Step::Refused { why: RefusedWhy::DeclinedByBank },
        Step::Refused { why: RefusedWhy::ScaFailed },
        Step::Refused { why: RefusedWhy::Throttled },
    ] {
        also(&|record| {
            let Record::Interaction(interaction) = record else { return };
            interaction.step = step.clone();
        });
    }
}
