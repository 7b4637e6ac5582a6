//! The flow as commands for a shell. What needs a proof for this very moment is said in words.

use counterfoil_protocol::form::encode;

use super::discovered::Endpoint;
use super::manner::Manner;
use super::player::Player;
use crate::cli::arguments::{Auth, FlowOptions, Sender};
use crate::cli::pasted::{CODE, REFRESH, TOKEN, pages};
use crate::cli::play::{CALLBACK, OpenIdSurface, Running, pkce, random_text};
use crate::cli::steps::Steps;
use crate::cli::token::ASSERTION_TYPE;
use crate::failure::Failure;

/// How much longer assertions and request objects count than those that are used at once.
const LONGER_S: u64 = 540;

pub(super) async fn commands(
    running: &Running,
    surface: &OpenIdSurface,
    manner: Manner,
    options: &FlowOptions,
) -> Result<String, Failure> {
    let player = Player::begin(running, surface, manner, &mut Steps::quiet()).await?;
    let curl = format!("curl -s --cacert '{}'", running.ca.display());
    let default = if manner.by_secret() { "openid profile" } else { "openid accounts" };
    let scope = options.scope.as_deref().unwrap_or(default);
    let paste = Paste { surface, player, curl };
    let (verifier, challenge) = pkce();
    let request = paste.request(scope, &challenge)?;
    let customer = (options.user.as_str(), running.password.as_str());
    let issuer = &paste.player.server.issuer;
    let (before, start) = &request;
    let pages = pages(&paste.curl, start, issuer, customer);
    let code = if paste.player.server.require_signed_request_object { CODE_OF_JARM } else { CODE };
    let rest = match manner.sender {
        Some(Sender::Dpop) => paste.in_words(&verifier, options),
        Some(Sender::Mtls) | None => paste.rest(&verifier)?,
    };
    Ok(format!("{before}{pages}\n{code}\n{rest}"))
}

