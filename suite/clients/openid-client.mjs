// npm openid-client: Worldline with every way to authenticate, MX configured by hand and by discovery.
import assert from 'node:assert/strict';
import { createPrivateKey, webcrypto } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as oidc from 'openid-client';
import { base, call, callback, claims, customer, fintecture, introspect, mx, near, refused, worldline } from './lib/suite.mjs';

const configure = (server, id, auth) => {
  const config = new oidc.Configuration(server, id, undefined, auth);
  oidc.allowInsecureRequests(config);
  return config;
};
const oauthError = (code, status = 400) => (why) => {
  assert.equal(why.constructor.name, 'ResponseBodyError', why.stack);
  assert.equal(why.error, code);
  assert.equal(why.status, status);
};
const challenged = (realm) => (why) => {
  assert.equal(why.constructor.name, 'WWWAuthenticateChallengeError', why.stack);
  assert.equal(why.status, 401);
  assert.equal(why.cause[0].scheme, 'basic');
  if (realm) assert.equal(why.cause[0].parameters.realm, realm);
};

// Worldline
const scope = worldline.client.scopes.join(' ');
const realm = (auth, id = worldline.client.client_id) =>
  configure({ issuer: worldline.issuer, token_endpoint: worldline.token_endpoint }, id, auth);
const der = createPrivateKey(readFileSync(worldline.client.private_key)).export({ type: 'pkcs8', format: 'der' });
const key = await webcrypto.subtle.importKey('pkcs8', der, { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, false, ['sign']);
const { kid } = worldline.client;
const jwt = (id, more) => realm(oidc.PrivateKeyJwt({ key, ...more }), id);

for (const [name, config] of Object.entries({
  post: realm(oidc.ClientSecretPost(worldline.client.client_secret)),
  basic: realm(oidc.ClientSecretBasic(worldline.client.client_secret)),
  'private_key_jwt, kid of the certificate': jwt(worldline.client.client_id, { kid }),
  'private_key_jwt, kid in lower case': jwt(worldline.client.client_id, { kid: kid.toLowerCase() }),
  'private_key_jwt, no kid': jwt(worldline.client.client_id, {}),
  'private_key_jwt, the registered subject': jwt('5734699', { kid }),
})) {
  await call(`worldline ${name}`, async () => {
    const token = await oidc.clientCredentialsGrant(config, { scope });
    assert.deepEqual(Object.keys(token),
      ['access_token', 'expires_in', 'refresh_expires_in', 'token_type', 'not-before-policy', 'scope']);
    assert.equal(token.token_type, 'bearer'); // the package writes it so
    assert.equal(token.expires_in, 300);
    near(token.expiresIn(), 300);
    assert.equal(token.refresh_expires_in, 0);
    assert.equal(token['not-before-policy'], 0);
    assert.equal(token.scope, scope);
    const told = claims(token.access_token);
    assert.equal(told.iss, worldline.issuer);
    assert.equal(told.azp, worldline.client.client_id);
    assert.equal(told.typ, 'Bearer');
    assert.equal(told.exp - told.iat, 300);
    assert.equal((await introspect(worldline, token.access_token)).active, true);
  });
}
await refused('worldline post, wrong secret', () => oidc.clientCredentialsGrant(realm(oidc.ClientSecretPost('wrong')), { scope }), oauthError('invalid_client'));
await refused('worldline basic, wrong secret', () => oidc.clientCredentialsGrant(realm(oidc.ClientSecretBasic('wrong')), { scope }), challenged('sandbox'));
await refused('worldline, unknown client', () => oidc.clientCredentialsGrant(realm(oidc.ClientSecretPost('wrong'), 'nobody'), { scope }), oauthError('invalid_client'));
await refused('worldline, kid of another certificate', () => oidc.clientCredentialsGrant(jwt(worldline.client.client_id, { kid: '0'.repeat(40) }), { scope }), oauthError('invalid_client'));
await refused('worldline, scope of another service', () => oidc.clientCredentialsGrant(realm(oidc.ClientSecretPost(worldline.client.client_secret)), { scope: 'VOP IDEAL' }), (why) => {
  oauthError('invalid_scope')(why);
  assert.equal(why.error_description, 'Invalid scopes: VOP IDEAL');
});
await refused('worldline, no scope', () => oidc.clientCredentialsGrant(realm(oidc.ClientSecretPost(worldline.client.client_secret)), {}), oauthError('invalid_scope'));
await call('worldline discovery', async () => {
  const auth = oidc.PrivateKeyJwt({ key, kid });
  const config = await oidc.discovery(new URL(worldline.issuer), worldline.client.client_id, undefined, auth, { execute: [oidc.allowInsecureRequests] });
  assert.equal(config.serverMetadata().issuer, worldline.issuer);
  assert.equal(config.serverMetadata().token_endpoint, worldline.token_endpoint);
  assert.equal((await oidc.clientCredentialsGrant(config, { scope: 'WERO' })).scope, 'WERO');
});
await refused('worldline discovery without /auth: the realm has one issuer', () =>
  oidc.discovery(new URL(worldline.issuer.replace('/auth', '')), 'x', 'x', undefined, { execute: [oidc.allowInsecureRequests] }), (why) => {
  assert.equal(why.code, 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED');
});

// Fintecture: an answer that names its type twice is taken.
await call('fintecture OAC', async () => {
  const { client_id: id, client_secret: secret } = fintecture.client;
  const app = configure({ issuer: base, token_endpoint: fintecture.token_endpoint }, id, oidc.ClientSecretBasic(secret));
  const token = await oidc.clientCredentialsGrant(app, { scope: 'OAC' });
  assert.equal(token.type, 'oac_token');
  assert.equal(token.expires_in, 3600);
  const refresh = configure({ issuer: base, token_endpoint: fintecture.refresh_endpoint }, id, oidc.ClientSecretBasic(secret));
  assert.equal((await oidc.refreshTokenGrant(refresh, token.refresh_token)).refresh_token, token.refresh_token);
});
await refused('fintecture, merged error body', () => {
  const app = configure({ issuer: base, token_endpoint: fintecture.token_endpoint }, fintecture.client.client_id, oidc.ClientSecretPost('wrong'));
  return oidc.clientCredentialsGrant(app, { scope: 'PIS' });
}, oauthError('invalid_client', 401));

// MX
const { client_id: id, client_secret: secret } = mx.client;
const byHand = (auth = oidc.ClientSecretBasic(secret)) => configure({
  issuer: mx.issuer,
  authorization_endpoint: mx.authorization_endpoint,
  token_endpoint: mx.token_endpoint,
  revocation_endpoint: mx.revocation_endpoint,
}, id, auth);
/** Sends the customer to sign in; gives the redirect and the checks that belong to it. */
async function sendCustomer(config, more = {}, who) {
  const verifier = oidc.randomPKCECodeVerifier();
  const state = 'YW55dGhpbmcgeW91IG5lZWQ=';
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: callback,
    scope: 'openid accounts transactions',
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    ...more,
  });
  const back = await customer(url, who);
  return [back, { pkceCodeVerifier: verifier, expectedState: state, idTokenExpected: true }];
}
const redeem = async (config, more, checks, who) => {
  const [back, mine] = await sendCustomer(config, more, who);
  return oidc.authorizationCodeGrant(config, back, { ...mine, ...checks });
};
const active = async (token) => (await introspect(mx, token)).active;

