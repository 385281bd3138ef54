import {
  behind,
  checkBefore,
  checkOrder,
  checkResources,
  checkRoles,
  failures,
  idsOf,
  kept,
  physical,
  secretVersions,
  told,
} from './checks';
import type { Guide } from './guide';
import { both, failingLast, IN_THE_WAY, newImage, otherPort } from './template/changes';
import { STACK, type World } from './world';

const PROFILE = 'development';
/** What stores, and must be the same resource after every deployment. */
const STORES = [
  'AWS::RDS::DBInstance',
  'AWS::SecretsManager::Secret',
  'AWS::SQS::Queue',
  'AWS::KMS::Key',
  'AWS::S3::Bucket',
  'AWS::Logs::LogGroup',
];

/** The life of a development stack: made, deployed again, changed, failed, destroyed, and made once more. */
export async function development(world: World, guide: Guide): Promise<void> {
  const { report } = world;
  await report.step('development: bootstrap', () => bootstrap(world));
  await report.step('development: deploy', () => deploy(world));
  if ((await world.aws.stack(STACK))?.StackStatus !== 'CREATE_COMPLETE') {
    return; // Nothing that follows would say more.
  }
  await report.step('development: deploy without a change', () => deployWithoutChange(world));
  await report.step('development: update', () => update(world));
  await report.step('development: an update that the guard refuses', () => refusedUpdate(world));
  await report.step('development: an update that fails last, with its rollback', () => failingUpdate(world));
  await report.step('development: destroy', () => destroy(world, guide));
  await report.step('development: deploy again', () => deploy(world));
  await report.step('development: destroy again', async () => {
    await untagged(world);
    await world.cdk.run('destroy', STACK);
    report.same('the stack is gone', await world.aws.stack(STACK), undefined);
  });
}

async function bootstrap({ cdk, aws, report, assemble }: World): Promise<void> {
  assemble(PROFILE);
  await cdk.bootstrap();
  const resources = await aws.resources('CDKToolkit');
  report.same(
    'the stack of the bootstrap is complete',
    (await aws.stack('CDKToolkit'))?.StackStatus,
    'CREATE_COMPLETE',
  );
  report.that(
    'it has the bucket for assets and five roles',
    count(resources, 'AWS::S3::Bucket') === 1 && count(resources, 'AWS::IAM::Role') === 5,
    JSON.stringify(resources.map((each) => each.ResourceType)),
  );
}

const count = (resources: { ResourceType?: string }[], type: string) =>
  resources.filter(({ ResourceType }) => ResourceType === type).length;

async function deploy(world: World): Promise<void> {
  const { cdk, aws, report, standIns, assemble } = world;
  const { template, altered, total } = assemble(PROFILE);
  const before = standIns.releases.length;
  console.log(
    `   ${Object.keys(template.Resources).length} of ${total} resources, ${altered.length} of them alarms with a plain metric`,
  );
  await cdk.run('deploy', STACK);
  const stack = await aws.stack(STACK);
  report.same('the stack is complete', stack?.StackStatus, 'CREATE_COMPLETE');
  report.same('development has no termination protection', stack?.EnableTerminationProtection, false);
  const events = await aws.events(STACK);
  report.same('nothing failed', failures(events), []);
  await checkResources(world, template, /^CREATE_COMPLETE$/);
  checkOrder(world, template, events);
  checkBefore(report, events, 'Custom::ChangeGuard', 'AWS::RDS::DBInstance');
  checkBefore(report, events, 'Custom::DatabaseRoles', 'Custom::ReleaseCommand');
  checkBefore(report, events, 'Custom::ReleaseCommand', 'AWS::ECS::Service');
  await checkRoles(world, template);
  report.same('one release task has run', standIns.releases.length - before, 1);
  report.same(
    'every service of the template is there',
    Object.keys(await aws.services()).length,
    idsOf(template, 'AWS::ECS::Service').length,
  );
  await untagged(world);
}

