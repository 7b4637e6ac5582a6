// npm oauth4webapi: FAPI 2.0 step by step: PAR, nonces, DPoP or mutual TLS, JAR, JARM, signed introspection.
import assert from 'node:assert/strict';
import * as oauth from 'oauth4webapi';
import { call, callback, customer, fapi2, fapi2Ms, near, refused, sandbox } from './lib/suite.mjs';
import { signingKey } from './lib/keys.mjs';
import { fetchWith } from './lib/mtls.mjs';

const scope = 'openid accounts';

/** Server, client and how it authenticates and binds. */
async function app(surface, { auth = 'jwt', sender = 'dpop', alg = 'PS256', of = 'client' } = {}) {
  const issuer = new URL(surface.issuer);
  const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer));
  const about = surface[of];
  const { key, kid } = await signingKey(about.jwks, alg);
  const byCertificate = auth === 'mtls' || sender === 'mtls';
  const client = {
    client_id: about.client_id,
    authorization_signed_response_alg: 'ES256',
    id_token_signed_response_alg: 'ES256',
    ...(byCertificate && { use_mtls_endpoint_aliases: true }),
  };
  const options = byCertificate ? { [oauth.customFetch]: fetchWith(about) } : {};
  const DPoP = sender === 'dpop' ? oauth.DPoP(client, await oauth.generateKeyPair(alg)) : undefined;
  const clientAuth = auth === 'mtls' ? oauth.TlsClientAuth() : oauth.PrivateKeyJwt({ key, kid });
  const redirect = of === 'client' ? callback : `${callback}?dummy1=lorem&dummy2=ipsum`;
  return { surface, as, client, clientAuth, key: { key, kid }, options: { ...options, DPoP }, redirect };
}

/** The same call again, when the server wants a nonce in the proof (RFC 9449 section 8). */
async function withNonce(send) {
  try {
    return await send();
  } catch (why) {
    if (!oauth.isDPoPNonceError(why)) throw why;
    return send();
  }
}

/** From the pushed request to what the browser brings back. */
async function authorized({ surface, as, client, clientAuth, key, options, redirect }, { stale } = {}) {
  const verifier = oauth.generateRandomCodeVerifier();
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
  let parameters = new URLSearchParams({
    client_id: client.client_id,
    redirect_uri: redirect,
    response_type: 'code',
    scope,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  });
  if (surface === fapi2Ms) {
    parameters = new URLSearchParams({ request: await oauth.issueRequestObject(as, client, parameters, key) });
  }
  const origin = new URL(options[oauth.customFetch] ? sandbox.mtls : surface.issuer);
  if (stale) options.DPoP.cacheNonce({ headers: new Headers({ 'dpop-nonce': 'of-an-earlier-day' }) }, origin);
  let asked = 0;
  const { request_uri: uri, expires_in: life } = await withNonce(async () => {
    asked += 1;
    const answer = await oauth.pushedAuthorizationRequest(as, client, clientAuth, parameters, options);
    return oauth.processPushedAuthorizationResponse(as, client, answer);
  });
  assert.equal(life, 90);
  assert.equal(asked, stale ? 2 : 1);
  const url = new URL(as.authorization_endpoint);
  url.search = new URLSearchParams({ client_id: client.client_id, request_uri: uri });
  const back = await customer(url.href);
  const params = surface === fapi2Ms
    ? await oauth.validateJwtAuthResponse(as, client, back, state, options)
    : oauth.validateAuthResponse(as, client, back, state);
  return { back, params, verifier, nonce };
}

async function tokens(client, { params, verifier, nonce }) {
  const { as, clientAuth, options, redirect } = client;
  const answer = await oauth.authorizationCodeGrantRequest(as, client.client, clientAuth, params, redirect, verifier, options);
  const token = await oauth.processAuthorizationCodeResponse(as, client.client, answer, { expectedNonce: nonce, requireIdToken: true });
  await oauth.validateApplicationLevelSignature(as, answer, options);
  return token;
}

const resource = ({ surface, options }, token, more = options) => {
  const url = new URL(surface.resource);
  if (options[oauth.customFetch]) url.host = new URL(sandbox.mtls).host;
  return oauth.protectedResourceRequest(token, 'GET', url, undefined, undefined, more);
};

