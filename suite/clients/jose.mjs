// npm jose: the other side of every algorithm. It verifies what Counterfoil signs (ID tokens, userinfo,
// JARM, introspection, access tokens), and Counterfoil takes what it signs (assertions, request objects, proofs).
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as jose from 'jose';
import { call, callback, customer, fapi2, fapi2Ms, standard, worldline } from './lib/suite.mjs';
import { post, registered } from './lib/registered.mjs';

const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const discovered = async ({ discovery }) => (await fetch(discovery)).json();
const now = () => Math.floor(Date.now() / 1000);
const hash = (text) => createHash('sha256').update(text).digest('base64url');

/** A client with one key of its own, for whom everything is signed with its algorithm. */
async function client(surface, alg) {
  const { publicKey, privateKey } = await jose.generateKeyPair(alg, { extractable: true });
  const jwk = { ...await jose.exportJWK(publicKey), kid: `jose-${alg}`, alg, use: 'sig' };
  const told = await registered(surface, {
    client_name: `jose ${alg}`,
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: alg,
    jwks: { keys: [jwk] },
    id_token_signed_response_alg: alg,
    userinfo_signed_response_alg: alg,
    ...(surface !== fapi2 && { authorization_signed_response_alg: alg, request_object_signing_alg: alg }),
  });
  const as = await discovered(surface);
  return { surface, as, alg, id: told.client_id, kid: jwk.kid, key: privateKey, keys: jose.createRemoteJWKSet(new URL(as.jwks_uri)) };
}

const signed = ({ alg, kid, key }, typ, payload) =>
  new jose.SignJWT(payload).setProtectedHeader({ alg, kid, typ }).sign(key);

async function authentication(app, spoil = (text) => text) {
  const { id, as } = app;
  const claims = { iss: id, sub: id, aud: as.issuer, jti: randomUUID(), iat: now(), exp: now() + 60 };
  return { client_assertion_type: ASSERTION, client_assertion: spoil(await signed(app, 'JWT', claims)) };
}

/** A proof by a key of its own. */
async function proof({ publicKey, privateKey, alg }, method, url, token) {
  const jwk = await jose.exportJWK(publicKey);
  const payload = { jti: randomUUID(), htm: method, htu: url, iat: now(), ...(token && { ath: hash(token) }) };
  return new jose.SignJWT(payload).setProtectedHeader({ alg, typ: 'dpop+jwt', jwk }).sign(privateKey);
}

/** A message with one bit of its signature turned. */
function forged(message) {
  const [header, payload, signature] = message.split('.');
  const bytes = Buffer.from(signature, 'base64url');
  bytes[7] ^= 1;
  return `${header}.${payload}.${bytes.toString('base64url')}`;
}

