import { execFileSync } from 'node:child_process';
import type { Stack } from 'aws-cdk-lib';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { Cluster } from 'aws-cdk-lib/aws-ecs';
import { Profile } from '../constructs/profile';
import { ReleaseCommand, type ReleaseCommandOptions } from '../constructs/release-command';
import { broughtProps, containerOf, processProps } from './background';
import { errorOf, only, templateOf, testStack } from './support';

function releaseWith(options: ReleaseCommandOptions & { profile?: Profile } = {}) {
  const stack = testStack();
  const release = new ReleaseCommand(stack, 'Release', { ...processProps(stack), ...options });
  return { stack, release, template: templateOf(stack) };
}

/** The command as a shell sees it, with the name of a resource in place of each reference. */
function wordsOf(stack: Stack, command: string): string[] {
  const text = JSON.stringify(stack.resolve(command));
  const flat = flatten(JSON.parse(text));
  return JSON.parse(
    execFileSync('sh', ['-c', `node -p 'JSON.stringify(process.argv.slice(1))' -- ${flat}`]).toString(),
  );
}

function flatten(value: unknown): string {
  if (typeof value === 'string') {
    return value;
  }
  const [[kind, content]] = Object.entries(value as object);
  switch (kind) {
    case 'Fn::Join':
      return content[1].map(flatten).join(content[0]);
    case 'Ref':
      return content;
    default:
      return content.join('.');
  }
}

describe('with nothing but what is required', () => {
  const { stack, release, template } = releaseWith();
  const definition = only(template, 'AWS::ECS::TaskDefinition');

  test('it migrates without questions, at the size of a worker', () => {
    expect(containerOf(definition.resource).Command).toEqual(['python', 'manage.py', 'migrate', '--noinput']);
    expect(definition.resource.Properties).toMatchObject({ Cpu: '512', Memory: '1024' });
  });

  test('nothing runs by itself', () => {
    template.resourceCountIs('AWS::ECS::Service', 0);
    template.resourceCountIs('AWS::Scheduler::Schedule', 0);
  });

  test('it says where it runs', () => {
    expect(release.cluster.vpc.selectSubnets(release.vpcSubnets).subnetIds).toHaveLength(2);
    expect(release.assignPublicIp).toBe(false);
    expect(release.connections.securityGroups).toEqual([release.securityGroup]);
    expect(release.containerName).toBe('release');
  });

  test('the command to paste runs this revision in these subnets', () => {
    const [subnet1, subnet2] = release.cluster.vpc.privateSubnets.map(({ subnetId }) => stack.resolve(subnetId).Ref);
    const group = stack.resolve(release.securityGroup.securityGroupId)['Fn::GetAtt'].join('.');
    expect(wordsOf(stack, release.runTaskCommand)).toEqual([
      ...['aws', 'ecs', 'run-task', '--region', 'AWS::Region'],
      ...['--cluster', stack.resolve(release.cluster.clusterName).Ref],
      ...['--task-definition', definition.id, '--launch-type', 'FARGATE', '--network-configuration'],
      `awsvpcConfiguration={subnets=[${subnet1},${subnet2}],securityGroups=[${group}],assignPublicIp=DISABLED}`,
    ]);
  });

  test('any other command of the image reaches the container as it is given', () => {
    const command = ['python', '-c', `print("it's" + ' $HOME')`];
    const words = wordsOf(stack, release.oneOffCommand(...command));
    expect(words.at(-2)).toBe('--overrides');
    expect(JSON.parse(words.at(-1) as string)).toEqual({ containerOverrides: [{ name: 'release', command }] });
  });

  test('the task definition waits for permissions and routes', () => {
    const policies = Object.keys(template.findResources('AWS::IAM::ManagedPolicy'));
    expect(policies).toHaveLength(1);
    expect(definition.resource.DependsOn).toEqual(expect.arrayContaining(policies));
    expect(definition.resource.DependsOn.join()).toContain('DefaultRoute');
  });
});

test('everything given is used', () => {
  const stack = testStack();
  const props = processProps(stack);
  const brought = broughtProps(stack, props);
  const release = new ReleaseCommand(stack, 'Release', {
    ...props,
    ...brought,
    command: ['./release.sh'],
    cpu: 1024,
    memoryLimitMiB: 4096,
  });
  const { resource } = only(templateOf(stack), 'AWS::ECS::TaskDefinition');
  expect(containerOf(resource).Command).toEqual(['./release.sh']);
  expect(resource.Properties).toMatchObject({ Cpu: '1024', Memory: '4096' });
  expect(release.securityGroup).toBe(brought.securityGroup);
});

test('without a NAT gateway the command asks for a public address', () => {
  const stack = testStack();
  const vpc = new Vpc(stack, 'Public', { maxAzs: 2, natGateways: 0, restrictDefaultSecurityGroup: false });
  const cluster = new Cluster(stack, 'PublicCluster', { vpc });
  const release = new ReleaseCommand(stack, 'Release', { ...processProps(stack), cluster });
  expect(wordsOf(stack, release.runTaskCommand).at(-1)).toContain('assignPublicIp=ENABLED');
});

test('the subnets of an imported VPC may be a list that is only known at deployment', () => {
  const stack = testStack();
  const vpc = Vpc.fromVpcAttributes(stack, 'Imported', {
    vpcId: 'vpc-1',
    availabilityZones: ['a', 'b'],
    privateSubnetIds: ['subnet-1', 'subnet-2'],
  });
  const cluster = Cluster.fromClusterAttributes(stack, 'Theirs', { clusterName: 'theirs', vpc });
  const release = new ReleaseCommand(stack, 'Release', { ...processProps(stack), cluster });
  expect(wordsOf(stack, release.runTaskCommand).at(-1)).toContain('subnets=[subnet-1,subnet-2]');
});

test('development takes less', () => {
  const { template } = releaseWith({ profile: Profile.development() });
  expect(only(template, 'AWS::ECS::TaskDefinition').resource.Properties).toMatchObject({ Cpu: '256', Memory: '512' });
});

test('fails when the command is empty', () => {
  expect(errorOf(() => releaseWith({ command: [] }))).toMatch(
    /^Shop\/Release: `command` must be a list of .+, got \[\]\./,
  );
});
