// Clients that register themselves (RFC 7591), for whatever the seeded ones do not have.
import assert from 'node:assert/strict';
import { callback } from './suite.mjs';

/** What a surface answers to a registration. */
export async function registered(surface, metadata) {
  const answer = await fetch(surface.registration_endpoint, {
    method: 'POST',
    headers: { authorization: `Bearer ${surface.initial_access_token}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      redirect_uris: [callback],
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
      ...metadata,
    }),
  });
  const told = await answer.json();
  assert.equal(answer.status, 201, JSON.stringify(told));
  return told;
}

/** A form to an endpoint: status and JSON. */
export async function post(url, form, headers = {}) {
  const answer = await fetch(url, { method: 'POST', headers, body: new URLSearchParams(form) });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text ? JSON.parse(text) : undefined };
}
