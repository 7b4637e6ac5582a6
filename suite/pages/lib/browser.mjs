// Debian's Chromium, and what every check needs: a context that sends nothing to other hosts, the
// app that the customer comes back to, and the way to each page.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { request } from 'node:https';
import { json } from 'node:stream/consumers';
import { chromium } from 'playwright-core';

const STEP_MS = 10_000;

/** `large`: the browser's own font size is doubled, as somebody who reads badly sets it. */
export async function launch({ large = false } = {}) {
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  if (large) args.push('--blink-settings=defaultFontSize=32,defaultFixedFontSize=26');
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args });
}

/** The app's redirect URI: it notes with what the customer came back. */
export async function startApp() {
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end('<!doctype html><html lang="en"><title>App</title><h1>The app</h1>');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${server.address().port}`;
  return { origin, callback: `${origin}/callback`, close: () => server.close() };
}

/** A context of its own: cookies, and a list of requests that went elsewhere. */
export async function open(browser, { sandbox, app, foreign }, options = {}) {
  const context = await browser.newContext({
    javaScriptEnabled: false,
    ignoreHTTPSErrors: true,
    viewport: { width: 720, height: 900 },
    locale: 'en-GB',
    ...options,
  });
  context.setDefaultTimeout(STEP_MS);
  const ours = [sandbox.http, sandbox.https, app.origin];
  await context.route('**/*', (route) => {
    const url = route.request().url();
    if (ours.includes(new URL(url).origin)) return route.continue();
    foreign.push(url);
    return route.abort();
  });
  return context;
}

/** The URL that an app sends its customer to, and the verifier it keeps. */
export function authorizeUrl({ sandbox, app }, surface, { https = false, ...more } = {}) {
  const { authorization_endpoint, client } = sandbox.surfaces[surface];
  const verifier = randomBytes(32).toString('base64url');
  const url = new URL(authorization_endpoint);
  if (https) {
    url.protocol = 'https:';
    url.port = new URL(sandbox.https).port;
  }
  const asked = surface === 'mx'
    ? {
      client_id: client.client_id,
      scope: 'openid customers accounts transactions',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    }
    : { app_id: client.client_id };
  url.search = new URLSearchParams({ response_type: 'code', redirect_uri: app.callback, state: 'a b+c%2F&=', ...asked, ...more });
  return { url: url.href, verifier };
}

/** A form to an endpoint of plain OpenID Connect, as the app sends it. */
export async function ask({ sandbox }, path, form) {
  const { issuer, client } = sandbox.surfaces.standard;
  const asked = request(`${issuer}${path}`, {
    method: 'POST',
    ca: readFileSync(sandbox.ca),
    auth: `${client.client_id}:${client.client_secret}`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  asked.end(new URLSearchParams(form).toString());
  const [answer] = await once(asked, 'response');
  return { status: answer.statusCode, body: await json(answer) };
}

/** The URL of a request that was pushed with these authorization details. */
export async function detailsUrl(world, details, more = {}) {
  const { issuer, client } = world.sandbox.surfaces.standard;
  const pushed = await ask(world, '/par', {
    response_type: 'code',
    redirect_uri: world.app.callback,
    authorization_details: JSON.stringify(details),
    ...more,
  });
  if (pushed.status !== 201) throw new Error(JSON.stringify(pushed.body));
  return `${issuer}/authorize?${new URLSearchParams({ client_id: client.client_id, request_uri: pushed.body.request_uri })}`;
}

/** A payment and a look into accounts, as RFC 9396 writes them. */
export const payment = {
  type: 'payment_initiation',
  actions: ['initiate', 'status', 'cancel'],
  instructedAmount: { currency: 'EUR', amount: '1234.50' },
  creditorName: 'Merchant A',
  creditorAccount: { iban: 'DE02100100109307118603' },
  remittanceInformationUnstructured: 'Ref Number Merchant',
  requestedExecutionDate: '2032-05-20',
};
export const information = {
  type: 'account_information',
  actions: ['list_accounts', 'read_balances', 'read_transactions'],
  expirationDate: '2032-05-20',
};
export const fdx = {
  type: 'fdx_v1.0',
  consentRequest: {
    durationType: 'TIME_BOUND',
    durationPeriod: 90,
    lookbackPeriod: 60,
    resources: [
      { resourceType: 'ACCOUNT', dataClusters: ['ACCOUNT_DETAILED', 'TRANSACTIONS', 'STATEMENTS'] },
      { resourceType: 'CUSTOMER', dataClusters: ['CUSTOMER_CONTACT', 'CUSTOMER_PERSONAL'] },
    ],
  },
};

/** Exchanges a code as the app would. */
export async function redeem({ sandbox, app }, surface, code, verifier) {
  const { token_endpoint, client } = sandbox.surfaces[surface];
  const form = { grant_type: 'authorization_code', code };
  if (surface === 'mx') Object.assign(form, { redirect_uri: app.callback, code_verifier: verifier });
  const basic = Buffer.from(`${client.client_id}:${client.client_secret}`).toString('base64');
  const answer = await fetch(token_endpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${basic}` },
    body: new URLSearchParams(form),
  });
  return { status: answer.status, body: await answer.json() };
}

export async function signIn(page, login, password) {
  await page.fill('#login', login);
  await page.fill('#password', password);
  await page.click('#login-submit');
}

/** The parameters with which the customer came back to the app. */
export async function returned(page, app) {
  await page.waitForURL(`${app.callback}?**`);
  return Object.fromEntries(new URL(page.url()).searchParams);
}
