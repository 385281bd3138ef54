import { Account, type Thing } from './account';
import { type Artifact, deploy, destroy, type Outcome } from './cli';
import { CloudFormation, type Failure, planOf, type Stack } from './cloudformation';
import { damage } from './services';
import type { Resources } from './template';

/** What a scenario found: nothing, when all is well. */
export interface Finding {
  readonly scenario: string;
  /** Where the failure was injected, if one was. */
  readonly at?: string;
  readonly problem: string;
}

const OTHERS: readonly Failure['others'][] = ['early', 'late'];
const SUCCESS: readonly Outcome['status'][] = ['CREATE_COMPLETE', 'UPDATE_COMPLETE'];

/** The first deployment fails at every resource in turn, is rolled back, and is tried again. */
export function failAndTryAgain(artifact: Artifact, at: readonly string[] = idsOf(artifact)): Finding[] {
  return at.flatMap((id) =>
    OTHERS.flatMap((others) => {
      const cloudFormation = new CloudFormation(new Account());
      const failed = deploy(cloudFormation, artifact, { at: id, others });
      const harmed = storedAndUnreadable(cloudFormation.account, artifact);
      const stack = cloudFormation.stacks.get(artifact.stackName);
      if (stack && needsTheOneCommand(artifact, id)) {
        stack.terminationProtection = false; // aws cloudformation update-termination-protection
      }
      const again = deploy(cloudFormation, artifact);
      return [
        ...problems('rolled back', failed, ['ROLLBACK_COMPLETE']),
        ...harmed,
        ...problems('tried again', again, SUCCESS),
      ].map((problem) => ({ scenario: 'fails, and is tried again', at: id, problem }));
    }),
  );
}

/** The same with `--no-rollback`: the second attempt goes on from where the first one stopped. */
export function fixForward(artifact: Artifact, at: readonly string[] = idsOf(artifact)): Finding[] {
  return at.flatMap((id) =>
    OTHERS.flatMap((others) => {
      const cloudFormation = new CloudFormation(new Account());
      const failed = deploy(cloudFormation, artifact, { at: id, others, withoutRollback: true });
      deleteHalfMadeVault(cloudFormation, artifact, id);
      const again = deploy(cloudFormation, artifact);
      return [...problems('left as it is', failed, ['CREATE_FAILED']), ...problems('tried again', again, SUCCESS)].map(
        (problem) => ({ scenario: 'fails with --no-rollback, and is tried again', at: id, problem }),
      );
    }),
  );
}

/** A vault is always kept, also when it has failed half made, and its name with it: docs/first-deployment.md has the command. */
function deleteHalfMadeVault(
  { account, stacks }: CloudFormation,
  { stackName, resources }: Artifact,
  at: string,
): void {
  const vault = stacks.get(stackName)?.made.get(at);
  if (vault !== undefined && resources[at].Type === 'AWS::Backup::BackupVault') {
    account.remove(vault);
  }
}

/** A rollback may keep a store that something was written to. Then it keeps the key, too. */
function storedAndUnreadable(account: Account, { resources }: Artifact): string[] {
  const kept = [...account.things.values()].filter(({ contents }) => contents > 0);
  return kept.flatMap(({ logicalId, resource }) =>
    planOf(resources)
      .mentions(resource.Properties)
      .filter((id) => resources[id].Type === 'AWS::KMS::Key')
      .filter((id) => ![...account.things.values()].some((thing) => thing.logicalId === id))
      .map((id) => `${logicalId} was kept with what it stores, and its key ${id} was not`),
  );
}

/**
 * Whether a resource can fail before that exists which switches termination protection off on the rollback. Then one
 * command of the docs does it.
 */
export function needsTheOneCommand({ resources }: Artifact, at: string): boolean {
  const guard = Object.keys(resources).find((id) => resources[id].Type === 'Custom::TerminationProtection');
  return guard !== undefined && guard !== at && !planOf(resources).ancestors(at).has(guard);
}

/**
 * What may fail before the guard is there: what functions of custom resources consist of, which needs no quota, and
 * the key, which is made beside them so that the database need not wait.
 */
const BEFORE_THE_GUARD = [
  'AWS::CDK::Metadata',
  'AWS::IAM::ManagedPolicy',
  'AWS::IAM::Role',
  'AWS::KMS::Key',
  'AWS::Lambda::Function',
  'AWS::Logs::LogGroup',
];

/** Everything else must wait until a rollback can switch termination protection off. */
export function beforeTheGuard(artifact: Artifact): Finding[] {
  return idsOf(artifact)
    .filter((id) => needsTheOneCommand(artifact, id) && !BEFORE_THE_GUARD.includes(artifact.resources[id].Type))
    .map((at) => ({
      scenario: 'fails, and is tried again',
      at,
      problem: 'can fail before anything can switch termination protection off',
    }));
}

