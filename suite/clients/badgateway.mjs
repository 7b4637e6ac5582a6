// npm @badgateway/oauth2-client: MX by discovery, Worldline and Fintecture by client_credentials.
import assert from 'node:assert/strict';
import { OAuth2Client, generateCodeVerifier } from '@badgateway/oauth2-client';
import { base, call, callback, customer, fintecture, introspect, mx, near, refused, worldline } from './lib/suite.mjs';

const configure = (surface, more) => new OAuth2Client({
  server: base,
  clientId: surface.client.client_id,
  clientSecret: surface.client.client_secret,
  tokenEndpoint: surface.token_endpoint,
  ...more,
});
const oauthError = (status, code) => (why) => {
  assert.equal(why.oauth2Code, code, why.stack);
  assert.equal(why.httpCode, status);
};

for (const authenticationMethod of ['client_secret_basic', 'client_secret_basic_interop', 'client_secret_post']) {
  await call(`worldline ${authenticationMethod}`, async () => {
    const token = await configure(worldline, { authenticationMethod }).clientCredentials({ scope: ['VOP', 'WERO'] });
    assert.ok(token.accessToken);
    assert.equal(token.refreshToken ?? null, null);
    assert.deepEqual(token.scope, ['VOP', 'WERO']);
    near((token.expiresAt - Date.now()) / 1000, 300);
  });
}
await call('fintecture PIS', async () => {
  const token = await configure(fintecture).clientCredentials({ scope: ['PIS'] });
  near((token.expiresAt - Date.now()) / 1000, 3600);
  assert.deepEqual(token.scope, ['PIS']);
});
await refused('worldline, wrong secret, post', () =>
  configure(worldline, { clientSecret: 'wrong', authenticationMethod: 'client_secret_post' }).clientCredentials({ scope: ['VOP'] }), oauthError(400, 'invalid_client'));
await refused('worldline, wrong secret, basic', () =>
  configure(worldline, { clientSecret: 'wrong', authenticationMethod: 'client_secret_basic' }).clientCredentials({ scope: ['VOP'] }), oauthError(401, 'invalid_client'));
await refused('fintecture, wrong secret: the merged body', () =>
  configure(fintecture, { clientSecret: 'wrong' }).clientCredentials({ scope: ['PIS'] }), oauthError(401, 'invalid_client'));

const app = new OAuth2Client({
  server: base,
  clientId: mx.client.client_id,
  clientSecret: mx.client.client_secret,
  discoveryEndpoint: `${base}/.well-known/oauth-authorization-server`,
});
const active = async (token) => (await introspect(mx, token.accessToken)).active;
const flow = async () => {
  const codeVerifier = await generateCodeVerifier();
  const state = 'st';
  const url = await app.authorizationCode.getAuthorizeUri({ redirectUri: callback, state, codeVerifier, scope: ['openid', 'accounts'] });
  assert.ok(url.startsWith(mx.authorization_endpoint));
  const back = await customer(url);
  return app.authorizationCode.getTokenFromCodeRedirect(back.href, { redirectUri: callback, state, codeVerifier });
};

let first;
await call('mx discovered: code', async () => {
  first = await flow();
  near((first.expiresAt - Date.now()) / 1000, 600);
  assert.deepEqual(first.scope, ['openid', 'accounts']);
  assert.ok(first.idToken);
});
let second;
await call('mx refresh: rotated', async () => {
  second = await app.refreshToken(first);
  assert.notEqual(second.refreshToken, first.refreshToken);
});
await call('mx refresh again: the identical successor', async () => {
  assert.equal((await app.refreshToken(first)).refreshToken, second.refreshToken);
});
await call('mx introspection by the resource server', async () => {
  const { client_id: clientId, client_secret: clientSecret } = mx.resource_server;
  const server = new OAuth2Client({ server: base, clientId, clientSecret, introspectionEndpoint: mx.introspection_endpoint });
  const told = await server.introspect(second);
  assert.equal(told.active, true);
  assert.equal(told.scope, 'openid accounts');
});
await call('mx revoke', async () => {
  await app.revoke(second, 'refresh_token');
  assert.equal(await active(first), false);
  assert.equal(await active(second), false);
});
await refused('mx refresh after it', () => app.refreshToken(second), oauthError(400, 'invalid_grant'));