/// Finds the code in a signed response. A client verifies the signature first.
const CODE_OF_JARM: &str = r#"# the answer is signed: a client verifies it by the key set before it looks inside
PAYLOAD=$(echo "$BACK" | sed 's/.*response=\([^&]*\).*/\1/' | cut -d. -f2 | tr '_-' '/+')
while [ $((${#PAYLOAD} % 4)) -ne 0 ]; do PAYLOAD="$PAYLOAD="; done
CODE=$(echo "$PAYLOAD" | base64 -d | sed 's/.*"code":"\([^"]*\)".*/\1/')"#;

struct Paste<'s> {
    surface: &'s OpenIdSurface,
    player: Player<'s>,
    curl: String,
}

impl Paste<'_> {
    /// A command that calls an endpoint with the client's authentication.
    fn call(&self, endpoint: Endpoint) -> Result<String, Failure> {
        let (client, manner) = (&self.surface.client, self.player.manner);
        let id = &client.client_id;
        let secret = client.client_secret.as_deref().unwrap_or_default();
        let by_certificate = manner.by_certificate(endpoint);
        let url = self.player.server.url(endpoint, by_certificate);
        let shows = if by_certificate { self.identity() } else { String::new() };
        let proves = match manner.auth {
            Auth::Basic => format!(" -u {id}:{secret}"),
            Auth::Secret => format!(" -d client_id={id} -d client_secret={secret}"),
            Auth::Mtls => format!(" -d client_id={id}"),
            Auth::Jwt => {
                let signed = self.player.signing()?.assertion(self.player.parties(), LONGER_S)?;
                format!(
                    " -d client_assertion_type={ASSERTION_TYPE} \\\n  -d client_assertion={signed}"
                )
            }
        };
        Ok(format!("{} {url}{shows}{proves}", self.curl))
    }

    /// The certificate of the connection.
    fn identity(&self) -> String {
        let client = &self.surface.client;
        let both = client.certificate.as_ref().zip(client.certificate_key.as_ref());
        both.map(|(certificate, key)| {
            format!(" --cert '{}' --key '{}'", certificate.display(), key.display())
        })
        .unwrap_or_default()
    }

    /// What comes before the pages, and the command that finds the first of them.
    fn request(&self, scope: &str, challenge: &str) -> Result<(String, String), Failure> {
        let (server, id) = (&self.player.server, self.player.id());
        let nonce = random_text();
        let mut parameters = vec![
            ("client_id", id),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("code_challenge", challenge),
            ("code_challenge_method", "S256"),
            ("scope", scope),
            ("state", "st"),
            ("nonce", &nonce),
            ("prompt", "consent"),
        ];
        let object;
        if server.require_signed_request_object {
            let (key, parties) = (self.player.signing()?, self.player.parties());
            object = key.request_object(parties, &parameters, LONGER_S)?;
            parameters = vec![("client_id", id), ("request", &object)];
        }
        let named = self.player.manner.auth == Auth::Mtls;
        let mut sent: Vec<String> = parameters
            .iter()
            .filter(|(name, _)| !(named && *name == "client_id"))
            .map(|(name, value)| format!("-d {name}={}", encode(value)))
            .collect();
        let mut before = String::new();
        if server.require_pushed_authorization_requests {
            let push = self.call(Endpoint::Par)?;
            before = format!(
                "# push the request; what follows counts for 90 seconds\n\
                 REQUEST=$({push} \\\n  {} | sed 's/.*\"request_uri\":\"\\([^\"]*\\)\".*/\\1/')\n",
                sent.join(" ")
            );
            sent = vec![
                format!("-d client_id={id}"),
                r#"--data-urlencode "request_uri=$REQUEST""#.into(),
            ];
        }
        let start = format!(
            "{} -o /dev/null -w '%{{redirect_url}}' -c \"$JAR\" -G {} \\\n  {}",
            self.curl,
            server.authorization_endpoint,
            sent.join(" ")
        );
        Ok((before, start))
    }

    /// From the code to a token that is dead.
    fn rest(&self, verifier: &str) -> Result<String, Failure> {
        let (curl, server) = (&self.curl, &self.surface.resource_server);
        let (rs, rs_secret) = (&server.client_id, &server.client_secret);
        let introspect = format!(
            "{curl} {} -u {rs}:{rs_secret} --data-urlencode \"token=$TOKEN\"; echo",
            self.player.server.introspection_endpoint
        );
        let shows = match self.player.manner.sender {
            Some(Sender::Mtls) => self.identity(),
            Some(Sender::Dpop) | None => String::new(),
        };
        let resource = format!(
            "{curl} {}{shows} -H \"Authorization: Bearer $TOKEN\"",
            self.player.resource(false)
        );
        Ok(format!(
            "# the code for tokens\n\
             ANSWER=$({} \\\n  -d grant_type=authorization_code -d code=\"$CODE\" -d redirect_uri={CALLBACK} \\\n  \
             -d code_verifier={verifier}); echo \"$ANSWER\"\n\
             {TOKEN}\n{REFRESH}\n\
             # what it opens, and what it is worth\n\
             {resource}; echo\n\
             {introspect}\n\
             # refresh\n\
             ANSWER=$({} \\\n  -d grant_type=refresh_token --data-urlencode \"refresh_token=$REFRESH\"); echo \"$ANSWER\"\n\
             {TOKEN}\n{REFRESH}\n\
             # revoke the refresh token, and with it everything\n\
             {} \\\n  --data-urlencode \"token=$REFRESH\" -w '%{{http_code}}\\n'\n\
             {resource} -o /dev/null -w '%{{http_code}}\\n'\n\
             {introspect}",
            self.call(Endpoint::Token)?,
            self.call(Endpoint::Token)?,
            self.call(Endpoint::Revocation)?,
        ))
    }

    /// What cannot be pasted: a proof names one request, one moment and one token.
    fn in_words(&self, verifier: &str, options: &FlowOptions) -> String {
        let token = self.player.server.url(Endpoint::Token, false);
        let resource = self.player.resource(false);
        let other =
            if self.player.manner.by_secret() { "without --sender" } else { "with --sender mtls" };
        let surface = clap::ValueEnum::to_possible_value(&options.surface);
        let surface = surface.map(|value| value.get_name().to_owned()).unwrap_or_default();
        format!(
            "echo \"code $CODE\"\n\
             # From here on every request carries a proof in the header DPoP (RFC 9449): a JWT of the type\n\
             # dpop+jwt with the public key in its header, signed for this method, this address and this\n\
             # moment, and with ath, the hash of the access token, for this token. None can be made before.\n\
             #   POST {token}\n\
             #     the client's authentication, a proof, grant_type=authorization_code, the code,\n\
             #     redirect_uri={CALLBACK}, code_verifier={verifier}\n\
             #   GET {resource}\n\
             #     Authorization: DPoP and the access token, a proof with ath\n\
             # All of it is played by: counterfoil flow {surface} --sender dpop --headless\n\
             # Commands to the end: {other}"
        )
    }
}
