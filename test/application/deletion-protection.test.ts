import { RemovalPolicy } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { DjangoApplication } from '../../constructs/application/django-application';
import type { DjangoApplicationProps } from '../../constructs/application/django-application-props';
import { Profile } from '../../constructs/core/profile';
import { only, type Template, templateOf, testStack } from '../support';

const TYPE = 'Custom::DeletionProtection';

function made(props: Partial<DjangoApplicationProps> = {}): Template {
  const stack = testStack();
  new DjangoApplication(stack, 'App', {
    image: ContainerImage.fromRegistry('shop:1'),
    settingsModule: 'config.settings',
    domainNames: ['shop.example.com'],
    certificate: Certificate.fromCertificateArn(
      stack,
      'Certificate',
      'arn:aws:acm:eu-west-1:111122223333:certificate/1',
    ),
    ...props,
  });
  return templateOf(stack);
}

function protectedBy(template: Template): { [name: string]: string[] } {
  const { Instances, KeptInstances, LoadBalancers } = only(template, TYPE).resource.Properties;
  const types = (list: { Ref: string }[]) => list.map(({ Ref }) => template.toJSON().Resources[Ref].Type);
  return { Instances: types(Instances), KeptInstances: types(KeptInstances), LoadBalancers: types(LoadBalancers) };
}

const DATABASE = 'AWS::RDS::DBInstance';
const BALANCER = 'AWS::ElasticLoadBalancingV2::LoadBalancer';

test('production protects the database, its replicas and the load balancer', () => {
  expect(protectedBy(made({ databaseOptions: { readReplicas: 1 } }))).toEqual({
    Instances: [],
    KeptInstances: [DATABASE, DATABASE],
    LoadBalancers: [BALANCER],
  });
});

test('a database that goes with the stack is told apart, since a deletion must stop for it', () => {
  const template = made({ databaseOptions: { removalPolicy: RemovalPolicy.SNAPSHOT } });
  expect(protectedBy(template)).toEqual({ Instances: [DATABASE], KeptInstances: [], LoadBalancers: [BALANCER] });
});

test('either part can be left unprotected', () => {
  const options = { deletionProtection: false };
  expect(protectedBy(made({ databaseOptions: options })).KeptInstances).toEqual([]);
  expect(protectedBy(made({ loadBalancerOptions: options })).LoadBalancers).toEqual([]);
  made({ databaseOptions: options, loadBalancerOptions: options }).resourceCountIs(TYPE, 0);
});

test.each([
  ['that its last snapshot needs', {}, 'RetainExceptOnCreate'],
  [
    'that nothing needs once the database is gone',
    { databaseOptions: { removalPolicy: RemovalPolicy.DESTROY } },
    'Delete',
  ],
])('development ends with the key %s: %s', (_, options, policy) => {
  const template = made({ profile: Profile.development(), domainNames: undefined, certificate: undefined, ...options });
  expect(only(template, 'AWS::KMS::Key').resource.DeletionPolicy).toBe(policy);
});

test('development protects nothing', () => {
  made({ profile: Profile.development(), domainNames: undefined, certificate: undefined }).resourceCountIs(TYPE, 0);
});

test('the function may change nothing but these two', () => {
  const template = made();
  const policies = template.findResources('AWS::IAM::ManagedPolicy');
  const [policy] = Object.values(policies).filter(({ Properties }) =>
    JSON.stringify(Properties).includes('ModifyLoadBalancerAttributes'),
  );
  const changing = policy.Properties.PolicyDocument.Statement.filter(({ Action }: { Action: unknown }) =>
    JSON.stringify(Action).includes('Modify'),
  );
  const resources = changing.map(({ Resource }: { Resource: unknown }) => JSON.stringify(Resource));
  expect(resources).toHaveLength(2);
  expect(resources[0]).toContain(only(template, DATABASE).id);
  expect(resources[1]).toContain(only(template, BALANCER).id);
});
