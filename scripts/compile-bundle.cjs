// compile-bundle.cjs NAME [WORDS-AS-JSON...]: writes the compiled code of a bundle beside it. With words, the program is run
// with each list of them, and what that needed is kept; without, everything.
const { writeFileSync } = require('node:fs');
const { setFlagsFromString } = require('node:v8');
const { bundleParts, compileBundle } = require('../libexec/start.cjs');

const [name, ...runs] = process.argv.slice(2);
const parts = bundleParts(name);

async function main() {
  if (runs.length === 0) setFlagsFromString('--no-lazy');
  const script = compileBundle(parts);
  // V8 refuses code of other flags than those that it runs with.
  setFlagsFromString('--lazy');
  process.once('exit', () => writeFileSync(`${parts.cache}.tmp`, script.createCachedData()));
  if (runs.length === 0) return;
  const module = { exports: {} };
  script.runInThisContext()(module.exports, require, module, parts.code, __dirname);
  for (const words of runs) await module.exports.main(JSON.parse(words));
  process.exitCode = 0;
}

void main();
