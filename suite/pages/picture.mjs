// The picture of the consent page for the documentation: node picture.mjs [--binary PATH] FILE.png
import { binary, startSandbox } from '../clients/lib/sandbox.mjs';
import { authorizeUrl, launch, open, signIn, startApp } from './lib/browser.mjs';

const { sandbox, stop } = await startSandbox(binary());
const app = await startApp();
const browser = await launch();
const world = { sandbox, app, foreign: [] };
const context = await open(browser, world, { colorScheme: 'light' });
const page = await context.newPage();
await page.goto(authorizeUrl(world, 'mx').url);
await signIn(page, 'ada', sandbox.password);
await page.locator('input[name=account]').first().check();
await page.locator('h1').click(); // neither the pointer nor the focus stays on the account
await page.screenshot({ path: process.argv.at(-1), fullPage: true });
await browser.close();
app.close();
await stop();
