import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The example as it is deployed to production, under a name that nobody owns. */
const EXAMPLE = { profile: 'production', domainName: 'shop.example.com', hostedZoneId: 'Z0123456789REHEARSAL' };

/** Synthesizes the example without the CLI: `cdk.json` says how, and the template is not validated again here. */
export async function synthesizeExample(root: string, directory: string): Promise<string> {
  const settings = JSON.parse(readFileSync(path.join(root, 'cdk.json'), 'utf8'));
  const context = { ...settings.context, ...EXAMPLE, 'aws:cdk:enable-path-metadata': true };
  await run('/bin/sh', ['-c', settings.app], {
    cwd: root,
    maxBuffer: 1 << 26,
    env: {
      ...process.env,
      CDK_OUTDIR: directory,
      CDK_CONTEXT_JSON: JSON.stringify(context),
      CDK_VALIDATION: 'false',
      CDK_DEFAULT_REGION: '',
      CDK_DEFAULT_ACCOUNT: '',
    },
  });
  return directory;
}
