import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type App, type IPolicyValidationPlugin, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, HIPAASecurityChecks, NIST80053R5Checks, PCIDSS321Checks } from 'cdk-nag';

/** A rule that a resource breaks, without the pack's prefix and without `[finding]`. */
export interface Finding {
  readonly rule: string;
  readonly path: string;
  readonly reason?: string;
}

/** What one rule pack found. */
export interface PackReport {
  readonly pack: string;
  readonly findings: Finding[];
  readonly acknowledgements: Finding[];
}

const PACKS = ['AwsSolutions', 'HIPAA.Security', 'NIST.800.53.R5', 'PCI.DSS.321'];

/**
 * Synthesizes with the four packs and reads the synthesis report: `validateScope()` would not see acknowledgements.
 * The app is made by `make`, which must hand on the props.
 */
export function complianceOf(
  make: (props: { context: { [key: string]: unknown }; outdir: string }) => App,
): PackReport[] {
  const outdir = mkdtempSync(join(tmpdir(), 'compliance-'));
  try {
    const app = make({ context: { '@aws-cdk/core:failSynthOnValidationErrors': false }, outdir });
    Validations.of(app).addPlugins(...packs());
    app.synth();
    return reportsIn(outdir);
  } finally {
    rmSync(outdir, { recursive: true, force: true });
    process.exitCode = undefined; // A finding sets it; here it is the caller who judges.
  }
}

/** The four rule packs that production is held to. */
export function packs(): IPolicyValidationPlugin[] {
  return [new AwsSolutionsChecks(), new HIPAASecurityChecks(), new NIST80053R5Checks(), new PCIDSS321Checks()];
}

/** The distinct pairs of rule and resource over all packs: a rule that several packs share counts once. */
export function pairsOf(findings: Finding[]): string[] {
  return [...new Set(findings.map(({ rule, path }) => `${rule} ${path}`))].sort();
}

function reportsIn(outdir: string): PackReport[] {
  const { pluginReports }: ValidationReport = JSON.parse(readFileSync(join(outdir, 'validation-report.json'), 'utf8'));
  return PACKS.map((pack) => {
    const report = pluginReports.find(({ pluginName }) => pluginName === pack);
    return {
      pack,
      findings: (report?.violations ?? []).flatMap((violation) => findingsOf(pack, violation)),
      acknowledgements: (report?.suppressedViolations ?? []).flatMap((violation) => findingsOf(pack, violation)),
    };
  });
}

function findingsOf(pack: string, violation: Violation): Finding[] {
  const rule = violation.ruleName.replace(`${pack}-`, '').replace(/\[.*\]$/, '');
  return violation.violatingConstructs.map(({ constructPath }) => ({
    rule,
    path: constructPath,
    reason: violation.reason,
  }));
}

/** The parts of validation-report.json that we read. */
export interface ValidationReport {
  readonly pluginReports: PluginReport[];
}

interface PluginReport {
  readonly pluginName: string;
  readonly violations: Violation[];
  readonly suppressedViolations?: Violation[];
}

interface Violation {
  readonly ruleName: string;
  readonly description: string;
  readonly severity: string;
  readonly reason?: string;
  readonly violatingConstructs: { readonly constructPath: string }[];
}
