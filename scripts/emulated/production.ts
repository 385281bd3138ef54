import { checkBefore, checkOrder, checkResources, checkRoles, idsOf, kept, physical, told } from './checks';
import type { Guide, Typed } from './guide';
import { failingLast, IN_THE_WAY, wrongZone } from './template/changes';
import { STACK, type World } from './world';

const PROFILE = 'production';

/** What a run of the guide is about. */
interface Run {
  readonly world: World;
  readonly guide: Guide;
  /** Id of the hosted zone of the domain. */
  readonly zone: string;
}

/** The part of the guide that needs no stack of ours: for a fault in its commands. */
export async function guideAlone(world: World, guide: Guide): Promise<void> {
  await world.report.step('a stack that cannot be deleted', () => cannotBeDeleted({ world, guide, zone: '' }));
}

/** docs/first-deployment.md from its first to its last line, typed by somebody who deploys production. */
export async function production(world: World, guide: Guide, zone: string): Promise<void> {
  const run = { world, guide, zone };
  const { report } = world;
  await report.step('production: before', () => before(run));
  await report.step('production: the first deployment fails, and is rolled back', () => failsAndRollsBack(run));
  await report.step('production: it fails again, and keeps what it made', () => failsAndStays(run));
  await report.step('production: mended, and deployed', () => deployed(run));
  await report.step('production: deploy without a change', () => deployWithoutChange(run));
  await report.step('a stack that cannot be deleted', () => cannotBeDeleted(run));
  await report.step('production: a deletion under termination protection', () => protectedStack(run));
  await report.step('production: torn down', () => tornDown(run));
  await report.step('the guide', async () => {
    report.same('every block of the guide was typed', guide.untyped, []);
  });
}

async function type({ world, guide }: Run, has: string, values?: Readonly<Record<string, string>>): Promise<Typed> {
  const typed = await guide.type(has, values);
  world.report.same(`no command of the block with "${has}" failed`, typed.errors, []);
  return typed;
}

async function before(run: Run): Promise<void> {
  const { report, cdk, announce } = run.world;
  await type(run, 'export STACK=Shop');
  await type(run, 'create-service-linked-role');
  const query = ['--query', 'Roles[].Path', '--output', 'json'];
  const paths = JSON.parse(await cdk.aws('iam', 'list-roles', '--path-prefix', '/aws-service-role/', ...query));
  announce.substitution('the emulator names the service-linked role of ECS autoscaling as that of ECS, and makes one');
  report.same('the service-linked roles are there', paths.sort(), [
    '/aws-service-role/ecs.amazonaws.com/',
    '/aws-service-role/elasticloadbalancing.amazonaws.com/',
    '/aws-service-role/rds.amazonaws.com/',
  ]);
  const quotas = await type(run, 'quota fargate');
  report.that('the quota of resource policies is counted', /^\d+$/m.test(quotas.output.trim()), quotas.output);
  run.world.assemble(PROFILE);
  const vcpu = await type(run, 'grep -A 2 FargateVcpu');
  report.that(
    'the vCPU of the stack is in its template',
    /Value: .*On demand: [\d.]+ at rest/.test(vcpu.output),
    vcpu.output,
  );
  const zone = await type(run, 'aws route53 get-hosted-zone', { Z0123456789ABCDEFGHIJ: run.zone });
  report.that('the servers of the hosted zone are listed', /ns-/.test(zone.output), zone.output);
}

/** The emulator's tagging API lists neither secrets nor log groups, so `left` would not name them. */
const ALSO_LEFT = `eval "tagged_$(declare -f left)"
left() {
  tagged_left
  aws secretsmanager list-secrets --query 'SecretList[].ARN' --output text | tr '\\t' '\\n'
  aws logs describe-log-groups --query 'logGroups[].arn' --output text | tr '\\t' '\\n'
}`;

/** A slip in the id of the hosted zone: the commonest kind of a first failure. */
async function failsAndRollsBack(run: Run): Promise<void> {
  const { report, aws, cdk, assemble } = run.world;
  const { template } = assemble(PROFILE, wrongZone(run.zone));
  await cdk.run('deploy', STACK);
  const stack = await aws.stack(STACK);
  report.same('the stack is rolled back', stack?.StackStatus, 'ROLLBACK_COMPLETE');
  report.same('and has no termination protection any more', stack?.EnableTerminationProtection, false);
  const events = await aws.events(STACK);
  const made = told(events, 'CREATE_COMPLETE');
  const stays = kept(template, ['Retain']).filter((id) => made.includes(id));
  report.same(
    'it left what keeps whatever happens, and nothing else',
    told(events, 'DELETE_SKIPPED').sort(),
    stays.sort(),
  );
  const why = await type(run, 'describe-stack-events');
  const records = idsOf(template, 'AWS::Route53::RecordSet');
  report.that(
    'the guide finds the first failure',
    why.output.split('\n').some((line) => records.includes(line.split('\t')[0]) && /No hosted zone/.test(line)),
    why.output,
  );
  const left = await type(run, 'left() {');
  report.that(
    'the guide lists the vault that is left',
    /:backup-vault:/.test(left.output) && /:kms:/.test(left.output),
    left.output,
  );
}

