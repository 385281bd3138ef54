import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The clone that this file belongs to. */
export const ROOT = path.join(__dirname, '..');

/** What rehearsals from this clone keep. */
export function cacheFolder(): string {
  return path.join(ROOT, '.cache', 'rehearsal');
}

/** An app of this repository that can be rehearsed. */
export interface Example {
  /** The command of the app. @default - the one of `cdk.json` */
  readonly app?: string;
  readonly context: Readonly<Record<string, string>>;
}

/** The example as it is deployed to production, under a name that nobody owns. */
export const SHOP: Example = {
  context: { profile: 'production', domainName: 'shop.example.com', hostedZoneId: 'Z0123456789REHEARSAL' },
};

/** Two load-balanced services with host names of their own. */
export const HOSTS: Example = { app: 'npx tsx --conditions=source test/rehearsal/hosts-app.ts', context: {} };

/** The example in development behind a distribution, without a domain. */
export const CDN: Example = { app: 'npx tsx --conditions=source test/rehearsal/cdn-app.ts', context: {} };

/** Media, cache and mail behind a distribution with a domain, by plain settings of Django. */
export const CLUB: Example = { app: 'npx tsx --conditions=source test/outside/club/app.ts', context: {} };

/** Web and ASGI without temporary storage, and with it. */
export const UPLOADS_WITHOUT_STORAGE: Example = {
  app: 'npx tsx --conditions=source test/rehearsal/uploads-app.ts',
  context: {},
};
export const UPLOADS: Example = { ...UPLOADS_WITHOUT_STORAGE, context: { storage: 'yes' } };

/**
 * Synthesizes an example without the CLI into a folder named by its content.
 *
 * The template is not validated again here.
 */
export async function synthesize({ app, context }: Example, root: string, cache: string): Promise<string> {
  const directory = path.join(cache, 'assemblies', `new-${process.pid}-${randomUUID()}`);
  const settings = JSON.parse(readFileSync(path.join(root, 'cdk.json'), 'utf8'));
  const merged = { ...settings.context, ...context, 'aws:cdk:enable-path-metadata': true };
  const { CDK_DEFAULT_REGION, CDK_DEFAULT_ACCOUNT, ...environment } = process.env;
  try {
    // `npx` would ask npm first, for a second.
    await run('/bin/sh', ['-c', (app ?? settings.app).replace(/^npx /, '')], {
      cwd: root,
      maxBuffer: 1 << 26,
      env: {
        ...environment,
        PATH: `${path.join(root, 'node_modules', '.bin')}${path.delimiter}${environment.PATH}`,
        HOME: path.join(cache, 'home'), // The CDK remembers fingerprints of assets there.
        CDK_OUTDIR: directory,
        CDK_CONTEXT_JSON: JSON.stringify(merged),
        CDK_VALIDATION: 'false',
      },
    });
  } catch (error) {
    throw new Error(`the example does not synthesize:\n${(error as { stderr?: string }).stderr}`);
  }
  const hash = createHash('sha256');
  for (const name of readdirSync(directory).sort()) {
    hash.update(name);
    if (name.endsWith('.template.json')) {
      hash.update(readFileSync(path.join(directory, name)));
    }
  }
  const final = path.join(cache, 'assemblies', hash.digest('hex').slice(0, 16));
  if (existsSync(final)) {
    rmSync(directory, { recursive: true, force: true });
  } else {
    renameSync(directory, final);
  }
  return final;
}
