// Adds to package-lock.json the optional packages of other platforms that npm left out because the registry it asked does not
// carry them: without them `npm ci` refuses the lock file. Run it after `npm install` has changed dependencies.
const { readFileSync, writeFileSync } = require('node:fs');
const path = require('node:path');

const OS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const CPU = ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64'];

const file = path.join(__dirname, '..', 'package-lock.json');
const lock = JSON.parse(readFileSync(file, 'utf8'));
const added = Object.entries(lock.packages).flatMap(([, { dev, optionalDependencies }]) =>
  Object.entries(optionalDependencies ?? {})
    .map(([name, version]) => [`node_modules/${name}`, entry(name, version, dev)])
    .filter(([location, made]) => !(location in lock.packages) && made !== undefined),
);
const packages = Object.entries({ ...lock.packages, ...Object.fromEntries(added) });
packages.sort(([one], [other]) => one.localeCompare(other, 'en'));
writeFileSync(file, `${JSON.stringify({ ...lock, packages: Object.fromEntries(packages) }, null, 2)}\n`);
process.stdout.write(`added ${added.length} packages of other platforms\n`);

/** What the lock says of a package that is made for one platform; its name tells which. */
function entry(name, version, dev) {
  const words = name.replace(/^@[^/]+\//, '').split('-');
  const os = OS.filter((word) => words.includes(word));
  const cpu = CPU.filter((word) => words.some((given) => given === word || (given === 'gnueabihf' && word === 'arm')));
  if (!/^\d+\.\d+\.\d+/.test(version) || (os.length === 0 && cpu.length === 0)) {
    return undefined;
  }
  return { version, ...(cpu.length > 0 && { cpu }), ...(dev && { dev }), optional: true, ...(os.length > 0 && { os }) };
}
