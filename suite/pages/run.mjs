// The pages for people in a real browser, against the sandbox of a Counterfoil binary.
//   node run.mjs [--binary PATH] [--shots DIR]     CHROMIUM=/usr/bin/chromium
// Once before: npm ci. The browser is the system's; nothing is downloaded.
import { mkdirSync } from 'node:fs';
import { binary, option, startSandbox } from '../clients/lib/sandbox.mjs';
import { launch, startApp } from './lib/browser.mjs';
import { check, sum } from './lib/report.mjs';
import { accessible } from './accessible.mjs';
import { details } from './details.mjs';
import { errors } from './errors.mjs';
import { flows } from './flows.mjs';
import { headers } from './headers.mjs';

const shots = option('shots');
if (shots) mkdirSync(shots, { recursive: true });
const { sandbox, errors: said, stop } = await startSandbox(binary());
const app = await startApp();
const browser = await launch();
const world = { sandbox, app, browser, shots, foreign: [] };
console.log(`Chromium ${browser.version()}\n`);
try {
  for (const part of [flows, details, errors, headers, accessible]) await part(world);
  await check('no request to another host', () => {
    if (world.foreign.length) throw new Error(world.foreign.join(' '));
  });
} finally {
  await browser.close();
  app.close();
  await stop();
}
if (said()) console.log(`\nthe server said:\n${said()}`);
sum();
