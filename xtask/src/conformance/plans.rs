//! Which plans are run, each with its variant: the goal of the project's certification.

use serde_json::{Value, json};

/// One plan with one variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// Our short name.
    pub(super) name: String,
    pub(super) plan: &'static str,
    pub(super) kind: Kind,
    /// Whether it is the combination that stands for its plan.
    pub(super) smoke: bool,
}

/// What a plan tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// OpenID Connect; clients register themselves.
    OpenId(OpenId),
    /// FAPI 2.0.
    Fapi2(Fapi2),
}

/// A plan of OpenID Connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OpenId {
    Config,
    Basic,
    FormPost,
    Logout,
    BackChannel,
    ThirdParty,
}

/// A combination of FAPI 2.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fapi2 {
    pub(super) profile: Profile,
    pub(super) auth: Auth,
    pub(super) sender: Sender,
    /// Whether OpenID Connect is used, or OAuth alone.
    pub(super) openid: bool,
}

/// Which part of FAPI 2.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Profile {
    Security,
    ClientCredentials,
    MessageSigning,
}

/// How the clients authenticate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Auth {
    Jwt,
    Mtls,
}

/// What binds their tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sender {
    Dpop,
    Mtls,
}

/// Every run, in the order in which a newcomer gets them to pass.
pub(super) fn all() -> Vec<Run> {
    let openid = |name: &str, plan, kind| Run {
        name: name.to_owned(),
        plan,
        kind: Kind::OpenId(kind),
        smoke: true,
    };
    let mut runs = vec![
        openid("config", "oidcc-config-certification-test-plan", OpenId::Config),
        openid("basic", "oidcc-basic-certification-test-plan", OpenId::Basic),
    ];
    for profile in [Profile::Security, Profile::ClientCredentials, Profile::MessageSigning] {
        for auth in [Auth::Jwt, Auth::Mtls] {
            for sender in [Sender::Dpop, Sender::Mtls] {
                for openid in [true, false] {
                    let combination = Fapi2 { profile, auth, sender, openid };
                    // Where nobody signs in, OpenID Connect has no say.
                    if profile != Profile::ClientCredentials || !openid {
                        runs.push(combination.run());
                    }
                }
            }
        }
    }
    runs.extend([
        openid("logout", "oidcc-rp-initiated-logout-certification-test-plan", OpenId::Logout),
        openid(
            "back-channel",
            "oidcc-backchannel-rp-initiated-logout-certification-test-plan",
            OpenId::BackChannel,
        ),
        openid("form-post", "oidcc-formpost-basic-certification-test-plan", OpenId::FormPost),
        openid(
            "third-party",
            "oidcc-3rdparty-init-login-certification-test-plan",
            OpenId::ThirdParty,
        ),
    ]);
    runs
}

impl Run {
    /// The variant, as the suite names its parts.
    pub(super) fn variant(&self) -> Value {
        match self.kind {
            Kind::OpenId(OpenId::Config) => json!({}),
            Kind::OpenId(OpenId::Basic | OpenId::FormPost) => {
                json!({"server_metadata": "discovery", "client_registration": "dynamic_client"})
            }
            Kind::OpenId(OpenId::Logout | OpenId::BackChannel) => {
                json!({"response_type": "code", "client_registration": "dynamic_client"})
            }
            Kind::OpenId(OpenId::ThirdParty) => json!({"response_type": "code"}),
            Kind::Fapi2(combination) => combination.variant(),
        }
    }
}

impl Fapi2 {
    fn run(self) -> Run {
        let (prefix, plan) = match self.profile {
            Profile::Security => ("fapi2", "fapi2-security-profile-final-test-plan"),
            Profile::ClientCredentials => ("fapi2-cc", "fapi2-security-profile-final-test-plan"),
            Profile::MessageSigning => ("fapi2-ms", "fapi2-message-signing-final-test-plan"),
        };
        let auth = match self.auth {
            Auth::Jwt => "jwt",
            Auth::Mtls => "mtls",
        };
        let sender = match self.sender {
            Sender::Dpop => "dpop",
            Sender::Mtls => "mtls",
        };
        let openid = match (self.profile, self.openid) {
            (Profile::ClientCredentials, _) => "",
            (Profile::Security | Profile::MessageSigning, true) => "-openid",
            (Profile::Security | Profile::MessageSigning, false) => "-oauth",
        };
        Run {
            name: format!("{prefix}-{auth}-{sender}{openid}"),
            plan,
            kind: Kind::Fapi2(self),
            smoke: self.auth == Auth::Jwt
                && self.sender == Sender::Dpop
                && (self.openid || self.profile == Profile::ClientCredentials),
        }
    }

    fn variant(self) -> Value {
        let mut variant = json!({
            "fapi_profile": match self.profile {
                Profile::ClientCredentials => "fapi_client_credentials_grant",
                Profile::Security | Profile::MessageSigning => "plain_fapi",
            },
            "client_auth_type": match self.auth {
                Auth::Jwt => "private_key_jwt",
                Auth::Mtls => "mtls",
            },
            "sender_constrain": match self.sender {
                Sender::Dpop => "dpop",
                Sender::Mtls => "mtls",
            },
            "openid": if self.openid { "openid_connect" } else { "plain_oauth" },
            "authorization_request_type": "simple",
        });
        if self.profile == Profile::MessageSigning {
            variant["fapi_request_method"] = "signed_non_repudiation".into();
            variant["fapi_response_mode"] = "jarm".into();
        }
        variant
    }
}

/// The runs with these names. A name that ends in `*` means all that begin so.
pub(super) fn named(names: &[String]) -> Result<Vec<Run>, String> {
    let all = all();
    let mut chosen: Vec<Run> = vec![];
    for name in names {
        let fits = |run: &&Run| match name.strip_suffix('*') {
            Some(start) => run.name.starts_with(start),
            None => run.name == *name,
        };
        let before = chosen.len();
        for run in all.iter().filter(fits) {
            if !chosen.contains(run) {
                chosen.push(run.clone());
            }
        }
        if chosen.len() == before && !all.iter().any(|run| fits(&run)) {
            let known: Vec<&str> = all.iter().map(|run| &*run.name).collect();
            return Err(format!("there is no plan `{name}`; there are {}", known.join(", ")));
        }
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(runs: &[Run]) -> Vec<&str> {
        runs.iter().map(|run| &*run.name).collect()
    }

    #[test]
    fn every_combination_is_there_once() {
        let all = all();
        assert_eq!(all.len(), 6 + 8 + 4 + 8);
        let mut names = names(&all);
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all.len());
        let smoke: Vec<_> = all.iter().filter(|run| run.smoke).map(|run| &*run.name).collect();
        assert!(smoke.contains(&"fapi2-cc-jwt-dpop") && smoke.len() == 9, "{smoke:?}");
    }

    #[test]
    fn runs_are_chosen_by_name_or_by_its_beginning() {
        let of = |words: &[&str]| named(&words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>());
        let chosen = of(&["fapi2-ms-mtls*", "basic", "basic"]).unwrap();
        assert_eq!(chosen.len(), 5);
        assert_eq!(names(&chosen)[0], "fapi2-ms-mtls-dpop-openid");
        assert!(of(&["fapi1"]).is_err_and(|why| why.contains("back-channel")));
        assert!(of(&["fapi1*"]).is_err());
    }
}
