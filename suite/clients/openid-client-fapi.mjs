// npm openid-client: FAPI 2.0, plain and with signed messages: PAR, DPoP, private_key_jwt, JAR, JARM.
import assert from 'node:assert/strict';
import * as oidc from 'openid-client';
import { call, callback, customer, fapi2, fapi2Ms, near, refused } from './lib/suite.mjs';
import { signingKey } from './lib/keys.mjs';

const scope = 'openid profile accounts';

/** One client on one surface, with one of its keys. */
async function configured(surface, alg) {
  const { key, kid } = await signingKey(surface.client.jwks, alg);
  const auth = oidc.PrivateKeyJwt({ key, kid });
  const config = await oidc.discovery(new URL(surface.issuer), surface.client.client_id, undefined, auth);
  oidc.enableNonRepudiationChecks(config); // the signature of the ID token is verified too
  if (surface === fapi2Ms) oidc.useJwtResponseMode(config);
  return { surface, config, key: { key, kid } };
}

/** Pushes the request; gives its address and the checks that belong to the answer. */
async function pushed({ surface, config, key }, DPoP, more = {}) {
  const verifier = oidc.randomPKCECodeVerifier();
  const [state, nonce] = [oidc.randomState(), oidc.randomNonce()];
  let parameters = {
    redirect_uri: callback,
    scope,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    ...more,
  };
  if (surface === fapi2Ms) {
    parameters = (await oidc.buildAuthorizationUrlWithJAR(config, parameters, key)).searchParams;
  }
  const url = await oidc.buildAuthorizationUrlWithPAR(config, parameters, { DPoP });
  assert.deepEqual([...url.searchParams.keys()].sort(), ['client_id', 'request_uri']);
  return [url.href, { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }];
}

const redeem = async (app, DPoP, more, who) => {
  const [url, checks] = await pushed(app, DPoP, more);
  return oidc.authorizationCodeGrant(app.config, await customer(url, who), checks, undefined, { DPoP });
};
const proving = async ({ config }, alg = 'ES256') => oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair(alg));
const resource = ({ surface, config }, token, DPoP) =>
  oidc.fetchProtectedResource(config, token, new URL(surface.resource), 'GET', undefined, undefined, { DPoP });

