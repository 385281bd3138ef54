import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { App, AppProps } from 'aws-cdk-lib';
import recommendedFlags from 'aws-cdk-lib/recommended-feature-flags.json';
import type { ValidationReport } from './compliance';

/** No feature flag at all, as in an app that is older than the library, and all that `cdk init` would write today. */
export const FLAGS: { [name: string]: { [flag: string]: unknown } } = {
  'no feature flags': {},
  'the recommended feature flags': recommendedFlags,
};

export const STRICT = {
  '@aws-cdk/core:validateAgainstDefaultRules': true,
  '@aws-cdk/core:strictCfnValidateErrors': true,
  '@aws-cdk/core:failSynthOnValidationErrors': false,
};

/**
 * Every complaint, errors and warnings alike, of the template validation that is built into the CDK.
 * The app is made by `make`, which must hand on the props. Needs CDK_VALIDATION other than `false`.
 */
export function complaintsOf(make: (props: AppProps) => App, flags: { [flag: string]: unknown } = {}): string[] {
  const outdir = mkdtempSync(join(tmpdir(), 'validity-'));
  try {
    make({ context: { ...flags, ...STRICT }, outdir }).synth();
    return complaintsIn(outdir);
  } finally {
    rmSync(outdir, { recursive: true, force: true });
    process.exitCode = undefined; // A complaint sets it; here it is the caller who judges.
  }
}

function complaintsIn(outdir: string): string[] {
  const { pluginReports }: ValidationReport = JSON.parse(readFileSync(join(outdir, 'validation-report.json'), 'utf8'));
  return pluginReports
    .filter(({ pluginName }) => pluginName === 'CloudFormation Validate')
    .flatMap(({ violations }) =>
      violations.flatMap(({ ruleName, description, severity, violatingConstructs }) =>
        (violatingConstructs.length > 0 ? violatingConstructs : [{ constructPath: '?' }]).map(
          ({ constructPath }) => `${severity} ${ruleName} ${constructPath}: ${description}`,
        ),
      ),
    );
}
