import { App } from 'aws-cdk-lib';
import { Profile } from 'cdk-django-fargate';
import { ShopStack, type ShopStackProps } from '../../examples/django-app/shop-stack';
import { statedShares } from '../../scripts/emulated/template/shares';
import { reduced, referencesIn, type Template } from '../../scripts/emulated/template/template';
import { UNKNOWN_TYPES } from '../../scripts/emulated/template/unknown-types';

const DOMAIN = { domainName: 'shop.example.com', hostedZoneId: 'Z0123456789ABCDEFGHIJ' };
const EXAMPLES: { [profile: string]: Template } = {
  development: shop({ profile: Profile.development() }),
  production: shop({ profile: Profile.production(), ...DOMAIN }),
};

function shop(props: ShopStackProps): Template {
  const app = new App();
  const stack = new ShopStack(app, 'Shop', props);
  return app.synth().getStackArtifact(stack.artifactId).template;
}

describe('what the emulator makes of the full example', () => {
  test('is the share that docs/testing.md states', () => {
    const shares = Object.entries(EXAMPLES).map(([profile, template]) => {
      const { template: made, altered } = reduced(template, UNKNOWN_TYPES);
      const total = Object.keys(template.Resources).length;
      return { profile, made: Object.keys(made.Resources).length, total, altered: altered.length };
    });
    expect(statedShares()).toEqual(shares);
  });

  test.each(Object.keys(EXAMPLES))('refers to nothing that is left out: %s', (profile) => {
    const { template, leftOut } = reduced(EXAMPLES[profile], UNKNOWN_TYPES);
    const gone = leftOut.map(({ id }) => id);
    expect(gone.length).toBeGreaterThan(0);
    expect(gone.filter((id) => JSON.stringify(template).includes(`"${id}"`))).toEqual([]);
  });

  test('leaves out no type that no example has', () => {
    const types = Object.values(EXAMPLES).flatMap(({ Resources }) => Object.values(Resources).map(({ Type }) => Type));
    expect(UNKNOWN_TYPES.filter((type) => !types.includes(type))).toEqual([]);
  });
});

describe('a template', () => {
  const template: Template = {
    Resources: {
      Eip: { Type: 'Eip', Properties: {} },
      Gateway: { Type: 'Gateway', Properties: { Address: { 'Fn::GetAtt': ['Eip', 'Id'] } } },
      Route: { Type: 'Route', Properties: { Way: [{ 'Fn::Sub': 'to-$' + '{Gateway}' }] } },
      Vpc: { Type: 'AWS::EC2::VPC', Properties: { CidrBlock: '10.0.0.0/16' } },
      Service: {
        Type: 'Service',
        Properties: { From: { 'Fn::GetAtt': ['Vpc', 'CidrBlock'] } },
        DependsOn: ['Route', 'Vpc'],
      },
      Alarm: { Type: 'AWS::CloudWatch::Alarm', Properties: { Metrics: [{ Id: 'a' }], Threshold: 1 } },
    },
    Outputs: { Address: { Value: { Ref: 'Eip' } }, Vpc: { Value: { Ref: 'Vpc' } } },
  };

  test('loses what refers to something unknown, at any distance, and keeps what only waits for it', () => {
    const { template: made, leftOut } = reduced(template, ['Eip']);
    expect(leftOut).toEqual([
      { id: 'Eip', type: 'Eip' },
      { id: 'Gateway', type: 'Gateway', needs: 'Eip' },
      { id: 'Route', type: 'Route', needs: 'Gateway' },
    ]);
    expect(made.Resources.Service).toEqual({
      Type: 'Service',
      Properties: { From: '10.0.0.0/16' },
      DependsOn: ['Vpc'],
    });
    expect(Object.keys(made.Outputs ?? {})).toEqual(['Vpc']);
  });

  test('gets a plain metric for metric math', () => {
    const { template: made, altered } = reduced(template, []);
    expect(altered).toEqual(['Alarm']);
    expect(made.Resources.Alarm.Properties).toMatchObject({ MetricName: 'Plain', Threshold: 1 });
    expect(made.Resources.Alarm.Properties.Metrics).toBeUndefined();
  });

  test('refers by Ref, Fn::GetAtt and Fn::Sub', () => {
    const value = {
      a: { Ref: 'A' },
      b: [{ 'Fn::GetAtt': 'B.Arn' }],
      c: { 'Fn::Sub': ['$' + '{C.Arn} $' + '{!D}', {}] },
    };
    expect([...referencesIn(value)].sort()).toEqual(['A', 'B', 'C']);
  });
});
