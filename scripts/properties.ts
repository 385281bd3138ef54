import { App, Validations } from 'aws-cdk-lib';
import fc from 'fast-check';
import { packs } from './compliance';
import { applicationOf, type Configuration, configuration } from './configurations';
import { complaintsIn, reportsOf } from './validation-report';
import { STRICT } from './validity';

/** How many configurations share one App: validation plugins are made once for each. */
const BATCH = 20;

/**
 * Random valid configurations synthesize, pass the strict template validation, and in production need no
 * acknowledgement beyond those that the library makes. Throws with the configurations and what was found.
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
  const reports = reportsOf((outdir) => {
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
    return app;
  });
  return complaintsIn(reports.filter(({ pluginName }) => pluginName !== 'Construct Annotations'));
}

function make(app: App, id: string, given: Configuration): void {
  try {
    applicationOf(app, id, given);
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${JSON.stringify(given)}`);
  }
}
