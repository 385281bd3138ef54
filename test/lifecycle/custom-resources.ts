import { messageOf, refusedChanges } from '../../constructs/handlers/protection/changes';
import type { ChangeGuardProperties } from '../../constructs/handlers/protection/contract';
import { type Account, Refusal, type Thing } from './account';
import type { Stack } from './cloudformation';
import { evaluate } from './names';
import { deliverAccessLogs, label } from './services';
import type { Resource } from './template';

type Properties = Resource['Properties'];

/** What our custom resources and those of the CDK do to the account and to the stack, as their handlers say. */
interface Handler {
  readonly create?: (account: Account, stack: Stack, thing: Thing) => void;
  /** Says why it refuses to be changed, except in a rollback. */
  readonly update?: (before: Properties, after: Properties) => string | undefined;
  /** Says why it refuses to be deleted. */
  readonly delete?: (account: Account, stack: Stack, thing: Thing) => string | undefined;
}

/** What can be protected against deletion. */
const PROTECTED = ['AWS::RDS::DBCluster', 'AWS::RDS::DBInstance', 'AWS::ElasticLoadBalancingV2::LoadBalancer'];

const HANDLERS: { readonly [type: string]: Handler } = {
  'Custom::S3AutoDeleteObjects': {
    delete: (account, _stack, thing) => {
      for (const bucket of account.used(thing).filter(({ type }) => type === 'AWS::S3::Bucket')) {
        bucket.contents = 0;
      }
      deliverAccessLogs(account); // A balancer that still exists writes on.
      return undefined;
    },
  },
  'Custom::DeletionProtection': {
    create: (account, _stack, thing) => setProtection(account, thing, true),
    delete: (account, stack, thing) => {
      const doomed = account.used(thing).find((each) => each.isProtected && !isRetained(each));
      if (stack.operation === 'delete' && doomed !== undefined) {
        return `${label(doomed)} is protected against deletion`;
      }
      if (stack.operation !== 'delete') {
        setProtection(account, thing, false);
      }
      return undefined;
    },
  },
  'Custom::ChangeGuard': {
    update: (before, after) => {
      const refused = refusedChanges(before as ChangeGuardProperties, after as ChangeGuardProperties);
      return refused.length === 0 ? undefined : messageOf(refused);
    },
  },
  'Custom::TerminationProtection': {
    create: (_account, stack) => {
      stack.terminationProtection = true;
    },
    delete: (_account, stack) => {
      if (stack.operation === 'rollback') {
        stack.terminationProtection = false;
      }
      return undefined;
    },
  },
};

export function afterCreation(account: Account, stack: Stack, thing: Thing): void {
  HANDLERS[thing.type]?.create?.(account, stack, thing);
}

/** Throws when a handler refuses the change; what leads back to the template of before goes through. */
export function customChanged(stack: Stack, before: Resource, after: Resource): void {
  const told = ({ Properties }: Resource) => textsOf(Properties, stack) as Properties;
  const refusal = HANDLERS[after.Type]?.update?.(told(before), told(after));
  if (refusal !== undefined && stack.operation === 'update') {
    throw new Refusal(refusal);
  }
}

/** Properties as a handler gets them: every expression is a text by then. */
function textsOf(value: unknown, stack: Stack): unknown {
  if (Array.isArray(value)) {
    return value.map((each) => textsOf(each, stack));
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  return Object.keys(value).some((key) => key === 'Ref' || key.startsWith('Fn::'))
    ? (evaluate(value, stack) ?? JSON.stringify(value))
    : Object.fromEntries(Object.entries(value).map(([name, each]) => [name, textsOf(each, stack)]));
}

export function beforeDeletion(account: Account, stack: Stack, thing: Thing): string | undefined {
  return HANDLERS[thing.type]?.delete?.(account, stack, thing);
}

function setProtection(account: Account, thing: Thing, isProtected: boolean): void {
  for (const each of account.used(thing)) {
    if (PROTECTED.includes(each.type)) {
      each.isProtected = isProtected;
    }
  }
}

function isRetained({ resource }: Thing): boolean {
  return resource.DeletionPolicy?.startsWith('Retain') ?? false;
}
