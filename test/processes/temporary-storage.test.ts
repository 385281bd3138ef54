import { Size, type Stack } from 'aws-cdk-lib';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { WebService } from '../../constructs/processes/web-service';
import { DjangoStack, Profile } from '../../lib';
import { only, type Template, templateOf, testStack } from '../support';
import { nightly } from './background';
import { loadBalancerFor, processProps } from './support';

const TASK = 'AWS::ECS::TaskDefinition';

function webService(temporaryStorage?: Size, environment?: { [name: string]: string }): Stack {
  const stack = testStack();
  const common = processProps(stack);
  const loadBalancer = loadBalancerFor(stack, common);
  new WebService(stack, 'Web', { ...common, loadBalancer, temporaryStorage, environment });
  return stack;
}

function taskOf(stack: Stack) {
  const { Properties } = only(templateOf(stack), TASK).resource;
  const [main, ...others] = Properties.ContainerDefinitions;
  return { Properties, main, others };
}

const variables = ({ Environment }: { Environment: { Name: string; Value: unknown }[] }) =>
  Object.fromEntries(Environment.map(({ Name, Value }) => [Name, Value]));

describe('a web service with temporaryStorage', () => {
  const { Properties, main, others } = taskOf(webService(Size.gibibytes(10)));
  const [storage] = others;

  test('has a volume at /var/tmp/django, where TMPDIR points, beside the /tmp in memory', () => {
    expect(Properties.Volumes).toEqual([{ Name: 'storage' }]);
    expect(main.MountPoints).toEqual([{ SourceVolume: 'storage', ContainerPath: '/var/tmp/django', ReadOnly: false }]);
    expect(variables(main)).toMatchObject({ TMPDIR: '/var/tmp/django', HOME: '/tmp' });
    expect(main.LinuxParameters.Tmpfs).toMatchObject([{ ContainerPath: '/tmp', Size: 128 }]);
    expect(main.ReadonlyRootFilesystem).toBe(true);
    expect(main.User).toBe('10001:10001');
  });

  test("keeps gunicorn's heartbeat in memory", () => {
    expect(main.Command.join(' ')).toContain('--worker-tmp-dir /tmp ');
  });

  test('starts only once another container of its image has made the volume writable', () => {
    expect(main.DependsOn).toEqual([{ ContainerName: 'storage', Condition: 'SUCCESS' }]);
    expect(others).toHaveLength(1);
    expect(storage.Image).toEqual(main.Image);
    expect(storage.MountPoints).toEqual(main.MountPoints);
    expect([...storage.EntryPoint, ...storage.Command]).toEqual([
      'python',
      '-c',
      expect.stringContaining('os.chmod'),
      '/var/tmp/django',
    ]);
  });

  test('gives that container root without any power, a read-only root, no variables and no secrets', () => {
    expect(storage).toMatchObject({
      Essential: false,
      User: '0',
      ReadonlyRootFilesystem: true,
      LinuxParameters: { Capabilities: { Drop: ['ALL'] } },
    });
    expect(storage.Environment).toBeUndefined();
    expect(storage.Secrets).toBeUndefined();
  });

  test('logs what it says to the same log group, under a prefix of its own', () => {
    const { LogConfiguration } = storage;
    expect(LogConfiguration.Options).toMatchObject({
      'awslogs-group': main.LogConfiguration.Options['awslogs-group'],
      'awslogs-stream-prefix': 'storage',
    });
  });
});

test('without temporaryStorage there is no volume, no other container and no TMPDIR', () => {
  const { Properties, main, others } = taskOf(webService());
  expect(others).toEqual([]);
  expect(Properties.Volumes).toBeUndefined();
  expect(variables(main)).not.toHaveProperty('TMPDIR');
});

test.each([
  ['asks Fargate for nothing while it fits into the 20 GiB that every task has', 15, undefined],
  ['asks for the 5 GiB of the image on top', 16, { SizeInGiB: 21 }],
  ['asks for the most that Fargate gives', 195, { SizeInGiB: 200 }],
])('%s', (_, gibibytes, expected) => {
  expect(taskOf(webService(Size.gibibytes(gibibytes))).Properties.EphemeralStorage).toEqual(expected);
});

test('the size may be written in any unit', () => {
  expect(taskOf(webService(Size.mebibytes(16 * 1024))).Properties.EphemeralStorage).toEqual({ SizeInGiB: 21 });
});

test('TMPDIR of your own is refused beside it, and yours without it', () => {
  const own = { TMPDIR: '/tmp/mine' };
  expect(() => webService(Size.gibibytes(1), own)).toThrow(/`environment.TMPDIR` must not be named like a variable/);
  expect(variables(taskOf(webService(undefined, own)).main).TMPDIR).toBe('/tmp/mine');
});

describe('a stack in which every process has temporaryStorage', () => {
  const template: Template = templateOf(everywhere());
  const definitions = Object.values(template.findResources(TASK));

  test('mounts it in web, ASGI, worker, beat, release and scheduled command', () => {
    const mounted = definitions
      .filter(({ Properties }) => Properties.ContainerDefinitions[0].MountPoints.length === 1)
      .map(({ Metadata }) => Metadata?.['cdk-django-fargate'].process);
    expect(mounted.sort()).toEqual(['asgi', 'beat', 'release', 'scheduled', 'web', 'worker']);
  });

  test('reports a scheduled command whose storage could not be made writable', () => {
    const rules = Object.values(template.findResources('AWS::Events::Rule'));
    const names = rules.flatMap(({ Properties }) =>
      (Properties.EventPattern.detail?.$or ?? []).flatMap(
        ({ containers }: { containers?: { name: string[] } }) => containers?.name ?? [],
      ),
    );
    expect(names).toEqual(['scheduled', 'storage']);
  });
});

function everywhere(): Stack {
  const temporaryStorage = Size.gibibytes(1);
  return new DjangoStack(testStack(), 'Shop', {
    image: ContainerImage.fromRegistry('shop'),
    settingsModule: 'config.settings',
    profile: Profile.development(),
    web: { temporaryStorage },
    asgi: { temporaryStorage },
    queues: { default: {} },
    workers: { general: { queueNames: ['default'], temporaryStorage } },
    beat: { temporaryStorage },
    releaseOptions: { temporaryStorage },
    scheduledCommands: { nightly: { command: ['python'], schedule: nightly, temporaryStorage } },
  });
}
