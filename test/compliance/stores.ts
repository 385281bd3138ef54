import { add, attribute, first, roleStatements, set, statements, unless } from '../controls/control';
import { CLOSED_BUCKETS } from '../controls/stores';
import type { Graph } from '../wiring/graph';
import type { Protection } from './protection';

const BUCKET = 'AWS::S3::Bucket';
const BALANCER = 'AWS::ElasticLoadBalancingV2::LoadBalancer';
const POLICY = 'AWS::IAM::ManagedPolicy';
const QUEUE = 'AWS::SQS::Queue';

/** Buckets and queues. */
export const STORES: Protection[] = [
  {
    rules: ['S1', 'S3BucketLoggingEnabled'],
    sentence: 'only log delivery writes to the bucket of the access logs, and no role of the stack can read it',
    offenders: (template) => [
      ...onlyLogDelivery(template),
      ...unless(template, BUCKET, (_, id) => onlyForLogs(template, id)),
    ],
    mutants: {
      'somebody else may write': set('AWS::S3::BucketPolicy', 'PolicyDocument.Statement.1.Principal', {
        AWS: 'arn:aws:iam::1:root',
      }),
      'log delivery may read': set('AWS::S3::BucketPolicy', 'PolicyDocument.Statement.1.Action', 's3:GetObject'),
      'a role may read': (resources) => {
        const [id] = Object.keys(resources).filter((each) => resources[each].Type === BUCKET);
        first(resources, POLICY).Properties.PolicyDocument.Statement[0].Resource = { 'Fn::GetAtt': [id, 'Arn'] };
      },
      'a bucket for something else': add(BUCKET, {}),
    },
  },
  {
    rules: ['S3DefaultEncryptionKMS'],
    sentence: 'the bucket of the access logs is encrypted by S3, and admits log delivery alone',
    offenders: (template) => [
      ...unless(template, BUCKET, ({ BucketEncryption }, id) => {
        const [rule] = BucketEncryption?.ServerSideEncryptionConfiguration ?? [];
        return rule?.ServerSideEncryptionByDefault.SSEAlgorithm === 'AES256' && onlyForLogs(template, id);
      }),
      ...onlyLogDelivery(template),
      ...CLOSED_BUCKETS.offenders(template),
    ],
    mutants: {
      ...CLOSED_BUCKETS.mutants,
      'no encryption': set(BUCKET, 'BucketEncryption', undefined),
      'somebody else may write': set('AWS::S3::BucketPolicy', 'PolicyDocument.Statement.1.Principal', {
        AWS: 'arn:aws:iam::1:root',
      }),
    },
  },
  {
    rules: ['S3BucketReplicationEnabled'],
    sentence: 'access logs have versions and stay when the stack goes',
    offenders: (template) =>
      unless(template, BUCKET, ({ VersioningConfiguration }, id, resource) => {
        const kept = 'DeletionPolicy' in resource && resource.DeletionPolicy === 'Retain';
        return kept && VersioningConfiguration?.Status === 'Enabled' && onlyForLogs(template, id);
      }),
    mutants: {
      'no versions': set(BUCKET, 'VersioningConfiguration.Status', 'Suspended'),
      'a bucket that goes': (resources) => {
        first(resources, BUCKET).DeletionPolicy = 'Delete';
      },
    },
  },
  {
    rules: ['SQS3'],
    sentence: 'a queue without a dead-letter queue is one, or of a schedule or rule, and an alarm looks at it',
    offenders: (template) =>
      unless(template, QUEUE, ({ RedrivePolicy }, id) => {
        const users = Object.keys(template.resources).filter((each) => {
          const { RedrivePolicy: redrive, Target, Targets } = template.properties(each);
          const letters = [
            redrive,
            Target?.DeadLetterConfig,
            ...(Array.isArray(Targets) ? Targets : []).map((target) => target.DeadLetterConfig),
          ];
          return template.mentions(letters).includes(id);
        });
        const watched = template
          .ofType('AWS::CloudWatch::Alarm')
          .some((alarm) => template.mentions(template.properties(alarm)).includes(id));
        return RedrivePolicy !== undefined || (users.length > 0 && watched);
      }),
    mutants: {
      'a queue that loses messages': add(QUEUE, {}),
      'dead letters that nobody sees': (resources) => {
        for (const [id, { Type, Properties }] of Object.entries(resources)) {
          if (Type === 'AWS::CloudWatch::Alarm' && Properties.MetricName === 'ApproximateNumberOfMessagesVisible') {
            delete resources[id];
          }
        }
      },
    },
  },
];

/** Statements of bucket policies that admit anybody but log delivery, or let it do more than write. */
function onlyLogDelivery(template: Graph): string[] {
  return unless(template, 'AWS::S3::BucketPolicy', ({ PolicyDocument }, id) =>
    statements(id, PolicyDocument)
      .filter(({ Effect }) => Effect === 'Allow')
      .every(({ Principal, Action }) => {
        const delivery = '{"Service":"logdelivery.elasticloadbalancing.amazonaws.com"}';
        return JSON.stringify(Principal) === delivery && `${Action}` === 's3:PutObject';
      }),
  );
}

/** Whether a bucket is that of a load balancer's access logs, and no role can reach it. */
function onlyForLogs(template: Graph, bucket: string): boolean {
  const logs = template
    .ofType(BALANCER)
    .some((id) =>
      template
        .mentions(attribute(template.properties(id).LoadBalancerAttributes, 'access_logs.s3.bucket'))
        .includes(bucket),
    );
  return logs && roleStatements(template).every(({ Resource }) => !template.mentions(Resource).includes(bucket));
}
