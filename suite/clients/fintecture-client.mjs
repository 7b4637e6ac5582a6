// npm fintecture-client, the vendor's JavaScript SDK: every call that concerns tokens.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { base, call, callback, customer, fintecture, introspect, near, refused } from './lib/suite.mjs';

process.env.FINTECTUREOAUTHURL_DEV = base; // read when the package is loaded
process.env.FINTECTUREAPIURL_DEV = base;
const { FintectureClient } = (await import('fintecture-client')).default;

const { client_id: app_id, client_secret: app_secret } = fintecture.client;
const private_key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
const client = (more) => new FintectureClient({ app_id, app_secret, private_key, env: 'sandbox', ...more });
const sdk = client();
const provider = 'cmmcfr';
const active = async (token) => (await introspect(fintecture, token)).active;
/** The error of axios holds the answer; the SDK passes it on. */
const answered = (status, error, item) => ({ response }) => {
  assert.equal(response?.status, status);
  const { data } = response;
  assert.equal(data.error, error);
  assert.equal(data.status, status);
  assert.equal(data.errors[0].code, item);
  assert.equal(data.error_description, data.errors[0].message);
  assert.match(data.log_id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
};

await call('PIS token', async () => {
  const token = await sdk.getAccessToken();
  assert.deepEqual(Object.keys(token), ['access_token', 'token_type', 'expires_in', 'scope']);
  assert.equal(token.token_type, 'Bearer');
  assert.equal(token.expires_in, 3600);
  assert.equal(token.scope, 'PIS');
  const seen = await introspect(fintecture, token.access_token);
  assert.equal(seen.active, true);
  assert.equal(seen.scope, 'pis');
  near(seen.exp - Date.now() / 1000, 3600);
});
for (const scope of ['customers', 'customer', 'e-mandate', 'e-mandates', 'pis']) {
  await call(`token for ${scope}: the caller's spelling, no refresh token`, async () => {
    const token = await sdk.getAccessToken(undefined, scope);
    assert.equal(token.scope, scope);
    assert.equal('refresh_token' in token, false);
  });
}
for (const scope of ['OAC', 'organisations:read users:write']) {
  await call(`token for ${scope}: token_type and type, with a refresh token`, async () => {
    const token = await sdk.getAccessToken(undefined, scope);
    assert.equal(token.token_type, 'Bearer');
    assert.equal(token.type, 'oac_token');
    assert.equal(token.scope, scope);
    assert.ok(token.refresh_token);
    assert.equal(typeof (await introspect(fintecture, token.access_token)).organisation_node_id, 'string');
    const again = await sdk.refreshAccessToken(token.refresh_token);
    assert.equal(again.refresh_token, token.refresh_token);
    assert.equal(again.scope, scope);
    assert.equal(again.type, 'oac_token');
  });
}

/** The customer's answer to an authorize URL: the parameters of the redirect. */
const answer = async (url, more) => Object.fromEntries((await customer(url, more)).searchParams);

let first;
let back;
await call('connect, then a code', async () => {
  const { url } = await sdk.getAisConnect(null, { redirect_uri: callback, state: 'st 1' });
  back = await answer(url);
  assert.equal(back.state, 'st 1');
  assert.match(back.customer_id, /^[0-9a-f]{32}$/);
  assert.ok(back.provider);
});
await call('AIS token for the code, without redirect_uri', async () => {
  first = await sdk.getAccessToken(back.code);
  assert.deepEqual(Object.keys(first), ['access_token', 'token_type', 'expires_in', 'refresh_token', 'scope']);
  assert.equal(first.scope, 'AIS');
  assert.equal(first.expires_in, 3600);
  const seen = await introspect(fintecture, first.access_token);
  assert.equal(seen.active, true);
  assert.equal(seen.scope, 'ais');
});
await call('refresh ten times with the first refresh token', async () => {
  let { access_token: before } = first;
  for (let times = 0; times < 10; times += 1) {
    const token = await sdk.refreshAccessToken(first.refresh_token);
    assert.equal(token.refresh_token, first.refresh_token);
    assert.notEqual(token.access_token, before);
    assert.equal(token.scope, 'AIS');
    assert.equal(await active(before), false, 'the access token before is still active');
    assert.equal(await active(token.access_token), true);
    before = token.access_token;
  }
  first.access_token = before;
});
await refused('the code again', () => sdk.getAccessToken(back.code), answered(401, 'invalid_grant', 'invalid_code'));
await call('…ends what the first use gave', async () => {
  assert.equal(await active(first.access_token), false);
});
await refused('…and its refresh token', () => sdk.refreshAccessToken(first.refresh_token), answered(401, 'invalid_grant', 'invalid_token'));

await call('redirect to a named provider, delete the customer', async () => {
  const answered = await sdk.getRedirectAuthUrl(null, provider, callback, 'st');
  assert.equal(answered.provider, provider);
  assert.equal(answered.model, 'redirect');
  const { code, customer_id, state, provider: named } = await answer(answered.url);
  assert.equal(state, 'st');
  assert.equal(named, provider);
  assert.equal((await answer((await sdk.getRedirectAuthUrl(null, provider, callback, 'st')).url)).customer_id, customer_id);
  const { access_token } = await sdk.getAccessToken(code);
  assert.equal(await active(access_token), true);
  const deleted = await sdk.deleteCustomer(access_token, customer_id);
  assert.deepEqual(deleted, { meta: { status: 200, code: 'customer_deleted' } });
  assert.equal(await active(access_token), false);
});
await call('decoupled: pending, completed, a code', async () => {
  const started = await sdk.getDecoupledAuthUrl(null, provider, 'bob', '192.0.2.4', callback);
  assert.equal(started.model, 'decoupled');
  assert.ok(started.polling_id);
  const pending = await sdk.getDecoupledAuthStatus(null, provider, started.polling_id);
  assert.equal(pending.status, 'PENDING');
  assert.ok((await customer(started.url, { login: 'bob' })).html);
  const completed = await sdk.getDecoupledAuthStatus(null, provider, started.polling_id);
  assert.equal(completed.status, 'COMPLETED');
  const token = await sdk.getAccessToken(completed.code);
  assert.equal(token.scope, 'AIS');
  assert.equal(await active(token.access_token), true);
});
await call('decoupled: failed', async () => {
  const started = await sdk.getDecoupledAuthUrl(null, provider, 'bob', '192.0.2.4', callback);
  assert.ok((await customer(started.url, { login: 'bob', answer: 'deny' })).html, 'sent to the app instead of the page that may be closed');
  const failed = await sdk.getDecoupledAuthStatus(null, provider, started.polling_id);
  assert.equal(failed.status, 'FAILED');
  assert.equal('code' in failed, false);
});
await call('declined: the vendor\'s error on the redirect', async () => {
  const { url } = await sdk.getAisConnect(null, { redirect_uri: callback, state: '1234' });
  const told = await answer(url, { answer: 'deny' });
  assert.deepEqual({ ...told }, { error: 'provider_error', state: '1234', provider_error: 'access_denied' });
});

await refused('wrong secret', () => client({ app_secret: 'wrong' }).getAccessToken(), answered(401, 'invalid_client', 'invalid_app_id'));
await refused('unknown app', () => client({ app_id: 'nobody' }).getAccessToken(), answered(401, 'invalid_client', 'invalid_app_id'));
await refused('scope of nobody', () => sdk.getAccessToken(undefined, 'payments'), answered(401, 'invalid_scope', 'invalid_scopes'));
await refused('AIS without a code', () => sdk.getAccessToken(undefined, 'AIS'), answered(401, 'invalid_scope', 'invalid_scopes'));
await refused('code of nobody', () => sdk.getAccessToken('the+code/='), answered(401, 'invalid_grant', 'invalid_code'));
await refused('refresh token of nobody', () => sdk.refreshAccessToken('RT'), answered(401, 'invalid_grant', 'invalid_token'));
