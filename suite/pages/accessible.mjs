// Every page in every way it can be looked at: axe without findings, nothing cut off, targets large
// enough, both answers alike.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { authorizeUrl, detailsUrl, fdx, information, launch, open, payment, signIn } from './lib/browser.mjs';
import { check } from './lib/report.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa', 'best-practice'];
const TARGET_PX = 44;
// axe reads -webkit-text-fill-color, which Chromium does not force: the colours are the person's own.
const UNFORCED = { 'color-contrast': { enabled: false } };

/** The pages, each with the way to it. */
function ways(world) {
  const { sandbox, app } = world;
  const to = (surface, more) => (page) => page.goto(authorizeUrl(world, surface, more).url);
  const signedIn = (surface, login) => async (page) => {
    await to(surface)(page);
    await signIn(page, login, sandbox.password);
  };
  const { issuer, client } = sandbox.surfaces.standard;
  /** The logout of plain OpenID, with somebody signed in. */
  const leaving = (query = {}) => async (page) => {
    const asked = { client_id: client.client_id, response_type: 'code', scope: 'openid', redirect_uri: app.callback };
    await page.goto(`${issuer}/authorize?${new URLSearchParams(asked)}`);
    await signIn(page, 'alice', sandbox.password);
    await page.waitForURL(/\/consent\?/);
    await page.goto(`${issuer}/logout?${new URLSearchParams(query)}`);
  };
  return {
    login: to('mx'),
    'login-error': async (page) => { await to('mx')(page); await signIn(page, 'ada', 'wrong'); },
    'consent-mx': async (page) => {
      await signedIn('mx', 'ada')(page);
      await page.locator('input[name=account]').first().check();
    },
    'consent-fintecture': signedIn('fintecture', 'bob'),
    'consent-open': async (page) => {
      await signedIn('mx', 'ada')(page);
      for (const summary of await page.locator('summary').all()) await summary.click();
    },
    'consent-error': async (page) => { await signedIn('mx', 'ada')(page); await page.click('#consent-allow'); },
    'consent-empty': signedIn('mx', 'chloe'),
    'consent-details': async (page) => {
      await to('mx', { scope: 'openid customers' })(page);
      await signIn(page, 'ada', sandbox.password);
    },
    'consent-payment': async (page) => {
      await page.goto(await detailsUrl(world, [payment]));
      await signIn(page, 'ada', sandbox.password);
    },
    'consent-data': async (page) => {
      await page.goto(await detailsUrl(world, [fdx, information], { scope: 'openid email' }));
      await signIn(page, 'ada', sandbox.password);
    },
    'error-developer': to('mx', { redirect_uri: `${app.origin}/other` }),
    'error-foreign': async (page) => {
      await to('mx')(page);
      const link = page.url();
      await page.context().clearCookies();
      await page.goto(link);
    },
    logout: leaving({ client_id: client.client_id }),
    'logout-error': leaving({ id_token_hint: 'x' }),
    'signed-out': async (page) => { await leaving()(page); await page.click('#logout-confirm'); },
    'still-signed-in': async (page) => { await leaving()(page); await page.click('#logout-stay'); },
    done: async (page) => {
      const url = `${sandbox.http}/ais/v1/provider/cmmcfr/authorize?response_type=code&state=s&model=decoupled&redirect_uri=${encodeURIComponent(app.callback)}`;
      const started = await fetch(url, { headers: { app_id: sandbox.surfaces.fintecture.client.client_id, 'x-psu-id': 'ada', 'x-psu-ip-address': '192.0.2.4' } });
      await page.goto((await started.json()).url);
      await signIn(page, 'ada', sandbox.password);
      await page.locator('input[name=account]').first().check();
      await page.click('#consent-allow');
    },
  };
}

export async function accessible(world) {
  const large = await launch({ large: true });
  try {
    for (const [name, way] of Object.entries(ways(world))) {
      await looked(world, world.browser, name, way, [
        ['light', { width: 720, colorScheme: 'light' }],
        ['dark', { width: 720, colorScheme: 'dark' }],
        ['320 px, light', { width: 320, colorScheme: 'light' }],
        ['320 px, dark', { width: 320, colorScheme: 'dark' }],
        ['forced colours', { width: 720, colorScheme: 'dark', forcedColors: 'active' }],
        ['reduced motion', { width: 720, colorScheme: 'light', reducedMotion: 'reduce' }],
      ]);
      await looked(world, large, name, way, [
        ['200 % text', { width: 720, colorScheme: 'light' }],
        ['200 % text, dark', { width: 720, colorScheme: 'dark' }],
        ['200 % text, 320 px', { width: 320, colorScheme: 'light' }],
      ]);
    }
  } finally {
    await large.close();
  }
}

/** One page in one browser, in several looks. */
async function looked(world, browser, name, way, looks) {
  const context = await open(browser, world, { javaScriptEnabled: true });
  const page = await context.newPage();
  const there = await check(`${name}: reached`, async () => { await way(page); return true; });
  for (const [look, { width, ...media }] of there ? looks : []) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme: null, forcedColors: null, reducedMotion: null, ...media });
    await check(`${name}: ${look}: axe`, async () => {
      await page.evaluate(AXE);
      const { violations, passes } = await page.evaluate(([values, rules]) => globalThis.axe.run(document, {
        runOnly: { type: 'tag', values }, rules, resultTypes: ['violations'],
      }), [RULES, media.forcedColors ? UNFORCED : {}]);
      assert.ok(passes.length > 5);
      const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(' ')).join(', ')}`);
      assert.deepEqual(found, []);
    });
    await check(`${name}: ${look}: nothing beyond the edge`, async () => {
      const seen = await page.evaluate(() => ({ content: document.documentElement.scrollWidth, window: innerWidth }));
      assert.ok(seen.content <= seen.window, `${seen.content} px in ${seen.window} px`);
      assert.deepEqual(await page.evaluate(cutOff), []);
    });
    if (world.shots) {
      const file = `${name}-${look}`.replace(/[^a-z0-9]+/g, '-');
      await page.screenshot({ path: `${world.shots}/${file}.png`, fullPage: true });
    }
  }
  if (there) {
    await page.setViewportSize({ width: 320, height: 900 });
    await check(`${name}: targets are ${TARGET_PX} px high`, async () => {
      const boxes = await page.evaluate(() => [...document.querySelectorAll('button, .btn, summary, .row, .field input')]
        .map((element) => ({ text: element.textContent.trim() || element.id, height: element.getBoundingClientRect().height })));
      const small = boxes.filter(({ height }) => height < TARGET_PX).map(({ text, height }) => `${text}: ${height}`);
      assert.deepEqual(small, []);
    });
    for (const answers of [['#consent-allow', '#consent-deny'], ['#logout-confirm', '#logout-stay']]) {
      if (!(await page.locator(answers[0]).count())) continue;
      await check(`${name}: both answers have one size`, async () => {
        const [yes, no] = await Promise.all(answers.map((id) => page.locator(id).boundingBox()));
        assert.equal(yes.width, no.width);
        assert.equal(yes.height, no.height);
      });
    }
  }
  await context.close();
}

/** Elements whose text is wider than they are. */
function cutOff() {
  return [...document.querySelectorAll('h1, p, label, button, dt, dd, span, code, summary, input')]
    .filter((element) => element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).display !== 'inline')
    .map((element) => element.outerHTML.slice(0, 80));
}
