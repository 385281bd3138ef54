import { statefulIds } from '../../scripts/compare-templates';
import { Account, type Thing } from './account';
import { type Artifact, deploy } from './cli';
import { CloudFormation, type Stack } from './cloudformation';
import { damage, label } from './services';

/** How a change of a stack ends. */
export interface Ending {
  /** Deployed; refused by the guard; or neither, with problems. */
  readonly status: 'deployed' | 'refused' | 'failed';
  /** What went wrong: nothing, when all is well. */
  readonly problems: readonly string[];
  /** Logical ids of what is stored and left the stack, and whether it still exists. */
  readonly left: readonly { readonly id: string; readonly isKept: boolean }[];
}

const SECRET = 'AWS::SecretsManager::Secret';
const RECORD = 'AWS::Route53::RecordSet';

const BY_GUARD = /must not change from/;
/** EC2 may be asked before the guard has refused, for a subnet with the addresses of the old one. */
const BY_EC2 = /AWS::EC2::Subnet .* already exists/;

/** A stack is deployed, and deployed again after a change. */
export function change(before: Artifact, after: Artifact): Ending {
  const cloudFormation = new CloudFormation(new Account());
  const first = deploy(cloudFormation, before);
  const stack = cloudFormation.stacks.get(before.stackName);
  if (first.status !== 'CREATE_COMPLETE' || stack === undefined) {
    return { status: 'failed', problems: first.reasons, left: [] };
  }
  const had = storedBefore(stack);
  const second = deploy(cloudFormation, after);
  if (second.status === 'UPDATE_COMPLETE') {
    const problems = [
      ...harmed(stack, had),
      ...regenerated(had),
      ...lostRecords(cloudFormation.account, before, after),
    ];
    const left = had
      .filter(({ id }) => !(id in after.resources))
      .map(({ id, thing }) => ({ id, isKept: cloudFormation.account.things.has(thing.id) }));
    return { status: problems.length === 0 ? 'deployed' : 'failed', problems, left };
  }
  const refused = second.reasons.some((reason) => BY_GUARD.test(reason));
  const others = second.reasons.filter((reason) => !BY_GUARD.test(reason) && !(refused && BY_EC2.test(reason)));
  const touched = had
    .filter(({ id, thing, changes }) => thing.changes !== changes && waitsForGuard(stack, id, thing))
    .map(({ thing }) => label(thing));
  const problems = [
    ...(second.status === 'UPDATE_ROLLBACK_COMPLETE' ? [] : [`the rollback ended in ${second.status}`]),
    ...others,
    ...touched.map((each) => `${each} was changed before the guard refused`),
    ...harmed(stack, had),
    ...regenerated(had),
  ];
  return { status: problems.length === 0 ? 'refused' : 'failed', problems, left: [] };
}

/** A part is taken out of a stack, kept or not, and comes back in a later deployment. */
export function offAndOn(on: Artifact, off: Artifact): string[] {
  const account = new Account();
  const cloudFormation = new CloudFormation(account);
  const first = deploy(cloudFormation, on);
  const before = [...account.things.values()];
  const second = deploy(cloudFormation, off);
  const harmed = damage(account, before);
  const third = deploy(cloudFormation, on);
  const expected = ['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'UPDATE_COMPLETE'];
  const failed = [first, second, third].filter(({ status }, index) => status !== expected[index]);
  return [...failed.map(({ status, reasons }) => `${status}: ${reasons.join('; ')}`), ...harmed];
}

interface Stored {
  readonly id: string;
  readonly thing: Thing;
  readonly changes: number;
  readonly generated: number;
}

/** All that is stored, except keys, of which only the policy changes, and the log of the guard's own function. */
function waitsForGuard({ plan }: Stack, id: string, { type }: Thing): boolean {
  const guards = Object.keys(plan.resources).filter((each) => plan.resources[each].Type === 'Custom::ChangeGuard');
  return type !== 'AWS::KMS::Key' && !guards.some((guard) => plan.ancestors(guard).has(id));
}

/** Everything that stores something, by AWS's own specification. */
function storedBefore({ plan, made }: Stack): Stored[] {
  return Object.values(statefulIds({ Resources: plan.resources }))
    .flat()
    .flatMap((id) => {
      const thing = made.get(id);
      return thing === undefined ? [] : [{ id, thing, changes: thing.changes, generated: thing.generated }];
    });
}

/** What stays in the template, and is another thing now. */
function harmed({ plan, made }: Stack, had: readonly Stored[]): string[] {
  return had
    .filter(({ id, thing }) => id in plan.resources && made.get(id) !== thing)
    .map(({ thing }) => `${label(thing)} is replaced`);
}

function regenerated(had: readonly Stored[]): string[] {
  return had
    .filter(({ thing, generated }) => thing.type === SECRET && thing.generated !== generated)
    .map(({ thing }) => `${label(thing)} has another password, and has lost its host`);
}

/** The records of names under which the application answered before, and answers still. */
function lostRecords(account: Account, before: Artifact, after: Artifact): string[] {
  const names = (before.names ?? []).filter((name) => after.names?.includes(name));
  // A record for DKIM has a name that only SES knows.
  const recordOf = (properties: unknown) => (properties as { Name: unknown; Type: string }) ?? {};
  const had = Object.values(before.resources).filter(({ Type }) => Type === RECORD);
  const has = [...account.things.values()].filter(({ type }) => type === RECORD);
  return had
    .map(({ Properties }) => recordOf(Properties))
    .filter(({ Name }) => typeof Name === 'string' && names.includes(Name.replace(/\.$/, '')))
    .filter(
      ({ Name, Type }) =>
        !has.some(
          ({ resource }) => recordOf(resource.Properties).Name === Name && recordOf(resource.Properties).Type === Type,
        ),
    )
    .map(({ Name, Type }) => `${Name} has lost its ${Type} record`);
}
