// npm simple-oauth2: MX by code, Worldline and Fintecture by client_credentials.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { AuthorizationCode, ClientCredentials } from 'simple-oauth2';
import { base, call, callback, customer, fintecture, introspect, mx, near, refused, worldline } from './lib/suite.mjs';

const path = (url) => url.slice(base.length);
const credentials = ({ client: { client_id: id, client_secret: secret } }, more) => ({ id, secret, ...more });
const status = (wanted, error) => (why) => {
  assert.equal(why.output.statusCode, wanted);
  assert.equal(why.data.payload.error, error);
};

for (const authorizationMethod of ['header', 'body']) {
  await call(`worldline, credentials in the ${authorizationMethod}`, async () => {
    const client = new ClientCredentials({
      client: credentials(worldline),
      auth: { tokenHost: base, tokenPath: path(worldline.token_endpoint) },
      options: { authorizationMethod },
    });
    const { token, expired } = await client.getToken({ scope: ['VOP', 'WERO'] });
    assert.equal(token.scope, 'VOP WERO');
    assert.equal(token.token_type, 'Bearer');
    assert.equal(token.expires_in, 300);
    near((token.expires_at - Date.now()) / 1000, 300);
    assert.equal(typeof expired, 'function');
  });
}
await call('fintecture PIS', async () => {
  const client = new ClientCredentials({
    client: credentials(fintecture),
    auth: { tokenHost: base, tokenPath: path(fintecture.token_endpoint) },
  });
  const { token } = await client.getToken({ scope: 'PIS' });
  assert.equal(token.expires_in, 3600);
  assert.equal(token.scope, 'PIS');
});
await refused('worldline, wrong secret in the header', () => new ClientCredentials({
  client: credentials(worldline, { secret: 'wrong' }),
  auth: { tokenHost: base, tokenPath: path(worldline.token_endpoint) },
}).getToken({ scope: 'VOP' }), status(401, 'invalid_client'));
await refused('worldline, wrong secret in the body', () => new ClientCredentials({
  client: credentials(worldline, { secret: 'wrong' }),
  auth: { tokenHost: base, tokenPath: path(worldline.token_endpoint) },
  options: { authorizationMethod: 'body' },
}).getToken({ scope: 'VOP' }), status(400, 'invalid_client'));

const app = new AuthorizationCode({
  client: credentials(mx),
  auth: {
    tokenHost: base,
    tokenPath: path(mx.token_endpoint),
    authorizePath: path(mx.authorization_endpoint),
    revokePath: path(mx.revocation_endpoint),
  },
  // As it comes, the package wants JSON also where RFC 7009 has no body.
  http: { json: true },
});
const flow = async () => {
  const verifier = randomBytes(32).toString('base64url');
  const url = app.authorizeURL({
    redirect_uri: callback,
    scope: 'openid accounts',
    state: 'a b+c%2F&=',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  const back = await customer(url);
  assert.equal(back.searchParams.get('state'), 'a b+c%2F&=');
  return app.getToken({ code: back.searchParams.get('code'), redirect_uri: callback, code_verifier: verifier });
};
const active = async (token) => (await introspect(mx, token)).active;

let first;
await call('mx code', async () => {
  first = await flow();
  assert.equal(first.token.scope, 'openid accounts');
  near((first.token.expires_at - Date.now()) / 1000, 600);
  assert.equal(first.expired(), false);
  assert.equal(first.expired(700), true);
  assert.ok(first.token.id_token);
});
let second;
await call('mx refresh: rotated', async () => {
  second = await first.refresh();
  assert.notEqual(second.token.refresh_token, first.token.refresh_token);
  assert.equal(second.token.scope, 'openid accounts');
});
await call('mx refresh again: the identical successor', async () => {
  assert.equal((await first.refresh()).token.refresh_token, second.token.refresh_token);
});
await call('mx revoke the access token', async () => {
  await second.revoke('access_token');
  assert.equal(await active(second.token.access_token), false);
  assert.equal(await active(first.token.access_token), true);
});
await call('mx revoke all', async () => {
  await second.revokeAll();
  assert.equal(await active(first.token.access_token), false);
});
await refused('mx refresh after it', () => second.refresh(), status(400, 'invalid_grant'));
