import { type App, type IPolicyValidationPlugin, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, HIPAASecurityChecks, NIST80053R5Checks, PCIDSS321Checks } from 'cdk-nag';
import { reportsOf, type Violation } from './validation-report';

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
 * Synthesizes with the four packs and reads the synthesis report: `validateScope()` would not see
 * acknowledgements. The app is made by `make`, which must hand on the props.
 */
export function complianceOf(
  make: (props: { context: { [key: string]: unknown }; outdir: string }) => App,
): PackReport[] {
  const reports = reportsOf((outdir) => {
    const app = make({ context: { '@aws-cdk/core:failSynthOnValidationErrors': false }, outdir });
    Validations.of(app).addPlugins(...packs());
    return app;
  });
  return PACKS.map((pack) => {
    const report = reports.find(({ pluginName }) => pluginName === pack);
    return {
      pack,
      findings: (report?.violations ?? []).flatMap((violation) => findingsOf(pack, violation)),
      acknowledgements: (report?.suppressedViolations ?? []).flatMap((violation) => findingsOf(pack, violation)),
    };
  });
}

/** The four rule packs that production is held to. */
export function packs(): IPolicyValidationPlugin[] {
  return [new AwsSolutionsChecks(), new HIPAASecurityChecks(), new NIST80053R5Checks(), new PCIDSS321Checks()];
}

/** The distinct pairs of rule and resource over all packs: a rule that several packs share counts once. */
export function pairsOf(findings: Finding[]): string[] {
  return [...new Set(findings.map(({ rule, path }) => `${rule} ${path}`))].sort();
}

function findingsOf(pack: string, violation: Violation): Finding[] {
  const rule = violation.ruleName.replace(`${pack}-`, '').replace(/\[.*\]$/, '');
  return violation.violatingConstructs.map(({ constructPath }) => ({
    rule,
    path: constructPath,
    reason: violation.reason,
  }));
}
