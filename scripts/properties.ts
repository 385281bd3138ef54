import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Validations } from 'aws-cdk-lib';
import fc from 'fast-check';
import { packs, type ValidationReport } from './compliance';
import { applicationOf, type Configuration, configuration } from './configurations';
import { STRICT } from './validity';

/** How many configurations share one App: validation plugins are made once for each. */
const BATCH = 20;

/**
 * Random valid configurations synthesize, pass the strict template validation, and in production need no acknowledgement
 * beyond those that the library makes. Throws with the configurations and what was found.
 */
export function checkConfigurations(runs: number, seed: number): number {
  const all = fc.sample(configuration, { numRuns: runs, seed }).map((given, index) => ({ given, id: `Stack${index}` }));
  for (const batch of batches(all)) {
    const complaints = complaintsOf(batch);
    if (complaints.length > 0) {
      const involved = batch.filter(({ id }) => complaints.some((complaint) => complaint.includes(`${id}/`)));
      throw new Error(
        [...complaints, ...involved.map(({ given, id }) => `${id}: ${JSON.stringify(given)}`), `seed ${seed}`].join(
          '\n',
        ),
      );
    }
  }
  return all.length;
}

interface Sample {
  readonly given: Configuration;
  readonly id: string;
}

/** Production and development apart: only production is held to the rule packs. */
function batches(all: Sample[]): Sample[][] {
  const production = all.filter(({ given }) => given.production);
  const development = all.filter(({ given }) => !given.production);
  return [production, development].flatMap((half) =>
    Array.from({ length: Math.ceil(half.length / BATCH) }, (_, index) =>
      half.slice(index * BATCH, (index + 1) * BATCH),
    ),
  );
}

function complaintsOf(batch: Sample[]): string[] {
  const outdir = mkdtempSync(join(tmpdir(), 'properties-'));
  try {
    const app = new App({
      context: { ...STRICT, '@aws-cdk/core:suppressTemplateIndentation': true },
      outdir,
      stackTraces: false,
      treeMetadata: false,
      analyticsReporting: false,
    });
    for (const { given, id } of batch) {
      make(app, id, given);
    }
    if (batch[0].given.production) {
      Validations.of(app).addPlugins(...packs());
    }
    app.synth();
    return complaintsIn(outdir);
  } finally {
    rmSync(outdir, { recursive: true, force: true });
    process.exitCode = undefined; // A finding sets it; here it is the caller who judges.
  }
}

function make(app: App, id: string, given: Configuration): void {
  try {
    applicationOf(app, id, given);
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${JSON.stringify(given)}`);
  }
}

function complaintsIn(outdir: string): string[] {
  const report: ValidationReport = JSON.parse(readFileSync(join(outdir, 'validation-report.json'), 'utf8'));
  return report.pluginReports
    .filter(({ pluginName }) => pluginName !== 'Construct Annotations')
    .flatMap(({ violations }) =>
      violations.flatMap(({ ruleName, description, violatingConstructs }) =>
        violatingConstructs.map(({ constructPath }) => `${ruleName} ${constructPath}: ${description}`),
      ),
    );
}