/** The emulator drops the tags of a bucket, by which the CDK's own function knows which ones it may empty. */
async function untagged({ aws, cdk, announce }: World): Promise<void> {
  for (const { ResourceType, PhysicalResourceId: bucket = '' } of await aws.resources(STACK)) {
    if (ResourceType === 'AWS::S3::Bucket') {
      announce.substitution(
        'the emulator drops the tags of buckets in a template: the one for emptying is put by hand',
      );
      await cdk.aws(
        's3api',
        'put-bucket-tagging',
        '--bucket',
        bucket,
        '--tagging',
        'TagSet=[{Key=aws-cdk:auto-delete-objects,Value=true}]',
      );
    }
  }
}

async function deployWithoutChange(world: World): Promise<void> {
  const { cdk, aws, report, standIns } = world;
  const [stack, events, before] = [await aws.stack(STACK), await aws.events(STACK), standIns.releases.length];
  await cdk.run('deploy', STACK);
  const after = await aws.stack(STACK);
  report.same(
    'the stack was not updated',
    [after?.StackStatus, after?.LastUpdatedTime],
    ['CREATE_COMPLETE', stack?.LastUpdatedTime],
  );
  report.same('there is no event', (await aws.events(STACK)).length, events.length);
  report.same('no release has run', standIns.releases.length, before);
}

async function update(world: World): Promise<void> {
  const { cdk, aws, report, standIns, assemble } = world;
  const before = await stateOf(world);
  const { template } = assemble(PROFILE, newImage('a'));
  await cdk.run('deploy', STACK);
  report.same('the stack is updated', (await aws.stack(STACK))?.StackStatus, 'UPDATE_COMPLETE');
  const events = (await aws.events(STACK)).slice(before.events);
  report.same('nothing failed', failures(events), []);
  checkBefore(report, events, 'Custom::ReleaseCommand', 'AWS::ECS::Service');
  const [after, ids] = [await stateOf(world), physical(await aws.resources(STACK))];
  report.same('one release task has run', after.releases - before.releases, 1);
  report.same(
    'it ran the new task definition',
    standIns.releases.at(-1)?.taskDefinition,
    ids[releaseDefinition(template)],
  );
  report.same('everything stored is what it was', after.stores, before.stores);
  report.same('no secret has another value', after.secrets, before.secrets);
  const wanted = idsOf(template, 'AWS::ECS::Service').map(
    (id) => ids[template.Resources[id].Properties.TaskDefinition.Ref],
  );
  report.same('every service runs its new task definition', Object.values(after.services).sort(), wanted.sort());
  report.that(
    'which is another one',
    Object.values(after.services).every((each) => !Object.values(before.services).includes(each)),
    JSON.stringify(after.services),
  );
}

async function refusedUpdate(world: World): Promise<void> {
  const { cdk, aws, report, assemble } = world;
  const before = await stateOf(world);
  const { template } = assemble(PROFILE, both(newImage('b'), otherPort));
  const guard = idsOf(template, 'Custom::ChangeGuard').flatMap((id) => [...behind(id, template)]);
  await cdk.run('deploy', STACK);
  report.same('the update is rolled back', (await aws.stack(STACK))?.StackStatus, 'UPDATE_ROLLBACK_COMPLETE');
  const events = (await aws.events(STACK)).slice(before.events);
  const failed = events.filter(({ ResourceStatus }) => ResourceStatus === 'UPDATE_FAILED');
  report.same(
    'the guard refused it',
    failed.map(({ ResourceType }) => ResourceType),
    ['Custom::ChangeGuard'],
  );
  report.that(
    'and says which prop, and what to do',
    /Nothing stored has changed\. `databaseOptions\.port` must not change from "15432" to "15433"/.test(
      failed[0]?.ResourceStatusReason ?? '',
    ),
    String(failed[0]?.ResourceStatusReason),
  );
  const touched = events.filter(
    ({ ResourceType = '', ResourceStatus = '', LogicalResourceId = '' }) =>
      STORES.includes(ResourceType) &&
      !guard.includes(LogicalResourceId) &&
      /^(UPDATE|DELETE|CREATE)_IN_PROGRESS$/.test(ResourceStatus),
  );
  report.same(
    'nothing stored was touched but the log of the guard itself',
    touched.map(({ LogicalResourceId }) => LogicalResourceId),
    [],
  );
  report.same(
    'everything is what it was',
    await stateOf(world).then(({ events: _, ...state }) => state),
    without(before),
  );
}