const hand = byHand();
let first;
await call('mx by hand: code, ID token accepted', async () => {
  first = await redeem(hand);
  assert.deepEqual(Object.keys(first), ['access_token', 'token_type', 'expires_in', 'refresh_token', 'scope', 'id_token']);
  assert.equal(first.expires_in, 600);
  assert.equal(first.scope, 'openid accounts transactions');
  const told = first.claims();
  assert.equal(told.iss, mx.issuer);
  assert.equal(told.aud, id);
  assert.ok(told.sub && told.auth_time && told.at_hash);
  assert.equal('nonce' in told, false);
  near(told.exp - told.iat, 600);
  assert.equal(await active(first.access_token), true);
});
let second;
await call('mx refresh: a new refresh token, the access token before lives', async () => {
  second = await oidc.refreshTokenGrant(hand, first.refresh_token);
  assert.notEqual(second.refresh_token, first.refresh_token);
  assert.notEqual(second.access_token, first.access_token);
  assert.equal(second.scope, first.scope);
  assert.equal(second.claims().sub, first.claims().sub);
  assert.equal(await active(first.access_token), true);
});
await call('mx refresh again after a lost answer: the same refresh token', async () => {
  const retry = await oidc.refreshTokenGrant(hand, first.refresh_token);
  assert.equal(retry.refresh_token, second.refresh_token);
});
let third;
await call('mx refresh, a narrower scope', async () => {
  third = await oidc.refreshTokenGrant(hand, second.refresh_token, { scope: 'openid accounts' });
  assert.equal(third.scope, 'openid accounts');
});
await refused('mx refresh, a wider scope', () => oidc.refreshTokenGrant(hand, third.refresh_token, { scope: 'openid statements' }), oauthError('invalid_scope'));
await refused('mx replay of the first refresh token', () => oidc.refreshTokenGrant(hand, first.refresh_token), oauthError('invalid_grant'));
await refused('…ends the grant', () => oidc.refreshTokenGrant(hand, third.refresh_token), oauthError('invalid_grant'));
await call('…and its access tokens', async () => {
  for (const token of [first, second, third]) assert.equal(await active(token.access_token), false);
});

