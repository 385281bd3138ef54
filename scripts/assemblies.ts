import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { EXAMPLES } from './examples';
import { FLAGS } from './validity';

/** Stack traces would carry the paths and lines of the sources into the metadata. */
const NO_STACK_TRACES = { 'aws:cdk:disable-creation-stack-traces': true, 'aws:cdk:disable-stack-trace': true };

/**
 * `npm run assemblies -- OUT`: synthesizes every example, without feature flags and with the recommended
 * ones, into folders of OUT.
 *
 * The output depends on the sources alone. Run it in two checkouts: `diff -r` of both folders prints nothing
 * where a change has no effect on any template, manifest or asset.
 */
function main(out: string | undefined): void {
  if (out === undefined || existsSync(out)) {
    process.stderr.write('usage: npm run assemblies -- OUT   (a folder that does not exist yet)\n');
    process.exitCode = 2;
    return;
  }
  for (const [example, make] of Object.entries(EXAMPLES)) {
    for (const [flags, context] of Object.entries(FLAGS)) {
      const outdir = join(out, `${example} with ${flags}`.replaceAll(' ', '-'));
      make({ outdir, context: { ...context, ...NO_STACK_TRACES } }).synth();
      process.stdout.write(`${outdir}\n`);
    }
  }
}

main(process.argv[2]);
