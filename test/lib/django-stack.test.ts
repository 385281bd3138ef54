import { join } from 'node:path';
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { InstanceType } from 'aws-cdk-lib/aws-ec2';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { SslPolicy } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { Profile } from '../../constructs/core/profile';
import { DjangoStack, type DjangoStackProps } from '../../lib/django-stack';
import { DjangoStage } from '../../lib/django-stage';
import { only, templateOf } from '../support';

const common = () => ({
  image: ContainerImage.fromAsset(join(__dirname, '..', 'fixtures', 'image')),
  settingsModule: 'config.settings',
});

function shop(props: Partial<DjangoStackProps> = {}): DjangoStack {
  return new DjangoStack(new App(), 'Shop', { ...common(), profile: Profile.development(), ...props });
}

const WITH_DOMAIN = { domainName: 'shop.example.com', hostedZoneId: 'Z0123456789ABCDEFGHIJ' };

describe('DjangoStack', () => {
  test('prints the address, and commands that follow the logs, run once and open a shell', () => {
    const stack = shop();
    const outputs = templateOf(stack).toJSON().Outputs;
    expect(Object.keys(outputs).sort()).toEqual(['FargateVcpu', 'LogsCommand', 'OneOffCommand', 'ShellCommand', 'Url']);
    const logs = JSON.stringify(outputs.LogsCommand.Value);
    expect(logs).toContain('aws logs tail ');
    expect(logs).toContain(JSON.stringify(stack.resolve(stack.application.logGroup.logGroupName)));
    expect(JSON.stringify(outputs.OneOffCommand.Value)).toContain('aws ecs run-task');
    expect(JSON.stringify(outputs.ShellCommand.Value)).toContain('python manage.py shell');
  });

  test('a warning names its own props where the application has others', () => {
    const give =
      "Give `domainName` and `hostedZoneId` before anyone signs in, or the application `cdn: {}`: HTTPS under CloudFront's own name.";
    Annotations.fromStack(shop()).hasWarning('/Shop/App/LoadBalancer', Match.stringLikeRegexp(give));
    const stack = shop({
      alarmThresholds: { certificateDays: 3 },
      loadBalancerOptions: { sslPolicy: SslPolicy.TLS13_RES },
    });
    const without = (prop: string, what: string) =>
      Match.stringLikeRegexp(`${prop}\` has no effect: without \`domainName\` ${what}`);
    Annotations.fromStack(stack).hasWarning('/Shop/App', without('alarmThresholds.certificateDays', 'there is no'));
    Annotations.fromStack(stack).hasWarning('/Shop/App/LoadBalancer', without('sslPolicy', 'the load balancer'));
  });

  test('prints the vCPU that runs at once, for each of the two quotas', () => {
    const vcpuOf = (props: Partial<DjangoStackProps>) => templateOf(shop(props)).toJSON().Outputs.FargateVcpu.Value;
    expect(vcpuOf({})).toBe(
      'On demand: 0 at rest, 0.25 in a roll-out, 0 at the ceiling; Spot: 0.25 at rest, 0.5 in a roll-out, 0.25 at the ceiling',
    );
    const schedule = ScheduleExpression.rate(Duration.hours(1));
    const props = {
      web: { cpu: 1024, memoryLimitMiB: 2048, minCapacity: 2, maxCapacity: 5, spot: false },
      databaseOptions: { instanceType: new InstanceType('t4g.large') },
      queues: { default: {} },
      workers: { one: { minCapacity: 1, maxCapacity: 3 }, two: { spot: false, minCapacity: 2, maxCapacity: 2 } },
      beat: {},
      scheduledCommands: {
        clean: { schedule, command: ['python', 'manage.py', 'clean'], cpu: 2048, memoryLimitMiB: 4096 },
      },
    };
    // 2 × 1 for web, 2 × ¼ for one worker, ¼ for beat; twice both and beat once, beside the command of 2; 5 × 1, 2 × ¼, ¼ and 2.
    expect(vcpuOf(props)).toBe(
      'On demand: 2.75 at rest, 7.25 in a roll-out, 7.75 at the ceiling; Spot: 0.25 at rest, 0.5 in a roll-out, 0.75 at the ceiling',
    );
    // Here the release, beside what runs, needs more than two of each.
    expect(vcpuOf({ releaseOptions: { cpu: 4096, memoryLimitMiB: 8192 }, web: { maxCapacity: 2, spot: false } })).toBe(
      'On demand: 0.25 at rest, 4.25 in a roll-out, 0.5 at the ceiling',
    );
  });

  test('notes a roll-out that does not fit into the quota that every account has, and nothing else', () => {
    const notes = (maxCapacity: number, spot: boolean) => {
      const web = { cpu: 1024, memoryLimitMiB: 2048, minCapacity: spot ? 1 : maxCapacity, maxCapacity, spot: false };
      const workers = { one: { cpu: 1024, memoryLimitMiB: 2048, minCapacity: spot ? 4 : 1, maxCapacity: 4 } };
      const stack = shop({
        web,
        queues: { default: {} },
        workers,
        profile: Profile.development({ databaseInstanceType: new InstanceType('m7g.large') }),
      });
      return Annotations.fromStack(stack)
        .findInfo('*', Match.stringLikeRegexp('vCPU'))
        .map(({ id, entry }) => `${id}: ${entry.data}`);
    };
    expect(notes(3, false)).toEqual([]); // 6, exactly.
    expect(notes(4, false)).toEqual([
      expect.stringMatching(
        /^\/Shop\/App: A roll-out needs up to 8 vCPU of Fargate on-demand at once \(4 at rest\)\. .* L-3032A538 /,
      ),
    ]);
    expect(notes(4, true)).toEqual([expect.stringMatching(/needs up to 8 vCPU of Fargate Spot .* L-36FBB829 /)]);
  });

  test('is protected against termination in production, and not in development', () => {
    expect(shop({ profile: Profile.production(), ...WITH_DOMAIN }).terminationProtection).toBe(true);
    expect(shop({ profile: undefined, ...WITH_DOMAIN }).terminationProtection).toBe(true);
    expect(shop().terminationProtection).toBe(false);
    expect(
      shop({ profile: Profile.production(), terminationProtection: false, ...WITH_DOMAIN }).terminationProtection,
    ).toBe(false);
  });

  test('makes all but its key after what lets it go when its creation is rolled back', () => {
    const stack = shop({ profile: Profile.production(), ...WITH_DOMAIN });
    const template = templateOf(stack);
    const { id } = only(template, 'Custom::TerminationProtection');
    const keys = Object.entries(template.findResources('AWS::KMS::Key'));
    expect(keys.filter(([, { DependsOn }]) => !DependsOn?.includes(id)).map(([key]) => key)).toEqual([
      expect.stringMatching(/^AppEncryptionKey/),
    ]);
    for (const type of ['AWS::EC2::VPC', 'AWS::ECS::Cluster', 'AWS::ECS::Service']) {
      const dependencies = Object.values(template.findResources(type)).map(({ DependsOn }) => [DependsOn].flat());
      expect(dependencies.length).toBeGreaterThan(0);
      expect(dependencies.filter((each) => !each.includes(id))).toEqual([]);
    }
    templateOf(shop()).resourceCountIs('Custom::TerminationProtection', 0);
  });

  test('takes the zone to be the domain without its first label, unless it is named', () => {
    const zoneOf = (props: Partial<DjangoStackProps>) => {
      const stack = shop(props);
      const [record] = Object.values(templateOf(stack).findResources('AWS::Route53::RecordSet'));
      return [record.Properties.Name, record.Properties.HostedZoneId];
    };
    expect(zoneOf(WITH_DOMAIN)).toEqual(['shop.example.com.', 'Z0123456789ABCDEFGHIJ']);
    expect(zoneOf({ ...WITH_DOMAIN, hostedZoneName: 'shop.example.com' })).toEqual([
      'shop.example.com.',
      'Z0123456789ABCDEFGHIJ',
    ]);
    expect(zoneOf({ ...WITH_DOMAIN, domainName: 'example.com' })[0]).toBe('example.com.');
  });

  test('makes records in a zone that is named beside a certificate, and asks for none without it', () => {
    const certified = (props: Partial<DjangoStackProps>) => {
      const stack = shop({ domainName: 'shop.example.com', ...props });
      return Object.keys(templateOf(stack).findResources('AWS::Route53::RecordSet')).length;
    };
    const certificate = Certificate.fromCertificateArn(
      new Stack(new App(), 'Certificates'),
      'Certificate',
      'arn:aws:acm:eu-central-1:111122223333:certificate/11111111-2222-3333-4444-555555555555',
    );
    expect(certified({ certificate })).toBe(0);
    expect(certified({ certificate, hostedZoneId: 'Z0123456789ABCDEFGHIJ' })).toBe(2);
  });

  test('looks the zone up where account and region are known and no id is given', () => {
    const env = { account: '111122223333', region: 'eu-central-1' };
    const app = new App();
    new DjangoStack(app, 'Shop', { ...common(), env, domainName: 'shop.example.com' });
    expect(app.synth().manifest.missing?.map(({ provider }) => provider)).toEqual(['hosted-zone']);
  });

  test('is the same VPC with and without an account: zones by position', () => {
    const zones = (env?: { account: string; region: string }) =>
      Object.values(templateOf(shop({ env })).findResources('AWS::EC2::Subnet')).map(
        ({ Properties }) => Properties.AvailabilityZone['Fn::Select'][0],
      );
    expect(zones({ account: '111122223333', region: 'eu-central-1' })).toEqual(zones());
  });
});

describe('DjangoStage', () => {
  test('is one environment with one stack', () => {
    const stage = new DjangoStage(new App(), 'Staging', {
      application: { ...common(), profile: Profile.development() },
    });
    expect(stage.synth().stacks.map(({ stackName }) => stackName)).toEqual([stage.stack.stackName]);
    expect(stage.stack.stackName).toBe('Staging-Django');
  });
});
