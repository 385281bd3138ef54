import { Intrinsics } from '../../../rehearsal/template/intrinsics';
import { readTaskDefinition, WITHOUT_ROLE } from '../../../rehearsal/template/task-definition';

const mounts = [{ SourceVolume: 'storage', ContainerPath: '/var/tmp/django' }];
const web = {
  Name: 'web',
  Image: 'ours',
  User: '10001:10001',
  LinuxParameters: { Tmpfs: [{ ContainerPath: '/tmp', Size: 128, MountOptions: ['rw', 'noexec'] }] },
  MountPoints: mounts,
  DependsOn: [
    { ContainerName: 'storage', Condition: 'SUCCESS' },
    { ContainerName: 'proxy', Condition: 'START' },
  ],
};
const storage = {
  Name: 'storage',
  Image: 'ours',
  EntryPoint: ['python'],
  Command: ['-c', 'pass'],
  User: '0',
  MountPoints: mounts,
};
const proxy = { Name: 'proxy', Image: 'theirs' };

/** What Linux lets a container do of which the template says nothing. */
const UNCONFINED = {
  isReadOnly: false,
  hasInit: false,
  droppedCapabilities: [],
  addedCapabilities: [],
  ulimits: [],
  memory: undefined,
};

function read(...containers: object[]) {
  return readWith({}, ...containers);
}

function readWith(properties: object, ...ContainerDefinitions: object[]) {
  const resource = { Type: 'AWS::ECS::TaskDefinition', Properties: { ...properties, ContainerDefinitions } };
  const template = { Resources: { Task: resource } };
  const intrinsics = new Intrinsics({ template, stackName: 'Shop', region: 'eu-west-1', account: '111122223333' });
  return readTaskDefinition('Task', resource, intrinsics, (image) => image === 'ours');
}

test.each([
  ['first', [web, storage, proxy]],
  ['last', [proxy, storage, web]],
])('a container of the image that the application waits for is run before it, also where it stands %s', (_, all) => {
  const definition = read(...all);
  expect(definition.name).toBe('web');
  expect(definition.initContainers).toEqual([
    {
      name: 'storage',
      entryPoint: ['python'],
      command: ['-c', 'pass'],
      environment: {},
      user: '0',
      mountPoints: [{ volume: 'storage', path: '/var/tmp/django' }],
      confinement: UNCONFINED,
    },
  ]);
  expect(definition.sidecars).toEqual(['proxy']);
});

test('file systems in memory and volumes are read with their sizes and paths', () => {
  const definition = read(web, storage, proxy);
  expect(definition.tmpfs).toEqual([{ path: '/tmp', size: 128, options: ['rw', 'noexec'] }]);
  expect(definition.mountPoints).toEqual([{ volume: 'storage', path: '/var/tmp/django' }]);
});

test('what Linux lets a container do is read from the container, processor and memory from the task', () => {
  const container = {
    ...web,
    ReadonlyRootFilesystem: true,
    LinuxParameters: { InitProcessEnabled: true, Capabilities: { Drop: ['ALL'], Add: ['SYS_PTRACE'] } },
    Ulimits: [{ Name: 'nofile', SoftLimit: 10, HardLimit: 20 }],
    Memory: 256,
  };
  const properties = { Cpu: '512', Memory: '1024', RuntimePlatform: { CpuArchitecture: 'ARM64' } };
  expect(readWith(properties, container)).toMatchObject({
    cpu: 512,
    memory: 1024,
    platform: 'linux/arm64',
    confinement: {
      isReadOnly: true,
      hasInit: true,
      droppedCapabilities: ['ALL'],
      addedCapabilities: ['SYS_PTRACE'],
      ulimits: [{ name: 'nofile', soft: 10, hard: 20 }],
      memory: 256,
    },
  });
  expect(read(web)).toMatchObject({ platform: 'linux/amd64', confinement: UNCONFINED });
});

test('a container that is only started before is no init container', () => {
  const definition = read({ ...web, DependsOn: [{ ContainerName: 'storage', Condition: 'START' }] }, storage);
  expect(definition.initContainers).toEqual([]);
  expect(definition.sidecars).toEqual(['storage']);
});

test('the role of a task is one of the template, one of somebody else, or none', () => {
  const roleOf = (TaskRoleArn?: unknown) => readWith({ TaskRoleArn }, web).taskRole;
  expect(roleOf({ 'Fn::GetAtt': ['WebRole', 'Arn'] })).toBe('WebRole');
  expect(roleOf('arn:aws:iam::123456789012:role/theirs')).toBeUndefined();
  expect(roleOf({ 'Fn::ImportValue': 'role' })).toBeUndefined();
  expect(roleOf()).toBe(WITHOUT_ROLE);
});
