// Keys of a client as the sandbox tells them: a private JWK set.
import { webcrypto } from 'node:crypto';

const ALGORITHMS = {
  PS256: { name: 'RSA-PSS', hash: 'SHA-256' },
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  EdDSA: { name: 'Ed25519' },
  Ed25519: { name: 'Ed25519' },
};

/** The key of an algorithm, ready to sign; the first one of the set when none is named. */
export async function signingKey({ keys }, alg = keys[0].alg) {
  const jwk = keys.find((one) => one.alg === alg);
  const key = await webcrypto.subtle.importKey('jwk', jwk, ALGORITHMS[alg], false, ['sign']);
  return { key, kid: jwk.kid, jwk };
}
