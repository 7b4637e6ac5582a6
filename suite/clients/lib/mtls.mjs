// A fetch that shows a certificate: what an app has in place of the one of its runtime, which cannot.
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { sandbox } from './suite.mjs';

/** For a client of the sandbox, with its certificate and key. */
export function fetchWith({ certificate, certificate_key: certificateKey }) {
  const tls = { ca: readFileSync(sandbox.ca), cert: readFileSync(certificate), key: readFileSync(certificateKey) };
  return async (url, { method = 'GET', headers = {}, body } = {}) => new Promise((resolve, reject) => {
    const sent = Object.fromEntries(new Headers(headers));
    const text = body === undefined || body === null ? '' : String(body);
    if (text) sent['content-length'] = Buffer.byteLength(text);
    const call = request(url, { ...tls, method, headers: sent }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => {
        const told = new Headers();
        for (let at = 0; at < answer.rawHeaders.length; at += 2) told.append(answer.rawHeaders[at], answer.rawHeaders[at + 1]);
        resolve(new Response(Buffer.concat(parts), { status: answer.statusCode, headers: told }));
      });
    });
    call.once('error', reject);
    call.end(text);
  });
}
