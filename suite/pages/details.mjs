// What authorization details look like to the customer who allows them, and what the app gets for it.
import assert from 'node:assert/strict';
import { ask, detailsUrl, fdx, information, open, payment, returned, signIn } from './lib/browser.mjs';
import { check } from './lib/report.mjs';

export async function details(world) {
  const { app, browser, sandbox } = world;
  const at = (name, asked, body) => check(`details: ${name}`, async () => {
    const context = await open(browser, world);
    try {
      const page = await context.newPage();
      await page.goto(await detailsUrl(world, asked));
      await signIn(page, 'ada', sandbox.password);
      await body(page);
    } finally { await context.close(); }
  });
  /** What stands behind a label. */
  const said = (page, label) => page.locator(`dt:text-is("${label}")`).evaluateAll((terms) => terms.map((term) => {
    const found = [];
    for (let next = term.nextElementSibling; next?.tagName === 'DD'; next = next.nextElementSibling) found.push(next.textContent.trim());
    return found;
  }));
  const redeem = async (page) => {
    const { code } = await returned(page, app);
    const form = { grant_type: 'authorization_code', code, redirect_uri: app.callback };
    const { status, body } = await ask(world, '/token', form);
    assert.equal(status, 200, JSON.stringify(body));
    return body;
  };

  await at('a payment says how much, to whom and when', [payment], async (page) => {
    assert.equal(await page.textContent('h1'), 'Approve the payment Budget Buddy asks for');
    assert.deepEqual(await said(page, 'Amount'), [['€1,234.50']]);
    assert.deepEqual(await said(page, 'To'), [['Merchant A']]);
    assert.deepEqual(await said(page, 'Account'), [['DE02100100109307118603']]);
    assert.deepEqual(await said(page, 'Reference'), [['Ref Number Merchant']]);
    assert.deepEqual(await said(page, 'On'), [['20 May 2032']]);
    assert.match(await page.textContent('.safe'), /can make no payment but the one below/);
    await page.click('#consent-allow');
    assert.deepEqual((await redeem(page)).authorization_details, [payment]);
  });
  await at('a payment can be declined', [payment], async (page) => {
    await page.click('#consent-deny');
    assert.equal((await returned(page, app)).error, 'access_denied');
  });
  await at('data: which, how far back, for how long, from which account', [fdx, information], async (page) => {
    assert.deepEqual(await said(page, 'From your accounts'), [['Numbers, balances and terms of each account', 'Transactions', 'Statements']]);
    assert.deepEqual(await said(page, 'For how long'), [['90 days']]);
    assert.deepEqual(await said(page, 'How far back'), [['60 days']]);
    assert.deepEqual(await said(page, 'It can'), [['See the list of accounts', 'See balances', 'See transactions']]);
    await page.locator('input[name=account]').last().check();
    await page.click('#consent-allow');
    const { authorization_details: [told, accounts] } = await redeem(page);
    assert.deepEqual(told, fdx);
    assert.deepEqual(accounts, { ...information, accounts: ['ada-savings'] });
  });
}
