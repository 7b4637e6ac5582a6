//! What stands in the store after every round, whatever happened: records that belong together agree.

use counterfoil_engine::consent::ConsentState;
use counterfoil_engine::grant::Grant;
use counterfoil_engine::store::{Key, Record};

use super::{Family, Observer, Verdict, broken};
use crate::fixtures;

impl Observer<'_> {
    pub(super) fn invariants(&self) -> Verdict {
        let subject = self.world.subject();
        for family in &self.families {
            let Some(grant) = self.world.grant(family.grant) else {
                return broken("a grant that was answered is not there");
            };
            if grant.revoked.is_some() && !family.doomed {
                return broken("a grant died of nothing");
            }
            if family.dead.is_some() && grant.revoked.is_none() {
                return broken("somebody was told that a grant is over, and it is not");
            }
            if !family.customer_stands() {
                continue;
            }
            let listed = subject.grants.contains(&grant.id);
            if !listed && grant.revoked.is_none() {
                return broken("a living grant is not in its customer's list");
            }
            if listed && grant.suspended.by_subject != subject.suspended {
                return broken("a customer and their grant disagree about a suspension");
            }
            self.consented(family, &grant)?;
        }
        Ok(())
    }

    fn consented(&self, family: &Family, grant: &Grant) -> Verdict {
        let Some(copy) = &grant.consent else { return broken("a code without a consent") };
        let key = Key::Consent(fixtures::tenant_id(), copy.id);
        let Some(Record::Consent(consent)) = self.world.storm.record(&key) else {
            return broken("a code whose consent is not there");
        };
        if !consent.grants.contains(&grant.id) && grant.revoked.is_none() {
            return broken("a living grant is not in its consent's list");
        }
        if consent.state != ConsentState::Active && grant.revoked.is_none() {
            return broken("a consent was withdrawn and its grant lives");
        }
        if family.customer.is_some() && consent.client != grant.client {
            return broken("a grant hangs from another client's consent");
        }
        Ok(())
    }
}
