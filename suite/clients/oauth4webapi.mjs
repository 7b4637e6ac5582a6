// npm oauth4webapi: the low-level client that openid-client stands on, step by step through MX.
import assert from 'node:assert/strict';
import * as oauth from 'oauth4webapi';
import { call, callback, customer, introspect, mx, near, refused, worldline } from './lib/suite.mjs';

const http = { [oauth.allowInsecureRequests]: true };
const client = { client_id: mx.client.client_id };
const auth = oauth.ClientSecretBasic(mx.client.client_secret);
const active = async (token) => (await introspect(mx, token)).active;

const server = await call('discovery', async () => {
  const issuer = new URL(mx.issuer);
  const answer = await oauth.discoveryRequest(issuer, { algorithm: 'oidc', ...http });
  const told = await oauth.processDiscoveryResponse(issuer, answer);
  assert.equal(told.token_endpoint, mx.token_endpoint);
  assert.deepEqual(told.code_challenge_methods_supported, ['S256']);
  return told;
});
await call('discovery, RFC 8414', async () => {
  const issuer = new URL(mx.issuer);
  const answer = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...http });
  assert.equal((await oauth.processDiscoveryResponse(issuer, answer)).issuer, mx.issuer);
});
const byHand = { issuer: mx.issuer, token_endpoint: mx.token_endpoint, authorization_endpoint: mx.authorization_endpoint, revocation_endpoint: mx.revocation_endpoint };

/** From the authorization URL to the answer of the token endpoint. */
async function flow(as, { nonce, login, skewed } = {}) {
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const url = new URL(as.authorization_endpoint);
  url.search = new URLSearchParams({
    client_id: client.client_id,
    redirect_uri: callback,
    response_type: 'code',
    scope: 'openid customers accounts',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    ...(nonce && { nonce }),
  });
  const back = oauth.validateAuthResponse(as, client, await customer(url.href, { login }), state);
  return oauth.authorizationCodeGrantRequest(as, client, auth, back, callback, skewed ?? verifier, http);
}
const process = (as, answer, nonce = oauth.expectNoNonce) =>
  oauth.processAuthorizationCodeResponse(as, client, answer, { expectedNonce: nonce, requireIdToken: true });
const refresh = async (token) => {
  const answer = await oauth.refreshTokenGrantRequest(byHand, client, auth, token, http);
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  return oauth.processRefreshTokenResponse(byHand, client, answer);
};

let first;
await call('code, configured by hand', async () => {
  const answer = await flow(byHand);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('content-type'), 'application/json');
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  assert.equal(answer.headers.get('pragma'), 'no-cache');
  first = await process(byHand, answer);
  assert.equal(first.expires_in, 600);
  assert.equal(first.scope, 'openid customers accounts');
  const told = oauth.getValidatedIdTokenClaims(first);
  assert.equal(told.iss, mx.issuer);
  near(told.exp - Date.now() / 1000, 600);
});
if (server) {
  await call('code with nonce, signature of the ID token by the JWKS', async () => {
    const nonce = oauth.generateRandomNonce();
    const answer = await flow(server, { nonce });
    const token = await process(server, answer, nonce);
    await oauth.validateApplicationLevelSignature(server, answer, http);
    assert.equal(oauth.getValidatedIdTokenClaims(token).nonce, nonce);
  });
  await call('userinfo', async () => {
    const token = await process(server, await flow(server, { login: 'bob' }));
    const { sub } = oauth.getValidatedIdTokenClaims(token);
    const answer = await oauth.userInfoRequest(server, client, token.access_token, http);
    assert.equal((await oauth.processUserInfoResponse(server, client, sub, answer)).sub, sub);
  });
  await refused('userinfo without a living token', async () => {
    const answer = await oauth.userInfoRequest(server, client, 'nothing', http);
    return oauth.processUserInfoResponse(server, client, oauth.skipSubjectCheck, answer);
  }, (why) => {
    assert.equal(why.constructor.name, 'WWWAuthenticateChallengeError');
    assert.equal(why.cause[0].scheme, 'bearer');
    assert.equal(why.cause[0].parameters.error, 'invalid_token');
  });
  await call('introspection', async () => {
    const { client_id, client_secret } = mx.resource_server;
    const mine = { client_id };
    const answer = await oauth.introspectionRequest(server, mine, oauth.ClientSecretBasic(client_secret), first.access_token, http);
    const told = await oauth.processIntrospectionResponse(server, mine, answer);
    assert.equal(told.active, true);
    assert.equal(told.client_id, client.client_id);
  });
}
let second;
await call('refresh: rotated', async () => {
  second = await refresh(first.refresh_token);
  assert.notEqual(second.refresh_token, first.refresh_token);
  assert.equal(await active(first.access_token), true);
});
await call('refresh again: the identical successor', async () => {
  assert.equal((await refresh(first.refresh_token)).refresh_token, second.refresh_token);
});
await call('refresh many times at once: one successor', async () => {
  const { refresh_token } = second;
  const all = await Promise.all(Array.from({ length: 8 }, () => refresh(refresh_token)));
  assert.equal(new Set(all.map((token) => token.refresh_token)).size, 1);
  second = all[0];
});
await call('revoke: nothing lives on, a second time is fine', async () => {
  for (const token of [second.refresh_token, second.refresh_token, 'unknown']) {
    const answer = await oauth.revocationRequest(byHand, client, auth, token, http);
    assert.equal(await answer.clone().text(), '');
    await oauth.processRevocationResponse(answer);
  }
  assert.equal(await active(first.access_token), false);
  assert.equal(await active(second.access_token), false);
});
await refused('refresh after it', () => refresh(second.refresh_token), (why) => assert.equal(why.error, 'invalid_grant'));
await refused('wrong code_verifier', async () => process(byHand, await flow(byHand, { skewed: oauth.generateRandomCodeVerifier() })), (why) => {
  assert.equal(why.error, 'invalid_grant');
  assert.equal(why.status, 400);
});
await call('worldline, client_credentials and a verified JWT access token', async () => {
  const issuer = new URL(worldline.issuer);
  const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, http));
  const mine = { client_id: worldline.client.client_id };
  const answer = await oauth.clientCredentialsGrantRequest(as, mine, oauth.ClientSecretPost(worldline.client.client_secret), new URLSearchParams({ scope: 'VOP' }), http);
  const token = await oauth.processClientCredentialsResponse(as, mine, answer);
  assert.equal(token.scope, 'VOP');
  assert.equal(token.expires_in, 300);
});