/** Every leaf is added to a running stack, fails, is rolled back, and is added again. */
export function failToAddAndTryAgain(artifact: Artifact): Finding[] {
  const plan = planOf(artifact.resources);
  const needed = new Set(idsOf(artifact).flatMap((id) => plan.needs(id)));
  return idsOf(artifact)
    .filter((id) => !needed.has(id))
    .flatMap((id) => {
      const { [id]: _left, ...before } = artifact.resources;
      const cloudFormation = new CloudFormation(new Account());
      const first = deploy(cloudFormation, { ...artifact, resources: before });
      const failed = deploy(cloudFormation, artifact, { at: id, others: 'late' });
      const again = deploy(cloudFormation, artifact);
      return [
        ...problems('deployed', first, SUCCESS),
        ...problems('rolled back', failed, ['UPDATE_ROLLBACK_COMPLETE']),
        ...problems('tried again', again, SUCCESS),
      ].map((problem) => ({ scenario: 'is added, fails, and is tried again', at: id, problem }));
    });
}

/** The stack is deleted, after the switches that say no are off, and made again under the same name. */
export function deleteAndMakeAgain(artifact: Artifact): Finding[] {
  const account = new Account();
  const cloudFormation = new CloudFormation(account);
  const made = deploy(cloudFormation, artifact);
  const before = [...account.things.values()];
  const stack = cloudFormation.stacks.get(artifact.stackName);
  const stopped = stack ? stoppedBySwitches(cloudFormation, stack, before) : [];
  const deleted = destroy(cloudFormation, artifact.stackName);
  const harmed = damage(account, before);
  const again = deploy(cloudFormation, artifact);
  return [
    ...problems('deployed', made, SUCCESS),
    ...stopped,
    ...problems('deleted', deleted, ['DELETE_COMPLETE']),
    ...harmed,
    ...problems('made again', again, SUCCESS),
  ].map((problem) => ({ scenario: 'is deleted, and made again', problem }));
}

/** A protected stack says no before it deletes anything. Then the switches are turned off, as the docs say. */
function stoppedBySwitches(cloudFormation: CloudFormation, stack: Stack, before: readonly Thing[]): string[] {
  const found: string[] = [];
  if (stack.terminationProtection) {
    const refused = destroy(cloudFormation, stack.stackName);
    found.push(...problems('deleted with termination protection', refused, ['REFUSED']));
    stack.terminationProtection = false;
  }
  const doomed = [...stack.made.values()].filter(({ isProtected, resource }) => isProtected && !isRetained(resource));
  if (doomed.length > 0) {
    const refused = destroy(cloudFormation, stack.stackName);
    found.push(...problems('deleted with deletion protection', refused, ['DELETE_FAILED']));
    const lost = before.filter(({ id }) => !cloudFormation.account.things.has(id)).length;
    if (lost > 0) {
      found.push(`deletion protection stopped the deletion after ${lost} resources were gone`);
    }
    for (const each of doomed) {
      each.isProtected = false;
    }
  }
  return found;
}

/** Two stacks with the same construct ids and different names, in one account and region. */
export function sideBySide(one: Artifact, other: Artifact): Finding[] {
  const cloudFormation = new CloudFormation(new Account());
  return [one, other].flatMap((artifact) =>
    problems('deployed', deploy(cloudFormation, artifact), SUCCESS).map((problem) => ({
      scenario: 'two names side by side',
      problem,
    })),
  );
}

/** A new account: the first attempt may fail for a role that AWS makes by then, and the second succeeds. */
export function newAccount(artifact: Artifact): Finding[] {
  const cloudFormation = new CloudFormation(new Account(new Set()));
  const attempts = [deploy(cloudFormation, artifact)];
  if (!SUCCESS.includes(attempts[0].status)) {
    attempts.push(deploy(cloudFormation, artifact));
  }
  return problems('tried again', attempts[attempts.length - 1], SUCCESS).map((problem) => ({
    scenario: 'a new account',
    problem,
  }));
}

/** Every scenario that takes one stack. */
export function findingsOf(artifact: Artifact, at?: readonly string[]): Finding[] {
  return [
    ...failAndTryAgain(artifact, at),
    ...fixForward(artifact, at),
    ...beforeTheGuard(artifact),
    ...failToAddAndTryAgain(artifact),
    ...deleteAndMakeAgain(artifact),
    ...newAccount(artifact),
  ];
}

export function idsOf({ resources }: { readonly resources: Resources }): string[] {
  return Object.keys(resources);
}

function problems(step: string, { status, reasons }: Outcome, expected: readonly Outcome['status'][]): string[] {
  return expected.includes(status) ? [] : [`${step}: ${status}: ${reasons.join('; ')}`];
}

function isRetained({ DeletionPolicy }: { readonly DeletionPolicy?: string }): boolean {
  return DeletionPolicy?.startsWith('Retain') ?? false;
}