async function failingUpdate(world: World): Promise<void> {
  const { cdk, aws, report, assemble } = world;
  const before = await stateOf(world);
  await cdk.aws('ssm', 'put-parameter', '--name', IN_THE_WAY, '--type', 'String', '--value', 'of somebody else');
  assemble(PROFILE, both(newImage('c'), failingLast));
  await cdk.run('deploy', STACK);
  report.same('the update is rolled back', (await aws.stack(STACK))?.StackStatus, 'UPDATE_ROLLBACK_COMPLETE');
  const events = (await aws.events(STACK)).slice(before.events);
  report.same(
    'the one resource failed',
    failures(events)
      .filter((each) => /_FAILED/.test(each))
      .map((each) => each.split(' ')[0]),
    ['InTheWay'],
  );
  report.that(
    'the services had been updated before',
    told(events, 'UPDATE_COMPLETE').some((id) => /Service/.test(id)),
    told(events, 'UPDATE_COMPLETE').join(', '),
  );
  const after = await stateOf(world);
  report.same('one release task has run, and none in the rollback', after.releases - before.releases, 1);
  report.same('the services are back', after.services, before.services);
  report.same('everything stored is what it was', after.stores, before.stores);
  report.same('no secret has another value', after.secrets, before.secrets);
}

async function destroy(world: World, guide: Guide): Promise<void> {
  const { aws, report, assemble } = world;
  const { template } = assemble(PROFILE);
  const id = (await aws.stack(STACK))?.StackId ?? '';
  await guide.type('export STACK=Shop');
  const typed = await guide.type('npx cdk destroy "$STACK"');
  report.same('no command of the guide failed', typed.errors, []);
  report.same('the stack is gone', (await aws.stack(id))?.StackStatus, 'DELETE_COMPLETE');
  const skipped = told(await aws.events(id), 'DELETE_SKIPPED').sort();
  report.same(
    'it kept what the template keeps, and nothing else',
    skipped,
    kept(template, ['Retain', 'RetainExceptOnCreate']).sort(),
  );
  report.same(
    'no instance is left',
    (await aws.instances()).map(({ DBInstanceIdentifier }) => DBInstanceIdentifier),
    [],
  );
  const [snapshot, ...others] = await aws.snapshots();
  report.same('one snapshot is left', [snapshot?.SnapshotType, others.length], ['manual', 0]);
  const named = { NameOfTheSnapshot: String(snapshot?.DBSnapshotIdentifier), IdOfTheKey: String(snapshot?.KmsKeyId) };
  const rid = await guide.type('aws rds delete-db-snapshot', named);
  report.same('no command of the guide failed', rid.errors, []);
  report.that(
    'the guide lists the snapshot and its key',
    rid.output.includes(named.NameOfTheSnapshot) && rid.output.includes(named.IdOfTheKey),
    rid.output,
  );
  report.same('the snapshot is gone', await aws.snapshots(), []);
}

interface State {
  readonly events: number;
  readonly releases: number;
  readonly services: { [name: string]: string };
  readonly stores: { [id: string]: string };
  readonly secrets: { [id: string]: string };
}

async function stateOf(world: World): Promise<State> {
  const { aws, standIns } = world;
  const resources = await aws.resources(STACK);
  const stores = physical(resources.filter(({ ResourceType = '' }) => STORES.includes(ResourceType)));
  return {
    events: (await aws.events(STACK)).length,
    releases: standIns.releases.length,
    services: await aws.services(),
    stores,
    secrets: await secretVersions(world),
  };
}

function without({ events: _, ...state }: State) {
  return state;
}

function releaseDefinition(template: Parameters<typeof idsOf>[0]): string {
  const [release] = idsOf(template, 'Custom::ReleaseCommand');
  return template.Resources[release].Properties.TaskDefinition.Ref;
}