async function failsAndStays(run: Run): Promise<void> {
  const { report, aws, cdk, assemble } = run.world;
  await cdk.aws('ssm', 'put-parameter', '--name', IN_THE_WAY, '--type', 'String', '--value', 'theirs', '--overwrite');
  const { template } = assemble(PROFILE, failingLast);
  const typed = await run.guide.type('npx cdk deploy "$STACK" --no-rollback');
  report.same('the command fails', typed.errors.length, 1);
  const stack = await aws.stack(STACK);
  report.same('the stack stays as it is', stack?.StackStatus, 'CREATE_FAILED');
  const events = await aws.events(STACK);
  report.same('everything but one was made', told(events, 'CREATE_FAILED'), ['InTheWay', STACK]);
  checkOrder(run.world, template, events);
  checkBefore(report, events, 'Custom::TerminationProtection', 'AWS::RDS::DBInstance');
  checkBefore(report, events, 'Custom::ReleaseCommand', 'AWS::ECS::Service');
  checkBefore(report, events, 'AWS::ECS::Service', 'Custom::DeletionProtection');
  const why = await type(run, 'describe-stack-events');
  report.that('the guide finds the first failure', /^InTheWay\t/m.test(why.output), why.output);
}

async function deployed(run: Run): Promise<void> {
  const { report, aws, cdk, standIns, assemble } = run.world;
  const releases = standIns.releases.length;
  const created = await aws.stack(STACK);
  await cdk.aws('ssm', 'delete-parameter', '--name', IN_THE_WAY);
  const { template, altered, total } = assemble(PROFILE);
  console.log(
    `   ${Object.keys(template.Resources).length} of ${total} resources, ${altered.length} of them alarms with a plain metric`,
  );
  await type(run, 'npx cdk deploy "$STACK" --no-rollback');
  const stack = await aws.stack(STACK);
  report.that(
    'the stack is complete',
    /^(CREATE|UPDATE)_COMPLETE$/.test(stack?.StackStatus ?? ''),
    String(stack?.StackStatus),
  );
  report.same('it is the stack that failed', stack?.StackId, created?.StackId);
  report.same('it has termination protection', stack?.EnableTerminationProtection, true);
  await checkResources(run.world, template, /^(CREATE|UPDATE)_COMPLETE$/);
  await checkRoles(run.world, template);
  report.same('the release is not run again', standIns.releases.length, releases);
  report.same(
    'every service of the template is there',
    Object.keys(await aws.services()).length,
    idsOf(template, 'AWS::ECS::Service').length,
  );
  report.same(
    'the database is protected against deletion',
    (await aws.instances()).map((each) => each.DeletionProtection),
    [true],
  );
  report.same('and the load balancer', await aws.protectedBalancers(), ['true']);
}

async function deployWithoutChange(run: Run): Promise<void> {
  const { report, aws, cdk, standIns } = run.world;
  const [stack, events, releases] = [await aws.stack(STACK), await aws.events(STACK), standIns.releases.length];
  await cdk.run('deploy', STACK);
  const after = await aws.stack(STACK);
  report.same(
    'the stack was not updated',
    [after?.StackStatus, after?.LastUpdatedTime],
    [stack?.StackStatus, stack?.LastUpdatedTime],
  );
  report.same('there is no event', (await aws.events(STACK)).length, events.length);
  report.same('no release has run', standIns.releases.length, releases);
}

