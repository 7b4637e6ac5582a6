// What every script of this suite shares: the sandbox it talks to, a customer who answers the
// pages, the resource server's question, and a line for each call.
import assert from 'node:assert/strict';

export const sandbox = JSON.parse(process.env.COUNTERFOIL_SANDBOX);
export const base = sandbox.http;
export const { fintecture, mx, worldline, standard, fapi2, fapi2_ms: fapi2Ms } = sandbox.surfaces;
/** The registered redirect URI with a port, which is free to differ (RFC 8252 section 7.3). */
export const callback = 'http://127.0.0.1:8099/callback';

// A script that breaks has made fewer calls than it should: that is a failure too.
process.on('uncaughtException', (why) => {
  console.log(`FAILED the script itself: ${why.stack.split('\n').slice(0, 2).join(' ')}`);
  process.exitCode = 1;
});

/** One call of the package. The script goes on after a failure, so that all of them are seen. */
export async function call(name, body) {
  try {
    const value = await body();
    console.log(`ok ${name}`);
    return value;
  } catch (why) {
    const more = why?.response?.data ?? why?.data?.payload ?? why?.cause ?? why?.error;
    const shown = more instanceof Error ? more.message : more && JSON.stringify(more);
    const text = `${why?.name}: ${why?.message}${shown ? ` ${shown}` : ''}`;
    console.log(`FAILED ${name}: ${text.replace(/\s+/g, ' ')}`);
    process.exitCode = 1;
    return undefined;
  }
}

/** The call must fail, and the error is given to be looked at. */
export async function refused(name, body, look) {
  return call(name, async () => {
    let value;
    try {
      value = await body();
    } catch (why) {
      await look(why);
      return;
    }
    assert.fail(`accepted: ${JSON.stringify(value)}`);
  });
}

class Browser {
  #cookies = new Map();
  #bank;

  constructor(bank) { this.#bank = bank; }

  async open(url, form) {
    const headers = { cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ') };
    const method = form ? 'POST' : 'GET';
    const body = form && new URLSearchParams(form);
    const answer = await fetch(url, { method, headers, body, redirect: 'manual' });
    for (const line of answer.headers.getSetCookie()) {
      const [name, value] = line.split(';')[0].split(/=(.*)/s);
      this.#cookies.set(name, value);
    }
    const to = answer.headers.get('location');
    if (!to) return { url, status: answer.status, html: await answer.text() };
    const next = new URL(to, url).href;
    // The redirect back to the app is not followed: it is what the app is waiting for.
    return new URL(next).origin === this.#bank ? this.open(next) : { url: next, status: answer.status, html: '' };
  }
}

const hidden = (html, name) => html.match(new RegExp(`name="${name}" value="([^"]*)"`))?.[1];
const action = (html) => html.match(/<form method="post" action="((?:\/o\/[^"/]+)?\/(?:login|consent))"/)?.[1];

/** The customer's part: follows the URL, signs in, chooses the first account, answers. */
export async function customer(url, { login = 'ada', answer = 'allow' } = {}) {
  const bank = new URL(url).origin;
  const browser = new Browser(bank);
  let page = await browser.open(url);
  for (let forms = 0; forms < 4 && page.html; forms += 1) {
    const to = action(page.html);
    if (!to && page.html.includes('<h1>Your answer is saved</h1>')) return page; // decoupled: the app asks
    assert.ok(to, `no form at ${page.url}: ${page.status} ${page.html}`);
    const fields = [['interaction', hidden(page.html, 'interaction')], ['csrf', hidden(page.html, 'csrf')]];
    if (to.endsWith('/login')) {
      fields.push(['login', login], ['password', sandbox.password], ['action', 'submit']);
    } else {
      const account = hidden(page.html, 'account');
      if (account) fields.push(['account', account]);
      fields.push(['action', answer]);
    }
    page = await browser.open(new URL(to, bank).href, fields);
  }
  return page.html ? page : new URL(page.url);
}

/** What the resource server of a surface learns about a token (RFC 7662). */
export async function introspect(surface, token) {
  const { client_id: id, client_secret: secret } = surface.resource_server;
  const answer = await fetch(surface.introspection_endpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
    body: new URLSearchParams({ token }),
  });
  assert.equal(answer.status, 200);
  return answer.json();
}

/** What a compact JWT says, unproven. */
export function claims(jwt) {
  return JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url').toString());
}

/** About this many seconds from now. */
export function near(seconds, wanted) {
  assert.ok(Math.abs(seconds - wanted) <= 5, `${seconds} s instead of ${wanted} s`);
}
