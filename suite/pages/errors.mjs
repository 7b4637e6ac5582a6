// What cannot go on: a page that says so, with a reference, and never a redirect to an address
// that is not known.
import assert from 'node:assert/strict';
import { authorizeUrl, open, returned, signIn } from './lib/browser.mjs';
import { check } from './lib/report.mjs';

export const HEADING = 'This request can’t continue';

export async function errors(world) {
  const { app, browser, sandbox } = world;
  const visit = (name, body) => check(`error: ${name}`, async () => {
    const context = await open(browser, world);
    try { await body(await context.newPage(), context); } finally { await context.close(); }
  });
  const isError = async (page) => {
    assert.equal(await page.textContent('h1'), HEADING);
    const reference = await page.textContent('#error-reference');
    assert.match(reference, /^[A-Z0-9]{4}-[A-Z0-9]{4}$/);
    assert.match(await page.textContent('main'), /You have not shared anything\.|Allow cookies|There is no page/);
    return page.textContent('main');
  };

  for (const surface of ['mx', 'fintecture']) {
    await visit(`${surface}, unknown redirect_uri`, async (page) => {
      const answer = await page.goto(authorizeUrl(world, surface, { redirect_uri: `${app.origin}/other` }).url);
      assert.equal(answer.status(), 400);
      const text = await isError(page);
      for (const word of ['For developers', `${app.origin}/other`, 'http://127.0.0.1/callback', 'Difference', 'Fix']) {
        assert.ok(text.includes(word), `${word} is not told: ${text}`);
      }
    });
    await visit(`${surface}, unknown client`, async (page) => {
      const name = surface === 'mx' ? 'client_id' : 'app_id';
      const answer = await page.goto(authorizeUrl(world, surface, { [name]: 'nobody' }).url);
      assert.equal(answer.status(), 400);
      await isError(page);
    });
    await visit(`${surface}, the link of another browser`, async (page) => {
      await page.goto(authorizeUrl(world, surface).url);
      const link = page.url();
      const other = await open(browser, world);
      const stranger = await other.newPage();
      await stranger.goto(link);
      await isError(stranger);
      await stranger.goto(link.replace('/login', '/consent'));
      await isError(stranger);
      await other.close();
      await signIn(page, 'ada', sandbox.password);
      assert.match(page.url(), /\/consent\?/, 'the rightful browser cannot go on');
    });
    await visit(`${surface}, a form with another token`, async (page) => {
      await page.goto(authorizeUrl(world, surface).url);
      await page.evaluate(() => { document.querySelector('input[name=csrf]').value = '0'.repeat(32); });
      await signIn(page, 'ada', sandbox.password);
      await isError(page);
    });
    await visit(`${surface}, no cookies`, async (page, context) => {
      await page.goto(authorizeUrl(world, surface).url);
      await context.clearCookies();
      await signIn(page, 'ada', sandbox.password);
      await isError(page);
    });
    await visit(`${surface}, wrong response_type goes back to the app`, async (page) => {
      await page.goto(authorizeUrl(world, surface, { response_type: 'token' }).url);
      const told = await returned(page, app);
      assert.equal(surface === 'mx' ? told.error : told.provider_error ?? told.error, 'unsupported_response_type');
    });
  }
  await visit('an address that does not exist', async (page) => {
    const answer = await page.goto(`${sandbox.http}/nowhere`);
    assert.equal(answer.status(), 404);
    await isError(page);
  });
}