for (const [name, surface] of Object.entries({ 'fapi2': fapi2, 'fapi2-ms': fapi2Ms })) {
  for (const auth of ['jwt', 'mtls']) {
    for (const sender of ['dpop', 'mtls']) {
      const how = `${name}, ${auth}, ${sender}`;
      let mine;
      let token;
      await call(`${how}: PAR, code, ID token and its signature`, async () => {
        mine = await app(surface, { auth, sender });
        const came = await authorized(mine, { stale: sender === 'dpop' });
        assert.deepEqual([...came.back.searchParams.keys()].sort(), surface === fapi2Ms ? ['response'] : ['code', 'iss', 'state']);
        token = await tokens(mine, came);
        assert.equal(token.token_type, sender === 'dpop' ? 'dpop' : 'bearer');
        near(oauth.getValidatedIdTokenClaims(token).exp - Date.now() / 1000, 3_600);
      });
      await call(`${how}: the resource, for its sender alone`, async () => {
        assert.equal((await resource(mine, token.access_token)).status, 200);
        const other = sender === 'dpop'
          ? { ...mine.options, DPoP: oauth.DPoP(mine.client, await oauth.generateKeyPair('ES256')) }
          : { [oauth.customFetch]: fetchWith(surface.client2) };
        await assert.rejects(resource(mine, token.access_token, other), { status: 401 });
      });
      await call(`${how}: userinfo`, async () => {
        const { sub } = oauth.getValidatedIdTokenClaims(token);
        const answer = await oauth.userInfoRequest(mine.as, mine.client, token.access_token, mine.options);
        assert.equal((await oauth.processUserInfoResponse(mine.as, mine.client, sub, answer)).sub, sub);
      });
      await call(`${how}: refresh and revoke`, async () => {
        const { as, client, clientAuth, options } = mine;
        const answer = await oauth.refreshTokenGrantRequest(as, client, clientAuth, token.refresh_token, options);
        const second = await oauth.processRefreshTokenResponse(as, client, answer);
        assert.equal(second.refresh_token, token.refresh_token);
        await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, clientAuth, token.refresh_token, options));
        await assert.rejects(resource(mine, second.access_token), { status: 401 });
      });
      await call(`${how}: client_credentials`, async () => {
        const { as, client, clientAuth, options } = mine;
        const answer = await oauth.clientCredentialsGrantRequest(as, client, clientAuth, new URLSearchParams({ scope: 'payments' }), options);
        const own = await oauth.processClientCredentialsResponse(as, client, answer);
        assert.equal((await resource(mine, own.access_token)).status, 200);
      });
    }
  }
  await call(`${name}: the second client, whose address has a query`, async () => {
    const two = await app(surface, { of: 'client2', alg: 'ES256' });
    const came = await authorized(two);
    assert.equal(came.back.searchParams.get('dummy1'), 'lorem');
    assert.equal(came.back.searchParams.get('dummy2'), 'ipsum');
    assert.equal(oauth.getValidatedIdTokenClaims(await tokens(two, came)).aud, 'fapiother');
  });
  await call(`${name}: introspection, signed`, async () => {
    const mine = await app(surface);
    const token = await tokens(mine, await authorized(mine));
    const { client_id: id, client_secret: secret } = surface.resource_server;
    const server = { client_id: id, introspection_signed_response_alg: 'ES256' };
    const answer = await oauth.introspectionRequest(mine.as, server, oauth.ClientSecretBasic(secret), token.access_token, { requestJwtResponse: true });
    const told = await oauth.processIntrospectionResponse(mine.as, server, answer);
    await oauth.validateApplicationLevelSignature(mine.as, answer);
    assert.equal(told.active, true);
    assert.equal(told.cnf.jkt, await mine.options.DPoP.calculateThumbprint());
  });
  await call(`${name}: a pushed request is of one client`, async () => {
    const mine = await app(surface);
    const other = await app(surface, { of: 'client2' });
    const { as, client, options } = mine;
    const parameters = new URLSearchParams({ redirect_uri: callback, response_type: 'code', scope });
    const answer = await oauth.pushedAuthorizationRequest(as, client, other.clientAuth, parameters, options);
    await assert.rejects(oauth.processPushedAuthorizationResponse(as, client, answer), { error: 'invalid_client' });
  });
}
await refused('fapi2-ms: a request object of another client', async () => {
  const [mine, other] = [await app(fapi2Ms), await app(fapi2Ms, { of: 'client2' })];
  return authorized({ ...mine, key: other.key });
}, (why) => {
  assert.equal(why.error, 'invalid_request_object');
  assert.equal(why.status, 400);
});
