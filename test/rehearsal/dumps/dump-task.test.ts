import { DRILL_KIND, readDumps } from '../../../rehearsal/dumps/dump-task';
import { Intrinsics } from '../../../rehearsal/template/intrinsics';

const container = (Name: string, waitsFor?: string) => ({
  Name,
  Image: `${Name}:1`,
  EntryPoint: ['sh'],
  Command: ['-c', 'true'],
  DependsOn: waitsFor === undefined ? undefined : [{ ContainerName: waitsFor, Condition: 'SUCCESS' }],
  MountPoints: [{ SourceVolume: 'dump', ContainerPath: '/var/tmp/dump' }],
  Essential: Name === 'upload',
  Secrets: Name === 'dump' ? [{ Name: 'PGPASSWORD', ValueFrom: 'arn:secret:password::' }] : undefined,
});

const template = {
  Resources: {
    Dump: {
      Type: 'AWS::ECS::TaskDefinition',
      Metadata: { 'cdk-django-fargate': { process: 'dump' } },
      Properties: {
        Family: 'ShopDump',
        TaskRoleArn: { 'Fn::GetAtt': ['Role', 'Arn'] },
        ContainerDefinitions: [container('upload', 'dump'), container('prepare'), container('dump', 'prepare')],
      },
    },
    Drill: {
      Type: 'AWS::ECS::TaskDefinition',
      Metadata: { 'cdk-django-fargate': { process: 'drill' } },
      Properties: {
        ContainerDefinitions: [
          { ...container('restore'), DependsOn: [{ ContainerName: 'postgres', Condition: 'HEALTHY' }] },
          { ...container('postgres'), HealthCheck: { Command: ['CMD', 'ready', '15432'] } },
        ],
      },
    },
    Web: {
      Type: 'AWS::ECS::TaskDefinition',
      Metadata: { 'cdk-django-fargate': { process: 'web' } },
      Properties: { ContainerDefinitions: [container('web')] },
    },
    Nightly: {
      Type: 'AWS::Scheduler::Schedule',
      Properties: {
        ScheduleExpression: 'cron(0 1 * * ? *)',
        Target: { Arn: 'arn:cluster', EcsParameters: { TaskDefinitionArn: { Ref: 'Dump' } } },
      },
    },
  },
};

test('a dump is known by the metadata of its task definition, and its containers run in their order', () => {
  const intrinsics = new Intrinsics({ template, stackName: 'S', region: 'eu-central-1', account: '1' });
  intrinsics.register('Dump', { ref: 'arn:task' });
  const [dump, ...others] = readDumps(intrinsics);
  expect(others).toEqual([]);
  expect(dump).toMatchObject({
    id: 'arn:task',
    family: 'ShopDump',
    taskRole: 'Role',
    schedules: ['cron(0 1 * * ? *)'],
    clusterArn: 'arn:cluster',
  });
  expect(dump.containers.map(({ name, words, folder }) => [name, words, folder])).toEqual(
    ['prepare', 'dump', 'upload'].map((name) => [name, ['sh', '-c', 'true'], '/var/tmp/dump']),
  );
  expect(dump.containers[1].secrets).toEqual({ PGPASSWORD: 'arn:secret:password::' });
  expect(dump.containers.map(({ isEssential }) => isEssential)).toEqual([false, false, true]);
  expect(dump.containers[2].waitsFor).toEqual([{ name: 'dump', condition: 'SUCCESS' }]);
});

test('a drill is told from a dump, and a container waits until another one is healthy', () => {
  const intrinsics = new Intrinsics({ template, stackName: 'S', region: 'eu-central-1', account: '1' });
  const [drill, ...others] = readDumps(intrinsics, DRILL_KIND);
  expect(others).toEqual([]);
  expect(drill.containers.map(({ name }) => name)).toEqual(['postgres', 'restore']);
  expect(drill.containers[0].healthCheck).toEqual(['ready', '15432']);
  expect(drill.containers[1].waitsFor).toEqual([{ name: 'postgres', condition: 'HEALTHY' }]);
});