await call('mx revoke an access token: only that one', async () => {
  const token = await redeem(hand);
  await oidc.tokenRevocation(hand, token.access_token, { token_type_hint: 'access_token' });
  assert.equal(await active(token.access_token), false);
  assert.equal(await active((await oidc.refreshTokenGrant(hand, token.refresh_token)).access_token), true);
});
await call('mx revoke a refresh token: everything; twice and unknown are fine', async () => {
  const token = await redeem(hand);
  await oidc.tokenRevocation(hand, token.refresh_token, { token_type_hint: 'refresh_token' });
  assert.equal(await active(token.access_token), false);
  await assert.rejects(oidc.refreshTokenGrant(hand, token.refresh_token), { error: 'invalid_grant' });
  await oidc.tokenRevocation(hand, token.refresh_token);
  await oidc.tokenRevocation(hand, 'nothing-we-know');
});
await refused('mx revoke, wrong secret', () => oidc.tokenRevocation(byHand(oidc.ClientSecretBasic('wrong')), 'x'), challenged());

await call('mx body secret is refused and spends nothing', async () => {
  const [back, checks] = await sendCustomer(hand);
  await assert.rejects(oidc.authorizationCodeGrant(byHand(oidc.ClientSecretPost(secret)), back, checks), { error: 'invalid_client', status: 400 });
  await assert.rejects(oidc.authorizationCodeGrant(byHand(oidc.ClientSecretBasic('wrong')), back, checks), { status: 401 });
  assert.ok((await oidc.authorizationCodeGrant(hand, back, checks)).access_token);
});
await refused('mx wrong code_verifier', async () => {
  const [back, checks] = await sendCustomer(hand);
  return oidc.authorizationCodeGrant(hand, back, { ...checks, pkceCodeVerifier: oidc.randomPKCECodeVerifier() });
}, oauthError('invalid_grant'));
await call('mx code twice: refused, and the first tokens die', async () => {
  const [back, checks] = await sendCustomer(hand);
  const token = await oidc.authorizationCodeGrant(hand, back, checks);
  await assert.rejects(oidc.authorizationCodeGrant(hand, back, checks), { error: 'invalid_grant', status: 400 });
  assert.equal(await active(token.access_token), false);
});
await refused('mx declined', async () => {
  const [back, checks] = await sendCustomer(hand, {}, { answer: 'deny' });
  return oidc.authorizationCodeGrant(hand, back, checks);
}, (why) => {
  assert.equal(why.constructor.name, 'AuthorizationResponseError', why.stack);
  assert.equal(why.error, 'access_denied');
});

const found = await call('mx discovery', async () => {
  const config = await oidc.discovery(new URL(mx.issuer), id, undefined, oidc.ClientSecretBasic(secret), { execute: [oidc.allowInsecureRequests] });
  oidc.enableNonRepudiationChecks(config); // the signature of the ID token is verified too
  const told = config.serverMetadata();
  assert.equal(told.issuer, mx.issuer);
  for (const endpoint of ['authorization_endpoint', 'token_endpoint', 'revocation_endpoint', 'introspection_endpoint', 'jwks_uri']) {
    assert.equal(told[endpoint], mx[endpoint], endpoint);
  }
  assert.equal(config.serverMetadata().supportsPKCE(), true);
  return config;
});
if (found) {
  await call('mx discovered: code with nonce, signature of the ID token, iss of the redirect', async () => {
    const nonce = oidc.randomNonce();
    const token = await redeem(found, { nonce }, { expectedNonce: nonce });
    assert.equal(token.claims().nonce, nonce);
    assert.equal((await oidc.refreshTokenGrant(found, token.refresh_token)).claims().sub, token.claims().sub);
  });
  await call('mx userinfo', async () => {
    const token = await redeem(found, {}, {}, { login: 'bob' });
    const told = await oidc.fetchUserInfo(found, token.access_token, token.claims().sub);
    assert.equal(told.sub, token.claims().sub);
  });
  await call('mx sub: the same for a customer, another for another', async () => {
    const [ada, again, bob] = [await redeem(found), await redeem(found), await redeem(found, {}, {}, { login: 'bob' })].map((token) => token.claims().sub);
    assert.equal(ada, again);
    assert.notEqual(ada, bob);
  });
  await call('mx introspection by the resource server, not by the client', async () => {
    const token = await redeem(found);
    const { client_id: server, client_secret: its } = mx.resource_server;
    const asServer = await oidc.discovery(new URL(mx.issuer), server, undefined, oidc.ClientSecretBasic(its), { execute: [oidc.allowInsecureRequests] });
    const told = await oidc.tokenIntrospection(asServer, token.access_token);
    assert.equal(told.active, true);
    assert.equal(told.client_id, id);
    assert.equal(told.scope, 'openid accounts transactions');
    near(told.exp - Date.now() / 1000, 600);
    assert.deepEqual(await oidc.tokenIntrospection(asServer, 'nothing'), { active: false });
    const told2 = await oidc.tokenIntrospection(found, token.access_token).catch((why) => why);
    assert.notEqual(told2.active, true);
  });
}
