// Keys of a client as the sandbox tells them: a private JWK set.
import { webcrypto } from 'node:crypto';

const ALGORITHMS = {
  PS256: { name: 'RSA-PSS', hash: 'SHA-256' },
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  EdDSA: { name: 'Ed25519' },
  Ed25519: { name: 'Ed25519' },
};

/** The first key of the set, ready to sign. */
export async function signingKey({ keys: [jwk] }) {
  const key = await webcrypto.subtle.importKey('jwk', jwk, ALGORITHMS[jwk.alg], false, ['sign']);
  return { key, kid: jwk.kid, jwk };
}
