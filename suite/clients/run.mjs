// Runs published client packages, unchanged, against the sandbox of a Counterfoil binary.
//   node run.mjs [--binary PATH] [--only NAME] [--python PATH] [--python-fintecture PATH] [--cargo PATH]
// Once before: npm ci, and the two Python environments of requirements*.txt (see README.md).
import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { binary, option, startSandbox } from './lib/sandbox.mjs';

const here = new URL('.', import.meta.url).pathname;
const python = option('python', `${here}.venv/bin/python`);
const pythonFintecture = option('python-fintecture', `${here}.venv-fintecture/bin/python`);
const cargo = option('cargo', 'cargo');
const SCRIPT_MS = 120_000;
const BUILD_MS = 900_000;

const packages = [
  ['fintecture-client', process.execPath, 'fintecture-client.mjs'],
  ['openid-client', process.execPath, 'openid-client.mjs'],
  ['openid-client (FAPI 2.0)', process.execPath, 'openid-client-fapi.mjs'],
  ['oauth4webapi', process.execPath, 'oauth4webapi.mjs'],
  ['oauth4webapi (FAPI 2.0)', process.execPath, 'oauth4webapi-fapi.mjs'],
  ['jose', process.execPath, 'jose.mjs'],
  ['simple-oauth2', process.execPath, 'simple-oauth2.mjs'],
  ['@badgateway/oauth2-client', process.execPath, 'badgateway.mjs'],
  ['keycloak-connect', process.execPath, 'keycloak-connect.mjs'],
  ['fintecture (Python)', pythonFintecture, 'fintecture_sdk.py'],
  ['Authlib', python, 'authlib_sessions.py'],
  ['Authlib (OpenID Connect)', python, 'authlib_openid.py'],
  ['jwcrypto', python, 'jwcrypto_messages.py'],
  ['requests-oauthlib', python, 'requests_oauthlib_sessions.py'],
  ['python-keycloak', python, 'python_keycloak.py'],
  ['fdx-apimatic-sdk', python, 'fdx_apimatic.py'],
  ['jsonschema', python, 'details_schema.py'],
];

const only = option('only');
const chosen = ([name, , script]) => !only || name.includes(only) || script.includes(only);
const { sandbox, errors, stop } = await startSandbox(binary());
const env = {
  ...process.env,
  COUNTERFOIL_SANDBOX: JSON.stringify(sandbox),
  COUNTERFOIL_BINARY: binary(),
  NODE_EXTRA_CA_CERTS: sandbox.ca,
  REQUESTS_CA_BUNDLE: sandbox.ca,
  PYTHONPATH: `${here}lib`,
  PYTHONDONTWRITEBYTECODE: '1',
  NO_PROXY: 'localhost,127.0.0.1',
  no_proxy: 'localhost,127.0.0.1',
};
let passed = 0;
const failures = [];

try {
  for (const entry of packages.filter(chosen)) await run(...entry);
  await rust();
} finally {
  await stop();
}
if (failures.length) console.log(`\n${failures.join('\n')}`);
if (errors()) console.log(`\nthe server said:\n${errors()}`);
console.log(`\n${passed + failures.length} calls made: ${passed} passed, ${failures.length} failed`);
process.exitCode = failures.length || !passed ? 1 : 0;

/** One program: its lines `ok NAME` and `FAILED NAME: why` are the calls it made. */
async function run(name, program, script, args = [`${here}${script}`]) {
  console.log(`\n${name}`);
  const child = spawn(program, args, { env, cwd: here, stdio: ['ignore', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), SCRIPT_MS);
  let calls = 0;
  let failed = 0;
  let said = '';
  child.stderr.on('data', (text) => { said += text; });
  const lines = createInterface({ input: child.stdout }).on('line', (line) => {
    console.log(`  ${line}`);
    if (line.startsWith('ok ')) passed += 1;
    else if (line.startsWith('FAILED ')) { failed += 1; failures.push(`${name}: ${line}`); } else return;
    calls += 1;
  });
  const read = new Promise((resolve) => { lines.once('close', resolve); });
  const code = await new Promise((resolve) => {
    child.once('error', (why) => { said += why.message; });
    child.once('close', resolve);
  });
  await read;
  clearTimeout(timer);
  if (code !== 0 && !failed) failures.push(`${name}: ended with ${code}: ${said.trim().split('\n').slice(-4).join(' | ')}`);
  if (code === 0 && !calls) failures.push(`${name}: made no call`);
  console.log(`  ${calls} calls`);
}

/** The crates oauth2 and openidconnect: built here, because a Rust package is used by building with it. */
async function rust() {
  const programs = ['rust-oauth2', 'rust-openidconnect'].filter((program) => chosen([`${program.slice(5)} (Rust)`, '', program]));
  if (!programs.length) return;
  const manifest = `${here}rust-oauth2/Cargo.toml`;
  const build = spawnSync(cargo, ['build', '--quiet', '--locked', '--manifest-path', manifest],
    { encoding: 'utf8', timeout: BUILD_MS, env: { ...process.env, CARGO_TARGET_DIR: `${here}rust-oauth2/target` } });
  if (build.error?.code === 'ENOENT') {
    console.log('\noauth2, openidconnect (Rust)\n  skipped: no cargo');
    return;
  }
  if (build.status !== 0) {
    failures.push(`oauth2, openidconnect (Rust): do not build: ${build.stderr || build.error}`);
    return;
  }
  for (const program of programs) {
    await run(`${program.slice(5)} (Rust)`, `${here}rust-oauth2/target/debug/${program}`, '', []);
  }
}
