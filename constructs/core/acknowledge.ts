import { Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/**
 * Packs that share one set of rule names.
 *
 * AwsSolutions has names of its own, letters and digits as in `ELB2`.
 */
const COMPLIANCE_PACKS = ['HIPAA.Security', 'NIST.800.53.R5', 'PCI.DSS.321'];

/**
 * Records why findings of a rule cannot be removed at this construct, in every pack that has the rule.
 *
 * The long form of the id keeps the acknowledgement and its reason in the synthesis report.
 */
export function acknowledge(scope: IConstruct, rule: string, reason: string): void {
  const packs = /^[A-Z0-9]+(\[|$)/.test(rule) ? ['AwsSolutions'] : COMPLIANCE_PACKS;
  for (const pack of packs) {
    Validations.of(scope).acknowledge({ id: `${pack}::${pack}-${rule}`, reason });
  }
}

/** A resolved resource of a policy as the rule packs write it: references in angle brackets. */
export function findingOf(resource: unknown): string {
  if (typeof resource === 'string') {
    return resource;
  }
  const [[kind, value]] = Object.entries(resource as { [kind: string]: unknown });
  switch (kind) {
    case 'Fn::Join':
      return (value as [string, unknown[]])[1].map(findingOf).join((value as [string, unknown[]])[0]);
    case 'Ref':
      return `<${value}>`;
    case 'Fn::GetAtt':
      return `<${(value as string[]).join('.')}>`;
    case 'Fn::ImportValue':
      return findingOf(value);
    default:
      return JSON.stringify(resource);
  }
}
