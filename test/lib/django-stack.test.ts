import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { Profile } from '../../constructs/core/profile';
import { DjangoStack, type DjangoStackProps } from '../../lib/django-stack';
import { DjangoStage } from '../../lib/django-stage';
import { templateOf } from '../support';

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
    expect(Object.keys(outputs).sort()).toEqual(['LogsCommand', 'OneOffCommand', 'ShellCommand', 'Url']);
    const logs = JSON.stringify(outputs.LogsCommand.Value);
    expect(logs).toContain('aws logs tail ');
    expect(logs).toContain(JSON.stringify(stack.resolve(stack.application.logGroup.logGroupName)));
    expect(JSON.stringify(outputs.OneOffCommand.Value)).toContain('aws ecs run-task');
    expect(JSON.stringify(outputs.ShellCommand.Value)).toContain('python manage.py shell');
  });

  test('is protected against termination in production, and not in development', () => {
    expect(shop({ profile: Profile.production(), ...WITH_DOMAIN }).terminationProtection).toBe(true);
    expect(shop({ profile: undefined, ...WITH_DOMAIN }).terminationProtection).toBe(true);
    expect(shop().terminationProtection).toBe(false);
    expect(
      shop({ profile: Profile.production(), terminationProtection: false, ...WITH_DOMAIN }).terminationProtection,
    ).toBe(false);
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
