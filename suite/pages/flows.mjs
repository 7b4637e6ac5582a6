// Both flows from the app and back, without script, by mouse and by keyboard, with every answer a
// customer can give.
import assert from 'node:assert/strict';
import { authorizeUrl, open, redeem, returned, signIn } from './lib/browser.mjs';
import { check } from './lib/report.mjs';

const TABS_MAX = 20;

export async function flows(world) {
  const { app, browser, sandbox } = world;
  const { password } = sandbox;
  /** A page of its own, at the login of a fresh authorization. */
  const start = async (surface, options) => {
    const context = await open(browser, world, options);
    const page = await context.newPage();
    const { url, verifier } = authorizeUrl(world, surface);
    await page.goto(url);
    assert.match(page.url(), /\/login\?/);
    return { page, verifier, done: () => context.close() };
  };
  /** The redirect that says no, as each surface writes it. */
  const denied = (surface, told, code = 'access_denied') => {
    assert.equal(told.state, 'a b+c%2F&=');
    assert.equal('code' in told, false);
    if (surface === 'mx') assert.equal(told.error, code);
    else assert.deepEqual([told.error, told.provider_error], ['provider_error', code]);
  };

  for (const surface of ['mx', 'fintecture']) {
    const at = (name, body, options) => check(`${surface}: ${name}`, async () => {
      const session = await start(surface, options);
      try { await body(session); } finally { await session.done(); }
    });

    await at('no script: sign in, choose an account, a code that works', async ({ page, verifier }) => {
      assert.equal(await page.textContent('h1'), 'Sign in');
      await signIn(page, 'ada', password);
      assert.match(page.url(), /\/consent\?/);
      const boxes = page.locator('input[name=account]');
      assert.equal(await boxes.count(), 2);
      assert.equal(await page.locator('input[name=account]:checked').count(), 0, 'an account is chosen already');
      await boxes.first().check();
      await page.click('#consent-allow');
      const told = await returned(page, app);
      assert.equal(told.state, 'a b+c%2F&=');
      const { status, body } = await redeem(world, surface, told.code, verifier);
      assert.equal(status, 200, JSON.stringify(body));
      if (surface === 'mx') assert.equal(told.iss, sandbox.surfaces.mx.issuer);
    });
    await at('the same customer again: no second sign-in, still a question', async ({ page }) => {
      await signIn(page, 'ada', password);
      await page.locator('input[name=account]').first().check();
      await page.click('#consent-allow');
      await returned(page, app);
      await page.goto(authorizeUrl(world, surface).url);
      assert.match(page.url(), /\/consent\?/);
      assert.match(await page.textContent('.who'), /Ada Lovelace/);
    });
    await at('keyboard alone', async ({ page, verifier }) => {
      await tabTo(page, '#login');
      await page.keyboard.type('bob');
      await tabTo(page, '#password');
      await page.keyboard.type(password);
      await page.keyboard.press('Enter');
      await page.waitForURL(/\/consent\?/);
      await tabTo(page, 'input[name=account]');
      await page.keyboard.press('Space');
      await tabTo(page, 'details summary');
      await page.keyboard.press('Enter');
      assert.equal(await page.locator('details[open]').count(), 1);
      await tabTo(page, '#consent-deny');
      await tabTo(page, '#consent-allow');
      await page.keyboard.press('Enter');
      const told = await returned(page, app);
      assert.equal((await redeem(world, surface, told.code, verifier)).status, 200);
    });
    await at('keyboard: cancel, without filling in anything', async ({ page }) => {
      await tabTo(page, '#login-cancel');
      await page.keyboard.press('Space');
      denied(surface, await returned(page, app));
    });
    await at('cancel on login', async ({ page }) => {
      await page.click('#login-cancel');
      denied(surface, await returned(page, app));
    });
    await at('decline on consent', async ({ page }) => {
      await signIn(page, 'ada', password);
      await page.click('#consent-deny');
      denied(surface, await returned(page, app));
    });
    await at('wrong password: attempts left, the name is kept, the password is not', async ({ page }) => {
      await signIn(page, 'ada', 'wrong');
      const alert = page.locator('#login-error');
      assert.equal(await alert.getAttribute('role'), 'alert');
      assert.match(await alert.textContent(), /User name or password are wrong\. 4 attempts left\./);
      assert.equal(await page.inputValue('#login'), 'ada');
      assert.equal(await page.inputValue('#password'), '');
      assert.equal(await page.getAttribute('#password', 'aria-describedby'), 'login-error');
      assert.match(await page.title(), /^Error: Sign in/);
      await signIn(page, 'ada', password);
      assert.match(page.url(), /\/consent\?/);
    });
    await at('unknown user name: the same words', async ({ page }) => {
      await signIn(page, 'nobody', 'wrong');
      assert.match(await page.textContent('#login-error'), /User name or password are wrong\. 4 attempts left\./);
    });
    await at('five wrong passwords end it', async ({ page }) => {
      for (let left = 4; left > 0; left -= 1) {
        await signIn(page, 'chloe', 'wrong');
        assert.match(await page.textContent('#login-error'), new RegExp(`${left} attempts? left`));
      }
      await signIn(page, 'chloe', 'wrong');
      denied(surface, await returned(page, app));
    });
    await at('no account chosen: an error, then it goes on', async ({ page }) => {
      await signIn(page, 'ada', password);
      await page.click('#consent-allow');
      assert.match(page.url(), /\/consent/);
      const alert = page.locator('#accounts-error');
      assert.equal(await alert.getAttribute('role'), 'alert');
      assert.match(await page.title(), /^Error: /);
      assert.equal(await page.getAttribute('fieldset', 'aria-describedby'), 'accounts-error');
      await page.locator('input[name=account]').nth(1).check();
      await page.click('#consent-allow');
      assert.ok((await returned(page, app)).code);
    });
    await at('a customer without accounts can only go back', async ({ page }) => {
      await signIn(page, 'chloe', password);
      assert.match(await page.textContent('h1'), /There is no account to share/);
      assert.equal(await page.locator('#consent-allow').count(), 0);
      await page.click('#consent-deny');
      denied(surface, await returned(page, app));
    });
    await at('one account: chosen already', async ({ page, verifier }) => {
      await signIn(page, 'demo-expired', password);
      assert.equal(await page.locator('input[name=account]:checked').count(), 1);
      await page.click('#consent-allow');
      const { code } = await returned(page, app);
      const { status, body } = await redeem(world, surface, code, verifier);
      assert.equal(body.error, 'invalid_grant', 'demo-expired: the consent has ended when the code is used');
      assert.equal(status, surface === 'mx' ? 400 : 401);
    });
    await at('demo-denied: the bank declines', async ({ page }) => {
      await signIn(page, 'demo-denied', password);
      denied(surface, await returned(page, app));
    });
    await at('demo-sca-fail: strong authentication fails', async ({ page }) => {
      await signIn(page, 'demo-sca-fail', password);
      denied(surface, await returned(page, app));
    });
    await at('somebody else at this computer: sign in again', async ({ page }) => {
      await signIn(page, 'ada', password);
      await page.click('.who button');
      assert.match(page.url(), /\/login\?/);
      await signIn(page, 'bob', password);
      assert.match(await page.textContent('.who'), /Bob Babbage/);
    });
    await at('back after the answer: an error page, not a second code', async ({ page }) => {
      await signIn(page, 'ada', password);
      const consent = page.url();
      await page.locator('input[name=account]').first().check();
      await page.click('#consent-allow');
      await returned(page, app);
      await page.goto(consent);
      assert.equal(await page.textContent('h1'), 'This request can’t continue');
    });
    await at('two at once in one browser do not disturb each other', async ({ page }) => {
      const other = await page.context().newPage();
      await other.goto(authorizeUrl(world, surface, { state: 'second' }).url);
      await signIn(page, 'ada', password);
      await page.locator('input[name=account]').first().check();
      await page.click('#consent-allow');
      assert.equal((await returned(page, app)).state, 'a b+c%2F&=');
      if (/\/login/.test(other.url())) await signIn(other, 'bob', password);
      await other.locator('input[name=account]').first().check();
      await other.click('#consent-allow');
      const told = await returned(other, app);
      assert.ok(told.code);
      assert.equal(told.state, 'second');
    });
  }
}

/** Presses Tab until the element has the focus, and sees that the focus shows. */
async function tabTo(page, selector) {
  for (let tabs = 0; tabs < TABS_MAX; tabs += 1) {
    await page.keyboard.press('Tab');
    const seen = await page.evaluate((wanted) => {
      const { activeElement: at } = document;
      const { outlineStyle, outlineWidth } = getComputedStyle(at);
      return { here: at.matches(wanted), shows: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 };
    }, selector);
    if (!seen.here) continue;
    assert.ok(seen.shows, `the focus on ${selector} does not show`);
    return;
  }
  assert.fail(`${selector} is not reached by ${TABS_MAX} tabs`);
}
