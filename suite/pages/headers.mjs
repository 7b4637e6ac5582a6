// What the pages are sent with: policy, cookies, size, and the ids and words that others rely on.
import assert from 'node:assert/strict';
import { authorizeUrl, open, returned, signIn } from './lib/browser.mjs';
import { HEADING } from './errors.mjs';
import { check } from './lib/report.mjs';

const PAGE_MAX = 10_000;

export async function headers(world) {
  const { app, browser, sandbox } = world;
  for (const https of [false, true]) {
    const scheme = https ? 'https' : 'http';
    const context = await open(browser, world);
    const page = await context.newPage();
    /** The document and everything it needs, as the browser got it; redirects have no body. */
    let loaded = [];
    page.on('response', (answer) => {
      const redirects = answer.status() >= 300 && answer.status() < 400;
      if (!redirects) loaded.push({ answer, body: answer.body().catch(() => Buffer.alloc(0)) });
    });
    const pages = {};
    const seen = async (name, body) => {
      loaded = [];
      await body();
      const bodies = await Promise.all(loaded.map((one) => one.body));
      const at = loaded.findIndex(({ answer }) => answer.request().isNavigationRequest());
      const bytes = bodies.reduce((sum, { length }) => sum + length, 0);
      pages[name] = { answer: loaded[at].answer, html: bodies[at].toString(), bytes };
    };
    let cookies = [];
    await check(`${scheme}: the flow reaches login, error, consent and the app`, async () => {
      await seen('login', () => page.goto(authorizeUrl(world, 'mx', { https }).url));
      await seen('login with an error', () => signIn(page, 'ada', 'wrong'));
      await seen('consent', () => signIn(page, 'ada', sandbox.password));
      cookies = await context.cookies(https ? sandbox.https : sandbox.http);
      await page.locator('input[name=account]').first().check();
      await page.click('#consent-allow');
      assert.ok((await returned(page, app)).code);
      await seen('error', () => page.goto(authorizeUrl(world, 'mx', { https, client_id: 'nobody' }).url));
    });
    await check(`${scheme}: cookies are HttpOnly and SameSite=Lax${https ? ', Secure, bound to the host' : ''}`, () => {
      assert.ok(cookies.length >= 2);
      for (const cookie of cookies) {
        assert.equal(cookie.httpOnly, true, cookie.name);
        assert.equal(cookie.sameSite, 'Lax', cookie.name);
        assert.equal(cookie.path, '/', cookie.name);
        assert.equal(cookie.secure, https, cookie.name);
        assert.equal(cookie.name.startsWith('__Host-'), https, cookie.name);
        assert.equal(cookie.domain, 'localhost', cookie.name);
      }
    });
    for (const [name, { answer, html, bytes }] of Object.entries(pages)) {
      await check(`${scheme}: ${name}: policy`, async () => {
        const got = answer.headers();
        const policy = Object.fromEntries(got['content-security-policy'].split(';').map((rule) => {
          const [directive, ...values] = rule.trim().split(/\s+/);
          return [directive, values.join(' ')];
        }));
        assert.equal(policy['default-src'], "'none'");
        assert.equal(policy['style-src'], "'self'");
        assert.equal(policy['img-src'], "'self'");
        assert.equal(policy['frame-ancestors'], "'none'");
        assert.equal(policy['script-src'], undefined);
        assert.equal(policy['form-action'], name === 'error' ? "'self'" : `'self' ${app.origin}`);
        assert.equal(got['cache-control'], 'no-store');
        assert.equal(got['referrer-policy'], 'no-referrer');
        assert.equal(got['x-content-type-options'], 'nosniff');
        assert.match(got['content-type'], /^text\/html; ?charset=utf-8$/i);
        assert.match(got['x-request-id'], /^[0-9a-f-]{36}$/);
      });
      await check(`${scheme}: ${name}: no script, no style in the page, ${html.length} bytes (${bytes} with all it loads)`, () => {
        assert.doesNotMatch(html, /<script|<style|\sstyle=|\son[a-z]+=|javascript:/i);
        assert.doesNotMatch(html, /(src|href)="(https?:)?\/\//i);
        assert.ok(Buffer.byteLength(html) < PAGE_MAX);
      });
    }
    await context.close();
  }

  await check('ids and words that others rely on', async () => {
    const context = await open(browser, world);
    const page = await context.newPage();
    await page.goto(authorizeUrl(world, 'mx', { ui_locales: 'se' }).url);
    assert.match(new URL(page.url()).pathname, /^\/login/);
    for (const id of ['login', 'password', 'login-submit', 'login-cancel']) assert.equal(await page.locator(`#${id}`).count(), 1, id);
    assert.equal(await page.textContent('h1'), 'Sign in');
    assert.equal(await page.getAttribute('#login', 'autocomplete'), 'username');
    assert.equal(await page.getAttribute('#password', 'autocomplete'), 'current-password');
    await signIn(page, 'ada', sandbox.password);
    assert.match(new URL(page.url()).pathname, /^\/consent/);
    for (const id of ['consent-allow', 'consent-deny']) assert.equal(await page.locator(`#${id}`).count(), 1, id);
    const text = await page.textContent('main');
    for (const word of ['Budget Buddy SAS', 'ACPR (France)', 'It cannot move money', 'Current account', 'ending 0189', '€1,204.10']) {
      assert.ok(text.includes(word), word);
    }
    assert.match(text, /until \d{1,2} [A-Z][a-z]+ 20\d\d/);
    await page.goto(authorizeUrl(world, 'mx', { client_id: 'nobody' }).url);
    assert.equal(await page.textContent('h1'), HEADING);
    assert.equal(await page.locator('#error-reference').count(), 1);
    await context.close();
  });
}