/** By the keys of the server: the right one is found, and nothing else verifies. */
async function ours(app, message, options, what = app.alg) {
  const { payload, protectedHeader } = await jose.jwtVerify(message, app.keys, { issuer: app.as.issuer, algorithms: [what], ...options });
  assert.equal(protectedHeader.alg, what);
  await assert.rejects(jose.jwtVerify(forged(message), app.keys), { code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' });
  return payload;
}

for (const [surface, name, algs] of [
  [standard, 'standard', ['RS256', 'PS256', 'ES256', 'EdDSA']],
  [fapi2, 'fapi2', ['PS256', 'ES256', 'EdDSA']],
  [fapi2Ms, 'fapi2-ms', ['PS256', 'ES256', 'EdDSA']],
]) {
  for (const alg of algs) {
    const app = await call(`${name} ${alg}: a client registers with its key`, () => client(surface, alg));
    if (!app) continue;
    const proving = surface === standard ? undefined : { ...await jose.generateKeyPair(alg), alg };
    const headers = async (url, token, method = 'POST') => (proving ? { dpop: await proof(proving, method, url, token) } : {});
    await call(`${name} ${alg}: we take its assertion, and no forged one`, async () => {
      const url = app.as.token_endpoint;
      const own = { grant_type: 'client_credentials', scope: 'profile' };
      const told = await post(url, { ...own, ...await authentication(app) }, await headers(url));
      assert.equal(told.status, 200, JSON.stringify(told.body));
      const wrong = await post(url, { ...own, ...await authentication(app, forged) }, await headers(url));
      assert.equal(wrong.body.error, 'invalid_client');
    });
    let tokens;
    await call(`${name} ${alg}: a flow, every message of ours verified`, async () => {
      const verifier = randomUUID() + randomUUID();
      const nonce = randomUUID();
      let request = {
        client_id: app.id,
        redirect_uri: callback,
        response_type: 'code',
        scope: 'openid profile',
        nonce,
        code_challenge: hash(verifier),
        code_challenge_method: 'S256',
        ...(surface !== fapi2 && { response_mode: 'jwt' }),
      };
      if (surface !== fapi2) {
        const claims = { ...request, iss: app.id, aud: app.as.issuer, nbf: now(), iat: now(), exp: now() + 300, jti: randomUUID() };
        const object = await signed(app, 'oauth-authz-req+jwt', claims);
        const par = app.as.pushed_authorization_request_endpoint;
        const wrong = await post(par, { request: forged(object), ...await authentication(app) });
        assert.equal(wrong.body.error, 'invalid_request_object');
        request = { request: object };
      }
      const par = await post(app.as.pushed_authorization_request_endpoint, { ...request, ...await authentication(app) });
      assert.equal(par.status, 201, JSON.stringify(par.body));
      const back = await customer(`${app.as.authorization_endpoint}?${new URLSearchParams({ client_id: app.id, request_uri: par.body.request_uri })}`);
      let code = back.searchParams.get('code');
      if (surface !== fapi2) {
        ({ code } = await ours(app, back.searchParams.get('response'), { audience: app.id }));
      }
      const url = app.as.token_endpoint;
      const form = { grant_type: 'authorization_code', code, redirect_uri: callback, code_verifier: verifier };
      const told = await post(url, { ...form, ...await authentication(app) }, await headers(url));
      assert.equal(told.status, 200, JSON.stringify(told.body));
      tokens = told.body;
      const login = await ours(app, tokens.id_token, { audience: app.id });
      assert.equal(login.nonce, nonce);
      const userinfo = app.as.userinfo_endpoint;
      const authorization = `${tokens.token_type} ${tokens.access_token}`;
      const info = await fetch(userinfo, { headers: { authorization, ...await headers(userinfo, tokens.access_token, 'GET') } });
      assert.equal(info.headers.get('content-type'), 'application/jwt');
      const { sub, name: full } = await ours(app, await info.text(), { audience: app.id });
      assert.deepEqual([sub, full], [login.sub, 'Ada Lovelace']);
    });
    await call(`${name} ${alg}: introspection, signed for the resource server`, async () => {
      const { client_id: id, client_secret: secret } = surface.resource_server;
      const answer = await fetch(app.as.introspection_endpoint, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa(`${id}:${secret}`)}`, accept: 'application/token-introspection+jwt' },
        body: new URLSearchParams({ token: tokens.access_token }),
      });
      const text = await answer.text();
      const { alg: chosen } = jose.decodeProtectedHeader(text);
      const told = await ours(app, text, { audience: id, typ: 'token-introspection+jwt' }, chosen);
      assert.equal(told.token_introspection.active, true);
    });
  }
}

for (const alg of ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA']) {
  for (const [surface, name] of [[standard, 'standard'], [fapi2, 'fapi2']]) {
    const taken = surface === standard || ['PS256', 'ES256', 'EdDSA'].includes(alg);
    await call(`${name}: a proof signed with ${alg} is ${taken ? 'taken' : 'refused'}`, async () => {
      const app = await client(surface, 'ES256');
      const proving = { ...await jose.generateKeyPair(alg), alg };
      const url = app.as.token_endpoint;
      const form = { grant_type: 'client_credentials', scope: 'profile' };
      const made = await proof(proving, 'POST', url);
      const wrong = await post(url, { ...form, ...await authentication(app) }, { dpop: forged(made) });
      assert.equal(wrong.body.error, 'invalid_dpop_proof');
      const told = await post(url, { ...form, ...await authentication(app) }, { dpop: made });
      if (!taken) {
        assert.equal(told.body.error, 'invalid_dpop_proof');
        return;
      }
      assert.equal(told.body.token_type, 'DPoP', JSON.stringify(told.body));
      const { access_token: token } = told.body;
      const dpop = await proof(proving, 'GET', surface.resource, token);
      const seen = await fetch(surface.resource, { headers: { authorization: `DPoP ${token}`, dpop } });
      assert.equal(seen.status, 200);
    });
  }
}

await call('worldline: an access token of ours', async () => {
  const { client_id: id, client_secret: secret } = worldline.client;
  const told = await post(worldline.token_endpoint, { grant_type: 'client_credentials', scope: 'VOP', client_id: id, client_secret: secret });
  const keys = jose.createRemoteJWKSet(new URL(worldline.jwks_uri));
  const { payload } = await jose.jwtVerify(told.body.access_token, keys, { issuer: worldline.issuer, algorithms: ['RS256'] });
  assert.equal(payload.azp, id);
});

const folder = mkdtempSync(join(tmpdir(), 'counterfoil-jose-'));
const check = (...line) => spawnSync(process.env.COUNTERFOIL_BINARY, ['jwt', 'check', ...line], { encoding: 'utf8' });
for (const alg of ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']) {
  await call(`counterfoil jwt check, ${alg}`, async () => {
    const { publicKey, privateKey } = await jose.generateKeyPair(alg, { extractable: true });
    const set = join(folder, `${alg}.json`);
    writeFileSync(set, JSON.stringify({ keys: [{ ...await jose.exportJWK(publicKey), kid: 'k', alg }] }));
    const message = await new jose.SignJWT({ iss: 'jose' }).setProtectedHeader({ alg, kid: 'k' }).setExpirationTime('1m').sign(privateKey);
    const told = check(message, '--jwks', set);
    assert.equal(told.status, 0, told.stderr);
    assert.match(told.stdout, new RegExp(`signature +right, ${alg} by kid k`));
    assert.equal(check(forged(message), '--jwks', set).status, 1);
    const thumbprint = spawnSync(process.env.COUNTERFOIL_BINARY, ['jwk', 'thumbprint', set], { encoding: 'utf8' }).stdout;
    assert.equal(thumbprint.trim(), `${await jose.calculateJwkThumbprint(await jose.exportJWK(publicKey))}  k`);
  });
}
rmSync(folder, { recursive: true });
