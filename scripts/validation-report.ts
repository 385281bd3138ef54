import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { App } from 'aws-cdk-lib';

/** What one validation plugin says in validation-report.json, as far as we read it. */
export interface PluginReport {
  readonly pluginName: string;
  readonly violations: Violation[];
  readonly suppressedViolations?: Violation[];
}

export interface Violation {
  readonly ruleName: string;
  readonly description: string;
  readonly severity: string;
  readonly reason?: string;
  readonly violatingConstructs: { readonly constructPath: string }[];
}

/**
 * Synthesizes the app that `make` makes, which must hand on the folder, and returns what its validation
 * plugins report.
 */
export function reportsOf(make: (outdir: string) => App): PluginReport[] {
  const outdir = mkdtempSync(join(tmpdir(), 'validation-'));
  try {
    make(outdir).synth();
    return JSON.parse(readFileSync(join(outdir, 'validation-report.json'), 'utf8')).pluginReports;
  } finally {
    rmSync(outdir, { recursive: true, force: true });
    process.exitCode = undefined; // A finding sets it, but the caller judges.
  }
}

/** A line for each construct that violates a rule, errors and warnings alike. */
export function complaintsIn(reports: PluginReport[]): string[] {
  return reports
    .flatMap(({ violations }) => violations)
    .flatMap(({ ruleName, description, severity, violatingConstructs }) =>
      (violatingConstructs.length > 0 ? violatingConstructs : [{ constructPath: '?' }]).map(
        ({ constructPath }) => `${severity} ${ruleName} ${constructPath}: ${description}`,
      ),
    );
}
