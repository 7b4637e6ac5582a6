//! `counterfoil flow --curl`: the same flow as commands for a shell. They work when pasted.

use super::arguments::{FlowOptions, Vendor};
use super::play::{Running, assertion, pkce};
use crate::failure::Failure;

/// The commands of a flow.
pub(super) fn commands(
    server: &Running,
    vendor: Vendor,
    options: &FlowOptions,
) -> Result<String, Failure> {
    let surface = server.vendor(vendor);
    let (id, secret) = (&surface.client.client_id, &surface.client.client_secret);
    let (rs, rs_secret) =
        (&surface.resource_server.client_id, &surface.resource_server.client_secret);
    let (token, introspect) = (&surface.token_endpoint, &surface.introspection_endpoint);
    let authorize = surface.authorization_endpoint.as_deref().unwrap_or_default();
    let refresh = surface.refresh_endpoint.as_deref().unwrap_or(token);
    let revoke = surface.revocation_endpoint.as_deref().unwrap_or_default();
    let (user, password, http) = (&options.user, &server.password, &server.http);
    let scope = options.scope.as_deref();
    Ok(match vendor {
        Vendor::Worldline => {
            let scope = scope.unwrap_or("VOP WERO");
            let signed = assertion(surface)?;
            format!(
                "# by secret\n\
                 ANSWER=$(curl -s {token} -d grant_type=client_credentials --data-urlencode 'scope={scope}' -d client_id={id} -d client_secret={secret}); echo \"$ANSWER\"\n\
                 # by assertion; this one is valid for an hour\n\
                 curl -s {token} -d grant_type=client_credentials --data-urlencode 'scope={scope}' \\\n  \
                   -d client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer \\\n  \
                   -d client_assertion={signed}; echo\n\
                 # what it is worth\n\
                 {TOKEN}\n\
                 curl -s {introspect} -u {rs}:{rs_secret} --data-urlencode \"token=$TOKEN\"; echo"
            )
        }
        Vendor::Mx => {
            let scope = scope.unwrap_or("openid accounts transactions");
            let (verifier, challenge) = pkce();
            let start = format!(
                "curl -s -o /dev/null -w '%{{redirect_url}}' -c \"$JAR\" -G {authorize} -d client_id={id} -d redirect_uri=http://127.0.0.1/callback \\\n  \
                 -d response_type=code -d code_challenge={challenge} -d code_challenge_method=S256 \\\n  \
                 --data-urlencode 'scope={scope}' -d state=st"
            );
            let pages = pages("curl -s", &start, http, (user, password));
            format!(
                "{pages}\n{CODE}\n\
                 # the code for tokens\n\
                 ANSWER=$(curl -s {token} -u {id}:{secret} -d grant_type=authorization_code -d code=\"$CODE\" \\\n  \
                   -d redirect_uri=http://127.0.0.1/callback -d code_verifier={verifier}); echo \"$ANSWER\"\n\
                 {TOKEN}\n{REFRESH}\n\
                 # refresh\n\
                 curl -s {token} -u {id}:{secret} -d grant_type=refresh_token --data-urlencode \"refresh_token=$REFRESH\"; echo\n\
                 # what the access token is worth, before and after it is revoked\n\
                 curl -s {introspect} -u {rs}:{rs_secret} --data-urlencode \"token=$TOKEN\"; echo\n\
                 curl -s {revoke} -u {id}:{secret} --data-urlencode \"token=$TOKEN\" -w '%{{http_code}}\\n'\n\
                 curl -s {introspect} -u {rs}:{rs_secret} --data-urlencode \"token=$TOKEN\"; echo"
            )
        }
        Vendor::Fintecture => {
            let start = format!(
                "curl -s -o /dev/null -w '%{{redirect_url}}' -c \"$JAR\" -G {authorize} -d response_type=code -d app_id={id} \\\n  \
                 -d redirect_uri=http://127.0.0.1/callback -d state=st"
            );
            let pages = pages("curl -s", &start, http, (user, password));
            format!(
                "# a payment initiation token\n\
                 curl -s {token} -d grant_type=client_credentials -d client_id={id} -d client_secret={secret} -d scope=PIS; echo\n\
                 {pages}\n{CODE}\n\
                 # the code for account information tokens\n\
                 ANSWER=$(curl -s {token} -u {id}:{secret} -d grant_type=authorization_code -d code=\"$CODE\" -d scope=AIS); echo \"$ANSWER\"\n\
                 {TOKEN}\n{REFRESH}\n\
                 # refresh: the same refresh token, a new access token, and the one before is dead\n\
                 curl -s {refresh} -u {id}:{secret} -d grant_type=refresh_token --data-urlencode \"refresh_token=$REFRESH\"; echo\n\
                 curl -s {introspect} -u {rs}:{rs_secret} --data-urlencode \"token=$TOKEN\"; echo"
            )
        }
    })
}

/// What finds the tokens in an answer.
pub(super) const TOKEN: &str =
    r#"TOKEN=$(echo "$ANSWER" | sed 's/.*"access_token":"\([^"]*\)".*/\1/')"#;
pub(super) const REFRESH: &str =
    r#"REFRESH=$(echo "$ANSWER" | sed 's/.*"refresh_token":"\([^"]*\)".*/\1/')"#;

/// The customer's browser: sign in, choose the first account, allow. `start` is a command that prints
/// the first page's address; `at` is where the pages are.
pub(super) fn pages(curl: &str, start: &str, at: &str, (user, password): (&str, &str)) -> String {
    format!(
        r#"# the customer's browser: sign in, choose an account, allow
JAR=$(mktemp)
PAGE=$({start})
FORM=$({curl} -b "$JAR" -c "$JAR" "$PAGE")
field() {{ echo "$FORM" | sed -n "s/.*name=\"$1\" value=\"\([^\"]*\)\".*/\1/p" | head -n 1; }}
PAGE=$({curl} -o /dev/null -w '%{{redirect_url}}' -b "$JAR" -c "$JAR" {at}/login \
  -d interaction=$(field interaction) -d csrf=$(field csrf) -d login={user} -d password={password} -d action=submit)
FORM=$({curl} -b "$JAR" -c "$JAR" "$PAGE")
BACK=$({curl} -o /dev/null -w '%{{redirect_url}}' -b "$JAR" {at}/consent \
  -d interaction=$(field interaction) -d csrf=$(field csrf) -d account=$(field account) -d action=allow)"#
    )
}

/// What finds the code in the address that the browser was sent to.
pub(super) const CODE: &str = r#"CODE=$(echo "$BACK" | sed 's/.*code=\([^&]*\).*/\1/')"#;