/** A VPC with a subnet of somebody else: CloudFormation cannot delete it, and leaves it when told to. */
async function cannotBeDeleted(run: Run): Promise<void> {
  const { report, aws, cdk } = run.world;
  const stuck = 'Stuck';
  const vpc = { Type: 'AWS::EC2::VPC', Properties: { CidrBlock: '10.9.0.0/16' } };
  const body = JSON.stringify({ Resources: { Vpc: vpc } });
  await cdk.aws('cloudformation', 'create-stack', '--stack-name', stuck, '--template-body', body);
  await cdk.aws('cloudformation', 'wait', 'stack-create-complete', '--stack-name', stuck);
  const { Vpc } = physical(await aws.resources(stuck));
  await cdk.aws('ec2', 'create-subnet', '--vpc-id', Vpc, '--cidr-block', '10.9.1.0/24');
  const id = (await aws.stack(stuck))?.StackId ?? '';
  await run.guide.send(`STACK=${stuck}`);
  await type(run, '--retain-resources', { LogicalIdOfWhatStays: 'Vpc' });
  await run.guide.send(`STACK=${STACK}`);
  report.same('the first deletion fails', told(await aws.events(id), 'DELETE_FAILED'), ['Vpc', stuck]);
  report.same('the second one deletes the stack', (await aws.stack(id))?.StackStatus, 'DELETE_COMPLETE');
  const vpcs = await cdk.aws('ec2', 'describe-vpcs', '--vpc-ids', Vpc, '--query', 'Vpcs[].VpcId', '--output', 'text');
  report.same('and leaves the VPC behind', vpcs.trim(), Vpc);
}

async function protectedStack(run: Run): Promise<void> {
  const { report, aws, cdk } = run.world;
  await cdk.run('destroy', STACK);
  report.same(
    'termination protection refuses the deletion',
    /^(CREATE|UPDATE)_COMPLETE$/.test((await aws.stack(STACK))?.StackStatus ?? ''),
    true,
  );
  await type(run, '--no-enable-termination-protection');
  report.same('the guide switches it off', (await aws.stack(STACK))?.EnableTerminationProtection, false);
}

async function tornDown(run: Run): Promise<void> {
  const { report, aws, cdk, assemble } = run.world;
  const { template } = assemble(PROFILE);
  const ids = physical(await aws.resources(STACK));
  const stackId = (await aws.stack(STACK))?.StackId ?? '';
  const logs = idsOf(template, 'AWS::Logs::LogGroup').map((id) => ids[id]);
  const keys = idsOf(template, 'AWS::KMS::Key').map((id) => ids[id]);
  const [instance] = idsOf(template, 'AWS::RDS::DBInstance');
  await type(run, 'DATABASE=$(ids_of');
  const last = (await aws.snapshots()).filter((each) => each.DBInstanceIdentifier === ids[instance]);
  report.same(
    'the last snapshot is made',
    last.map(({ DBSnapshotIdentifier, Status }) => [DBSnapshotIdentifier, Status]),
    [[`last-${ids[instance]}`, 'available']],
  );
  // Forgetting the load balancer is not tried: the emulator goes on past a failure, and deletes it.
  await type(run, 'aws elbv2 modify-load-balancer-attributes');
  report.same('the stack is gone', (await aws.stack(stackId))?.StackStatus, 'DELETE_COMPLETE');
  const events = await aws.events(stackId);
  report.same(
    'it kept what the template keeps, and nothing else',
    [...new Set(told(events, 'DELETE_SKIPPED'))].sort(),
    kept(template, ['Retain', 'RetainExceptOnCreate']).sort(),
  );
  report.same(
    'the database is there, and protected',
    (await aws.instances()).map((each) => each.DeletionProtection),
    [true],
  );
  await type(run, 'aws rds delete-db-instance');
  report.same('the database is gone', await aws.instances(), []);
  await type(run, 'aws backup delete-backup-vault');
  const vaults = await cdk.aws(
    'backup',
    'list-backup-vaults',
    '--query',
    'BackupVaultList[].BackupVaultName',
    '--output',
    'text',
  );
  const vault = idsOf(template, 'AWS::Backup::BackupVault').map((id) => ids[id])[0];
  report.that('the vault is gone', !vaults.includes(vault), vaults);
  run.world.announce.substitution("the emulator's tagging lists no secrets and no log groups: `left` asks for them");
  await run.guide.send(ALSO_LEFT);
  const rest = await type(run, 'aws secretsmanager delete-secret');
  report.that('the guide named the secrets that it deleted', /Shop|shop|App/.test(rest.output), rest.output);
  const secrets = await cdk.aws('secretsmanager', 'list-secrets', '--query', 'SecretList[].Name', '--output', 'json');
  report.same('no secret is left', JSON.parse(secrets), []);
  const groups = await cdk.aws(
    'logs',
    'describe-log-groups',
    '--query',
    'logGroups[].logGroupName',
    '--output',
    'json',
  );
  report.same(
    'no log group of the stack is left',
    JSON.parse(groups).filter((name: string) => logs.includes(name)),
    [],
  );
  await type(run, 'aws kms schedule-key-deletion --key-id "$key"');
  for (const key of keys) {
    const state = await cdk.aws(
      'kms',
      'describe-key',
      '--key-id',
      key,
      '--query',
      'KeyMetadata.KeyState',
      '--output',
      'text',
    );
    report.same(`the key ${key} goes`, state.trim(), 'PendingDeletion');
  }
}
