// A line for each check, and the sum at the end.
let passed = 0;
const failures = [];

/** One check. The run goes on after a failure, so that all of them are seen. */
export async function check(name, body) {
  try {
    const value = await body();
    passed += 1;
    console.log(`ok ${name}`);
    return value;
  } catch (why) {
    const text = `${why.name}: ${why.message}`.replace(/\s+/g, ' ').slice(0, 600);
    failures.push(`FAILED ${name}: ${text}`);
    console.log(failures.at(-1));
    return undefined;
  }
}

export function sum() {
  if (failures.length) console.log(`\n${failures.join('\n')}`);
  console.log(`\n${passed} passed, ${failures.length} failed`);
  process.exitCode = failures.length || !passed ? 1 : 0;
}
