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

/** Records why a rule of the template validation of the CDK does not apply to a resource. */
export function acknowledgeInTemplate(scope: IConstruct, rule: string, reason: string): void {
  Validations.of(scope).acknowledge({ id: `CloudFormation-Validate::${rule}`, reason });
}

/** A resolved resource of a policy as the rule packs write it: references in angle brackets. */
export function findingOf(resource: unknown): string {
  if (typeof resource === 'string') {
    return resource.replace(/\${/g, '<').replace(/}/g, '>');
  }
  const [[kind, value]] = Object.entries(resource as { [kind: string]: unknown });
  switch (kind) {
    case 'Fn::Join': {
      const [delimiter, items] = value as [string, unknown[]];
      return items.map(findingOf).join(delimiter);
    }
    case 'Fn::GetAtt':
      return `<${(value as string[]).join('.')}>`;
    case 'Ref':
      return `<${value}>`;
    case 'Fn::ImportValue':
    case 'Fn::Sub':
      return findingOf(value);
    default:
      return JSON.stringify(resource);
  }
}