for (const [name, surface] of Object.entries({ 'fapi2': fapi2, 'fapi2-ms': fapi2Ms })) {
  for (const alg of ['ES256', 'PS256']) {
    const app = await call(`${name} ${alg}: discovery`, async () => {
      const app = await configured(surface, alg);
      const told = app.config.serverMetadata();
      assert.equal(told.issuer, surface.issuer);
      assert.equal(told.require_pushed_authorization_requests, true);
      assert.equal(told.authorization_response_iss_parameter_supported, true);
      assert.ok(told.tls_client_certificate_bound_access_tokens);
      assert.ok(told.mtls_endpoint_aliases.token_endpoint.startsWith('https://'));
      return app;
    });
    const DPoP = await proving(app, alg);
    let first;
    await call(`${name} ${alg}: PAR, DPoP, private_key_jwt, code, ID token`, async () => {
      first = await redeem(app, DPoP);
      assert.equal(first.token_type, 'dpop'); // the package writes it so
      assert.equal(first.expires_in, 600);
      assert.equal(first.scope, scope);
      const told = first.claims();
      assert.equal(told.iss, surface.issuer);
      assert.equal(told.aud, surface.client.client_id);
      near(told.exp - told.iat, 3_600);
    });
    await call(`${name} ${alg}: the resource and userinfo, each with a proof`, async () => {
      const seen = await resource(app, first.access_token, DPoP);
      assert.equal(seen.status, 200);
      assert.ok(seen.headers.get('x-fapi-interaction-id'));
      assert.equal((await seen.json()).client_id, surface.client.client_id);
      const info = await oidc.fetchUserInfo(app.config, first.access_token, first.claims().sub, { DPoP });
      assert.equal(info.name, 'Ada Lovelace');
    });
    await call(`${name} ${alg}: nobody else can use it`, async () => {
      const other = await proving(app, alg);
      await assert.rejects(resource(app, first.access_token, other), (why) => {
        assert.equal(why.constructor.name, 'WWWAuthenticateChallengeError', why.stack);
        assert.equal(why.status, 401);
        assert.equal(why.cause[0].scheme, 'dpop');
        assert.equal(why.cause[0].parameters.error, 'invalid_dpop_proof');
        return true;
      });
      await assert.rejects(resource(app, first.access_token), { status: 401 });
    });
    await call(`${name} ${alg}: refresh, with a new key, the same refresh token`, async () => {
      const other = await proving(app, alg);
      const second = await oidc.refreshTokenGrant(app.config, first.refresh_token, undefined, { DPoP: other });
      assert.equal(second.refresh_token, first.refresh_token);
      assert.equal((await resource(app, second.access_token, other)).status, 200);
      assert.equal(second.claims().sub, first.claims().sub);
    });
    await call(`${name} ${alg}: introspection by the resource server, revocation`, async () => {
      const { client_id: id, client_secret: secret } = surface.resource_server;
      const server = await oidc.discovery(new URL(surface.issuer), id, undefined, oidc.ClientSecretBasic(secret));
      const told = await oidc.tokenIntrospection(server, first.access_token);
      assert.equal(told.active, true);
      assert.equal(told.cnf.jkt, await DPoP.calculateThumbprint());
      await oidc.tokenRevocation(app.config, first.refresh_token);
      assert.deepEqual(await oidc.tokenIntrospection(server, first.access_token), { active: false });
      await assert.rejects(oidc.refreshTokenGrant(app.config, first.refresh_token, undefined, { DPoP }), { error: 'invalid_grant' });
    });
    await call(`${name} ${alg}: client_credentials`, async () => {
      const token = await oidc.clientCredentialsGrant(app.config, { scope: 'accounts' }, { DPoP });
      assert.equal('refresh_token' in token, false);
      assert.equal((await resource(app, token.access_token, DPoP)).status, 200);
    });
  }
  const app = await configured(surface, 'ES256');
  await call(`${name}: the customer declines`, async () => {
    const [url, checks] = await pushed(app);
    const back = await customer(url, { answer: 'deny' });
    if (surface === fapi2Ms) assert.deepEqual([...back.searchParams.keys()], ['response']);
    await assert.rejects(oidc.authorizationCodeGrant(app.config, back, checks), { error: 'access_denied' });
  });
  await call(`${name}: a code is for the key of its pushed request, and used once`, async () => {
    const [DPoP, other] = [await proving(app), await proving(app)];
    const [url, checks] = await pushed(app, DPoP);
    const back = await customer(url);
    const grant = (DPoP) => oidc.authorizationCodeGrant(app.config, back, checks, undefined, { DPoP });
    await assert.rejects(grant(other), { error: 'invalid_dpop_proof' });
    const token = await grant(DPoP);
    await assert.rejects(grant(DPoP), { error: 'invalid_grant' });
    await assert.rejects(resource(app, token.access_token, DPoP), { status: 401 });
  });
  await refused(`${name}: without PAR`, async () => {
    const page = await customer(oidc.buildAuthorizationUrl(app.config, { redirect_uri: callback, scope }).href);
    throw new Error(page instanceof URL ? 'taken' : page.html);
  }, (why) => assert.match(why.message, /no form at/));
}

await refused('fapi2-ms: an unsigned request', async () => {
  const app = await configured(fapi2Ms, 'ES256');
  return oidc.buildAuthorizationUrlWithPAR(app.config, { redirect_uri: callback, scope, code_challenge: 'x'.repeat(43), code_challenge_method: 'S256' });
}, (why) => {
  assert.equal(why.error, 'invalid_request');
  assert.equal(why.status, 400);
});
await refused('fapi2: the key of somebody else', async () => {
  const { key } = await signingKey(fapi2.client2.jwks, 'ES256');
  const auth = oidc.PrivateKeyJwt({ key, kid: 'client-es256' });
  const config = await oidc.discovery(new URL(fapi2.issuer), 'fapiapp', undefined, auth);
  return oidc.clientCredentialsGrant(config, { scope: 'accounts' }, { DPoP: await proving({ config }) });
}, (why) => assert.equal(why.error, 'invalid_client'));
