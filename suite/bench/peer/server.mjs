// node-oidc-provider with its records in memory, for `cargo xtask bench --peer node-oidc-provider`.
// Usage: node server.mjs SETTINGS HANDLES, both JSON; prints its address when it is ready.
import { readFileSync, writeFileSync } from 'node:fs';
import Provider from 'oidc-provider';

const settings = JSON.parse(readFileSync(process.argv[2], 'utf8'));

// A plain map: the adapter that comes with the package forgets after a thousand records.
const records = new Map();
const grants = new Map();
class Memory {
  constructor(model) { this.model = model; }
  key(id) { return `${this.model}:${id}`; }
  async upsert(id, payload) {
    const key = this.key(id);
    if (payload.grantId && this.model !== 'Grant') {
      let of = grants.get(payload.grantId);
      if (!of) grants.set(payload.grantId, of = new Set());
      of.add(key);
    }
    records.set(key, payload);
  }
  async find(id) { return records.get(this.key(id)); }
  async findByUid() { return undefined; }
  async findByUserCode() { return undefined; }
  async consume(id) { records.get(this.key(id)).consumed = Math.floor(Date.now() / 1000); }
  async destroy(id) { records.delete(this.key(id)); }
  async revokeByGrantId(id) {
    for (const key of grants.get(id) ?? []) records.delete(key);
    grants.delete(id);
  }
}

const realm = 'https://api.example';
const provider = new Provider(settings.issuer, {
  adapter: Memory,
  clients: settings.clients,
  jwks: { keys: settings.keys },
  scopes: ['openid', 'offline_access', 'accounts', 'transactions', 'PIS', 'VOP'],
  clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
  pkce: { required: () => true },
  rotateRefreshToken: true,
  issueRefreshToken: async () => true,
  findAccount: async (_, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
  ttl: { AccessToken: 86400, RefreshToken: 30 * 86400, ClientCredentials: 600, Grant: 30 * 86400,
    IdToken: 600 },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    introspection: { enabled: true, allowedPolicy: async () => true },
    revocation: { enabled: true, allowedPolicy: async () => true },
    // Clients of the realm get a JWT; all others an opaque token.
    resourceIndicators: {
      enabled: true,
      defaultResource: async (_, client) => (client.clientId.startsWith('wl') ? realm : undefined),
      useGrantedResource: async () => false,
      getResourceServerInfo: async () => ({
        scope: 'VOP', audience: realm, accessTokenTTL: 300, accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
});

const handles = { codes: [], revocable: [], living: [], rotating: [], rotating_openid: [] };
async function grantOf(n) {
  const clientId = settings.holders[n % settings.holders.length];
  const grant = new provider.Grant({ accountId: `customer-${n}`, clientId });
  grant.addOIDCScope('openid accounts transactions offline_access');
  const grantId = await grant.save();
  const client = await provider.Client.find(clientId);
  const scope = 'openid accounts transactions offline_access';
  return { accountId: `customer-${n}`, client, grantId, scope };
}
for (let n = 0; n < settings.codes; n++) {
  const code = new provider.AuthorizationCode({
    ...await grantOf(n), claims: {}, codeChallenge: settings.challenge, codeChallengeMethod: 'S256',
    redirectUri: settings.callback, nonce: '0123456789', authTime: Math.floor(Date.now() / 1000),
    gty: 'authorization_code', expiresIn: 86400,
  });
  handles.codes.push(await code.save());
}
for (const [name, count] of [['living', settings.living], ['revocable', settings.revocable]]) {
  for (let n = 0; n < count; n++) {
    const token = new provider.AccessToken({ ...await grantOf(n), gty: 'authorization_code' });
    handles[name].push(await token.save());
  }
}
for (const [name, scope] of [['rotating', 'accounts transactions offline_access'],
  ['rotating_openid', 'openid accounts transactions offline_access']]) {
  for (let n = 0; n < settings.chains; n++) {
    const token = new provider.RefreshToken({
      ...await grantOf(n), scope, claims: {}, authTime: Math.floor(Date.now() / 1000),
      gty: 'authorization_code', rotations: 0, iiat: Math.floor(Date.now() / 1000),
    });
    handles[name].push(await token.save());
  }
}
writeFileSync(process.argv[3], JSON.stringify(handles));

const server = provider.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ plain: `127.0.0.1:${server.address().port}` }));
});
server.keepAliveTimeout = 60_000;
