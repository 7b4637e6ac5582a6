// Starts the sandbox of a Counterfoil binary for a test suite, and stops it again.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';

const READY_MS = 10_000;

/** What `--json` printed, `errors()` and `stop()`. */
export async function startSandbox(binary, more = []) {
  const args = ['sandbox', '--ephemeral', '--json', '--listen', '127.0.0.1:0', '--tls-listen', '127.0.0.1:0', '--mtls-listen', '127.0.0.1:0', ...more];
  const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (text) => { errors += text; });
  const ended = new Promise((resolve) => {
    child.once('error', (why) => { errors += why.message; resolve(); });
    child.once('exit', resolve);
  });
  const stop = async () => {
    child.kill('SIGTERM');
    const hard = setTimeout(() => child.kill('SIGKILL'), 5_000);
    await ended;
    clearTimeout(hard);
  };
  let timer;
  const line = await Promise.race([
    new Promise((resolve) => createInterface({ input: child.stdout }).once('line', resolve)),
    ended,
    new Promise((resolve) => { timer = setTimeout(resolve, READY_MS); }),
  ]);
  clearTimeout(timer);
  if (!line) {
    await stop();
    throw new Error(`${binary} did not say that it is ready: ${errors}`);
  }
  return { sandbox: JSON.parse(line), errors: () => errors, stop };
}

/** The value behind `--name`, or the fallback. */
export function option(name, fallback) {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : process.argv[at + 1];
}

/** The binary to test: `--binary`, else what cargo built last, release first. */
export function binary() {
  const root = new URL('../../../target/', import.meta.url).pathname;
  const built = ['release', 'debug'].map((profile) => `${root}${profile}/counterfoil`);
  const found = option('binary', built.find(existsSync));
  if (!found) throw new Error('no binary: say --binary PATH');
  return found;
}
