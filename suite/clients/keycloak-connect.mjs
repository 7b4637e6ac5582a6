// npm keycloak-connect: fetches a token from the Worldline realm and verifies it on its own.
import assert from 'node:assert/strict';
import KeycloakConnect from 'keycloak-connect';
import { base, call, refused, worldline } from './lib/suite.mjs';

const connect = (more, secret = worldline.client.client_secret) => new KeycloakConnect({}, {
  realm: 'sandbox',
  'auth-server-url': `${base}/auth/`,
  'ssl-required': 'none',
  resource: worldline.client.client_id,
  credentials: { secret },
  ...more,
});
const fetchGrant = (keycloak, scope = 'VOP WERO') => keycloak.grantManager.obtainFromClientCredentials(undefined, scope);

const grant = await call('client_credentials, the token verified by the JWKS', async () => {
  const grant = await fetchGrant(connect());
  const { content, header } = grant.access_token;
  assert.equal(header.alg, 'RS256');
  assert.equal(content.typ, 'Bearer');
  assert.equal(content.iss, worldline.issuer);
  assert.equal(content.scope, 'VOP WERO');
  assert.equal(grant.isExpired(), false);
  assert.equal(Number(grant.expires_in), 300);
  assert.equal(grant.refresh_token, undefined);
  return grant;
});
await call('auth-server-url without the final slash', async () => {
  assert.ok((await fetchGrant(connect({ 'auth-server-url': `${base}/auth` }))).access_token);
});
await call('bearer-only resource verifies the same token', async () => {
  const manager = connect({ 'bearer-only': true }).grantManager;
  const token = await manager.validateToken(grant.access_token, 'Bearer');
  assert.equal(token.token, grant.access_token.token);
});
await refused('a token with one flipped bit', async () => {
  const manager = connect().grantManager;
  const made = await manager.createGrant({ access_token: grant.access_token.token });
  const [head, body, signature] = made.access_token.token.split('.');
  const bytes = Buffer.from(signature, 'base64url');
  bytes[7] ^= 1;
  const Token = made.access_token.constructor;
  return manager.validateToken(new Token(`${head}.${body}.${bytes.toString('base64url')}`, worldline.client.client_id), 'Bearer');
}, (why) => assert.match(why.message, /signature/));
await call('introspection by the package: the client is no resource server', async () => {
  assert.equal(await connect().grantManager.validateAccessToken(grant.access_token.token), false);
});
await call('introspection as the resource server', async () => {
  const { client_id: resource, client_secret: secret } = worldline.resource_server;
  const token = await connect({ resource }, secret).grantManager.validateAccessToken(grant.access_token.token);
  assert.equal(token, grant.access_token.token);
});
await refused('wrong secret', () => fetchGrant(connect({}, 'wrong')), (why) => assert.match(why.message, /401/));
await refused('scope of another service', () => fetchGrant(connect(), 'VOP IDEAL'), (why) => assert.match(why.message, /400/));
await refused('without /auth: the realm has one issuer', () => fetchGrant(connect({ 'auth-server-url': `${base}/` })), (why) => assert.match(why.message, /wrong ISS/));
