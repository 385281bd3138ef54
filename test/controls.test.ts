import { wholeTemplate } from '../scripts/lib/whole-template';
import { productionExample } from '../scripts/production-example';
import { PROTECTIONS } from './compliance/protections';
import { type Control, mutated } from './controls/control';
import { DATABASE } from './controls/database';
import { NARROW } from './controls/narrow';
import { SERVICES } from './controls/services';
import { STORES } from './controls/stores';
import { Graph } from './wiring/graph';

const template = new Graph(wholeTemplate(productionExample().stack).Resources);
const controls: Control[] = [...DATABASE, ...SERVICES, ...STORES, ...NARROW];

describe.each(controls)('$ids: $sentence', ({ offenders, mutants }) => {
  test('holds in the production example', () => {
    expect(offenders(template)).toEqual([]);
  });

  test.each(Object.keys(mutants))('and the test notices: %s', (name) => {
    expect(offenders(mutated(template, mutants[name]))).not.toEqual([]);
  });
});

/** Controls that do not hold: rules of the packs, acknowledged with a reason and with a test of what protects instead. */
test.each([
  ['S3.17: the bucket of the access logs is encrypted by S3, not with a key', 'S3DefaultEncryptionKMS'],
  ['LambdaInsideVPC: two functions call AWS and nothing else', 'LambdaInsideVPC'],
])('%s; a test shows what protects instead of %s', (_, rule) => {
  expect(PROTECTIONS.filter(({ rules }) => rules.includes(rule))).toHaveLength(1);
});

/** Controls that say nothing about the production example, and the resources without which they have no subject. */
const NOT_APPLICABLE: { ids: string; why: string; types: RegExp }[] = [
  {
    ids: 'ECR.1, ECR.2, ECR.3',
    why: 'images are assets of the CDK, in the repository that `cdk bootstrap` makes and scans',
    types: /^AWS::ECR::/,
  },
  {
    ids: 'CloudFront.1, 3, 5, 6, 8, 9, 10, 13, 15',
    why: 'static files are served by the application with WhiteNoise; no distribution is made',
    types: /^AWS::CloudFront::/,
  },
  {
    ids: 'CodeBuild.2, 3, 4',
    why: 'building belongs to the stack of the pipeline, not to that of the application',
    types: /^AWS::Code(Build|Pipeline)::/,
  },
  {
    ids: 'EC2.8, EC2.9, Auto Scaling, EFS',
    why: 'Fargate has no instances of ours, and no volume outlives a task',
    types: /^AWS::(EC2::(Instance|LaunchTemplate|Volume)|AutoScaling|EFS)/,
  },
  {
    ids: 'RDS.1, RDS.4, RDS.14',
    why: 'snapshots are made by RDS and AWS Backup, not by the template; only Aurora MySQL can go back in time. A cluster has controls of its own, see test/compliance/aurora.test.ts',
    types: /^AWS::RDS::DB(Cluster|Snapshot)/,
  },
];

test.each(NOT_APPLICABLE)('$ids: not applicable, because $why', ({ types }) => {
  expect(Object.values(template.resources).filter(({ Type }) => types.test(Type))).toEqual([]);
});

test('EC2.55, EC2.56: no endpoints for ECR by default, because tasks reach it through a NAT gateway; a prop adds them', () => {
  const endpoints = template.ofType('AWS::EC2::VPCEndpoint').map((id) => template.properties(id).VpcEndpointType);
  expect(endpoints).toEqual(['Gateway']);
  expect(template.ofType('AWS::EC2::NatGateway')).toHaveLength(1);
});
