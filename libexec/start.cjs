// Starts a program of ours: start.cjs NAME ARGUMENTS. From its bundle in lib/ unless a source file has changed since the
// bundle was made; then from the source. Plain JavaScript of the kind that Node loads quickest.
const { existsSync, readFileSync, statSync } = require('node:fs');
const { Script, constants } = require('node:vm');

const root = __dirname.slice(0, __dirname.lastIndexOf('/'));

/** Where the parts of a program's bundle are. */
function bundleParts(name) {
  const directory = `${root}/lib`;
  return {
    code: `${directory}/${name}.cjs`,
    cache: `${directory}/${name}.cache`,
    inputs: `${directory}/${name}.inputs`,
  };
}

/** Whether no source file of a bundle has changed; in an installation there is no source. */
function isCurrent({ inputs }) {
  let list;
  try {
    list = JSON.parse(readFileSync(inputs, 'utf8'));
  } catch {
    return !existsSync(`${root}/src`);
  }
  return list.every(([path, size, mtimeMs]) => {
    const now = statSync(`${root}/${path}`, { throwIfNoEntry: false });
    // Copies keep times to the millisecond only.
    return now !== undefined && now.size === size && Math.abs(now.mtimeMs - mtimeMs) < 1;
  });
}

/** A bundle as a function of what CommonJS modules get. V8 takes the compiled code if it is its own. */
function compileBundle({ code, cache }) {
  let cachedData;
  try {
    cachedData = readFileSync(cache);
  } catch {
    // It only saves time.
  }
  // The bundler writes plain ASCII.
  return new Script(
    `(function (exports, require, module, __filename, __dirname) {${readFileSync(code, 'latin1')}\n})`,
    {
      filename: code,
      cachedData,
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    },
  );
}

async function start(name, args) {
  const parts = bundleParts(name);
  if (isCurrent(parts)) {
    const module = { exports: {} };
    compileBundle(parts).runInThisContext()(module.exports, require, module, parts.code, `${root}/lib`);
    return module.exports.main(args);
  }
  keepCompiledSource();
  const { main } = await import(`${root}/src/cli/programs/${name}.ts`);
  return main(args);
}

/** Types are stripped once, not at each start: kept in the checkout, or, since only its owner can write there, in the user's cache. */
function keepCompiledSource() {
  const { constants, enableCompileCache } = require('node:module');
  const shared = enableCompileCache(`${root}/node_modules/.cache/vtorque`);
  if (shared.status !== constants.compileCacheStatus.FAILED) return;
  const { HOME, XDG_CACHE_HOME = HOME && `${HOME}/.cache` } = process.env;
  if (XDG_CACHE_HOME?.startsWith('/')) enableCompileCache(`${XDG_CACHE_HOME}/vtorque/compiled`);
}

module.exports = { bundleParts, compileBundle, isCurrent };

if (require.main === module) {
  const [name, ...args] = process.argv.slice(2);
  void start(name, args);
}
