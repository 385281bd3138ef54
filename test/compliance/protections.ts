import {
  add,
  attribute,
  type Control,
  first,
  roleStatements,
  routed,
  set,
  statements,
  unless,
} from '../controls/control';
import { isOfTheGuard, unprotected, unprotectedMutants } from '../controls/protected-last';
import { NO_SECRETS_IN_THE_CLEAR, onlyRedirects } from '../controls/services';
import { CLOSED_BUCKETS, listsTasks, madeByTheCdk, ofTheWaiter, TOKEN_ONLY_ACTIONS } from '../controls/stores';
import type { Graph } from '../wiring/graph';

const BUCKET = 'AWS::S3::Bucket';
const CACHE = 'AWS::ElastiCache::ReplicationGroup';
const BALANCER = 'AWS::ElasticLoadBalancingV2::LoadBalancer';
const LAMBDA = 'AWS::Lambda::Function';
const LISTENER = 'AWS::ElasticLoadBalancingV2::Listener';
const POLICY = 'AWS::IAM::ManagedPolicy';
const QUEUE = 'AWS::SQS::Queue';

/** What protects instead, where a rule of a pack is acknowledged. */
export interface Protection extends Omit<Control, 'ids'> {
  readonly rules: string[];
}

/** Functions are invoked by one service of AWS each, for one resource. */
export const INVOKED_BY_AWS: Pick<Protection, 'offenders' | 'mutants'> = {
  offenders: (template) => [
    ...template.ofType('AWS::Lambda::Url'),
    ...unless(template, 'AWS::Lambda::Permission', ({ Principal, SourceArn }) => {
      return /\.amazonaws\.com$/.test(Principal) && template.mentions(SourceArn).length === 1;
    }),
  ],
  mutants: {
    'a function with an address': add('AWS::Lambda::Url', {}),
    'anybody may invoke it': set('AWS::Lambda::Permission', 'Principal', '*'),
  },
};

export const PROTECTIONS: Protection[] = [
  {
    rules: ['RDS10', 'RDSInstanceDeletionProtectionEnabled'],
    sentence: 'the last resource of the application protects the database, which is unprotected until then',
    offenders: (template) => unprotected(template, 'AWS::RDS::DBInstance'),
    mutants: unprotectedMutants('KeptInstances'),
  },
  {
    rules: ['ELBDeletionProtectionEnabled'],
    sentence: 'the last resource of the application protects the load balancer, which is unprotected until then',
    offenders: (template) => unprotected(template, BALANCER),
    mutants: unprotectedMutants('LoadBalancers'),
  },
  {
    rules: ['CloudWatchLogGroupEncrypted'],
    sentence: 'one log group has no key of ours: that of the function which must exist before the key does',
    offenders: (template) =>
      unless(
        template,
        'AWS::Logs::LogGroup',
        ({ KmsKeyId }, id) => KmsKeyId !== undefined || isOfTheGuard(template, id),
      ),
    mutants: { 'another one': add('AWS::Logs::LogGroup', {}) },
  },
  {
    rules: ['LambdaDLQ'],
    sentence: 'one function tells nobody of events that are lost: the one which must exist before the topic does',
    offenders: (template) =>
      unless(template, LAMBDA, ({ DeadLetterConfig }, id) => {
        return DeadLetterConfig !== undefined || madeByTheCdk(id) || isOfTheGuard(template, id);
      }),
    mutants: { 'another one': add(LAMBDA, {}) },
  },
  {
    rules: ['EC23'],
    sentence: 'one security group is open, that of the load balancer, on 80 and 443; unknown hosts get 404 from it',
    offenders: (template) => {
      const balancers = template
        .ofType(BALANCER)
        .flatMap((id) => template.mentions(template.properties(id).SecurityGroups));
      return [
        ...unless(template, 'AWS::EC2::SecurityGroup', ({ SecurityGroupIngress = [] }, id) =>
          SecurityGroupIngress.every(
            ({ FromPort, ToPort }: { FromPort: number; ToPort: number }) =>
              balancers.includes(id) && [80, 443].includes(FromPort) && FromPort === ToPort,
          ),
        ),
        ...unless(template, 'AWS::EC2::SecurityGroupIngress', ({ CidrIp, CidrIpv6, SourceSecurityGroupId }) => {
          return (
            CidrIp === undefined && CidrIpv6 === undefined && template.mentions(SourceSecurityGroupId).length === 1
          );
        }),
        ...template
          .ofType(LISTENER)
          .filter((id) => template.properties(id).Protocol === 'HTTPS')
          .filter((id) => template.properties(id).DefaultActions[0].FixedResponseConfig?.StatusCode !== '404'),
      ];
    },
    mutants: {
      'another port': (resources) => {
        const [group] = Object.values(resources).filter(({ Properties }) => Properties?.SecurityGroupIngress);
        group.Properties.SecurityGroupIngress.push({ CidrIp: '0.0.0.0/0', FromPort: 22, ToPort: 22 });
      },
      'a whole range': (resources) => {
        const [group] = Object.values(resources).filter(({ Properties }) => Properties?.SecurityGroupIngress);
        group.Properties.SecurityGroupIngress[0].ToPort = 65535;
      },
      'another group': set('AWS::EC2::SecurityGroupIngress', 'CidrIp', '0.0.0.0/0'),
      'unknown hosts that are served': set(LISTENER, 'DefaultActions.0', { Type: 'forward' }),
    },
  },
  { ...NO_SECRETS_IN_THE_CLEAR, rules: ['ECS2'] },
  {
    rules: ['ALBHttpToHttpsRedirection', 'ELBv2ACMCertificateRequired'],
    sentence: 'HTTP answers host names that it knows with a redirect to HTTPS, others with 404, and nothing else',
    offenders: (template) => {
      const plain = template.ofType(LISTENER).filter((id) => template.properties(id).Protocol !== 'HTTPS');
      return plain.filter((id) => !onlyRedirects(template, id));
    },
    mutants: {
      'HTTP that is served': (resources) => {
        httpListener(resources).DefaultActions = [{ Type: 'forward' }];
      },
      'a redirect to HTTP': (resources) => {
        redirect(resources).Actions[0].RedirectConfig.Protocol = 'HTTP';
      },
      'a redirect for every name': (resources) => {
        redirect(resources).Conditions = [{ Field: 'path-pattern', PathPatternConfig: { Values: ['/*'] } }];
      },
      'a rule that serves over HTTP': (resources) => {
        redirect(resources).Actions = [{ Type: 'forward' }];
      },
    },
  },
  {
    rules: ['IAM4'],
    sentence: 'policies of AWS are on the role of AWS Backup alone, which only it can assume, for one database',
    offenders: (template) => [
      ...unless(template, 'AWS::IAM::Role', ({ ManagedPolicyArns = [], AssumeRolePolicyDocument }, id) => {
        const byAws = JSON.stringify(ManagedPolicyArns).includes(':iam::aws:policy/');
        const backup = statements(id, AssumeRolePolicyDocument).every(({ Principal }) => {
          return JSON.stringify(Principal) === '{"Service":"backup.amazonaws.com"}';
        });
        const right = ManagedPolicyArns.every((arn: unknown) =>
          /policy\/service-role\/AWSBackupServiceRolePolicyFor(Backup|Restores)"/.test(JSON.stringify(arn)),
        );
        return !byAws || madeByTheCdk(id) || (backup && right);
      }),
      ...unless(template, 'AWS::Backup::BackupSelection', ({ BackupSelection }) => {
        const { Resources = [], ListOfTags, Conditions } = BackupSelection;
        return (
          Resources.length === 1 &&
          template.mentions(Resources).some((id) => template.ofType('AWS::RDS::DBInstance').includes(id)) &&
          ListOfTags === undefined &&
          Conditions === undefined
        );
      }),
    ],
    mutants: {
      'a policy of AWS for a task': set('AWS::IAM::Role', 'ManagedPolicyArns', [
        'arn:aws:iam::aws:policy/ReadOnlyAccess',
      ]),
      'everything is backed up': set('AWS::Backup::BackupSelection', 'BackupSelection.Resources', ['*']),
      'what has a tag is backed up': set('AWS::Backup::BackupSelection', 'BackupSelection.ListOfTags', [{}]),
    },
  },
  {
    rules: ['IAM5'],
    sentence:
      'wildcards that AWS forces, one log group, databases restored as a test, revisions of one task, tasks of one cluster, files of one bucket, and those of the provider framework',
    offenders: (template) =>
      roleStatements(template)
        .filter(({ Resource, Action }) => /\*/.test(JSON.stringify([Resource, Action])))
        .filter((statement) => {
          const { Resource, Action, Condition } = statement;
          const cluster = template.mentions(Condition?.ArnEquals?.['ecs:cluster']);
          const [resource] = Resource.map((each) => JSON.stringify(each));
          const token = resource === '"*"' && Action.every((action) => TOKEN_ONLY_ACTIONS.includes(action));
          const monitoring =
            /:log-group:RDSOSMetrics\*"/.test(resource) &&
            Action.every((action) => /^logs:(Create|Put|Describe|Get)\w+$/.test(action));
          const revisions =
            /:task-definition\/\w+:\*"/.test(resource) && `${Action}` === 'ecs:RunTask' && cluster.length === 1;
          const tasks =
            /:task\/",\{"Ref":"\w+"\},"\/\*"/.test(resource) &&
            ((`${Action}` === 'ecs:DescribeTasks,ecs:StopTask'
              ? cluster.length === 1
              : `${Action}` === 'ecs:TagResource' && Condition?.StringEquals?.['ecs:CreateAction'] === 'RunTask') ||
              /^(ecs:\w+TaskProtection,?)+$/.test(`${Action}`));
          const files = isOfFiles(template, template.mentions(Resource)[0]) && onlyFiles(statement);
          const restored =
            /:db:awsbackup-restore-test\*"/.test(resource) &&
            `${Action}` === 'rds:DescribeDBInstances,rds:ModifyDBInstance';
          const single =
            token || monitoring || restored || revisions || tasks || files || listsTasks(template, statement);
          return !ofTheWaiter(template, statement.id) && (Resource.length > 1 || !single);
        })
        .map(({ id }) => id),
    mutants: {
      'every queue': set(POLICY, 'PolicyDocument.Statement.0.Resource', 'arn:aws:sqs:eu-west-1:111122223333:*'),
      'every action of a kind': set(POLICY, 'PolicyDocument.Statement.0.Action', 'sqs:Get*'),
      'every log group': (resources) => {
        const [policy] = Object.values(resources).filter(({ Properties }) =>
          JSON.stringify(Properties ?? 0).includes('RDSOSMetrics'),
        );
        policy.Properties.PolicyDocument.Statement[0].Resource = '*';
      },
      'files of every bucket': (resources) => {
        filePolicy(resources).Properties.PolicyDocument.Statement[1].Resource = 'arn:aws:s3:::*/*';
      },
      'more than files': (resources) => {
        filePolicy(resources).Properties.PolicyDocument.Statement[1].Action = 's3:*';
      },
      'a password for any database': (resources) => {
        const [policy] = Object.values(resources).filter(
          ({ Type, Properties }) => Type === POLICY && JSON.stringify(Properties).includes('awsbackup-restore-test'),
        );
        policy.Properties.PolicyDocument.Statement = policy.Properties.PolicyDocument.Statement.map(
          (statement: { Action: unknown }) =>
            `${statement.Action}`.includes('rds:')
              ? { ...statement, Resource: 'arn:aws:rds:eu-west-1:111122223333:db:*' }
              : statement,
        );
      },
      'any cluster': (resources) => {
        const [policy] = Object.values(resources).filter(
          ({ Type, Properties }) => Type === POLICY && JSON.stringify(Properties).includes('ecs:RunTask'),
        );
        policy.Properties.PolicyDocument.Statement[0].Condition = {};
      },
      'tasks of any cluster': (resources) => {
        const [policy] = Object.values(resources).filter(
          ({ Type, Properties }) => Type === POLICY && JSON.stringify(Properties).includes('ecs:StopTask'),
        );
        policy.Properties.PolicyDocument.Statement[1].Condition = {};
      },
      'tasks of a worker in every cluster': (resources) => {
        const statements = Object.values(resources).flatMap(({ Type, Properties }) =>
          Type === POLICY ? (Properties.PolicyDocument.Statement as { Action: unknown; Resource: unknown }[]) : [],
        );
        for (const statement of statements.filter(({ Action }) => `${Action}`.includes('TaskProtection'))) {
          statement.Resource = 'arn:aws:ecs:eu-west-1:111122223333:task/*';
        }
      },
    },
  },
  {
    rules: ['IAMNoInlinePolicy'],
    sentence:
      'the one inline policy lets the state machine of the provider framework call two functions, log and trace',
    offenders: (template) =>
      unless(template, 'AWS::IAM::Policy', ({ PolicyDocument }, id) => {
        const called = statements(id, PolicyDocument)
          .filter(({ Action }) => Action.includes('lambda:InvokeFunction'))
          .flatMap(({ Resource }) => template.mentions(Resource));
        return ofTheWaiter(template, id) && called.length === 2;
      }),
    mutants: {
      'another inline policy': add('AWS::IAM::Policy', { PolicyDocument: { Statement: [] } }),
      'another action': set('AWS::IAM::Policy', 'PolicyDocument.Statement.2.Action', 's3:GetObject'),
      'any function': set('AWS::IAM::Policy', 'PolicyDocument.Statement.0.Resource', '*'),
      'for another role': (resources) => {
        const [role] = Object.entries(resources).filter(([, { Type }]) => Type === 'AWS::IAM::Role');
        first(resources, 'AWS::IAM::Policy').Properties.Roles = [{ Ref: role[0] }];
      },
    },
  },
  {
    rules: ['LambdaInsideVPC'],
    sentence:
      'a function outside of the VPC calls AWS on resources that it names, and only services of AWS may invoke it',
    offenders: (template) => [
      ...unless(template, LAMBDA, ({ VpcConfig, Role }, id) => {
        const roles = template.mentions(Role);
        const own = template
          .ofType(POLICY)
          .filter((policy) =>
            template.mentions(template.properties(policy).Roles).some((role) => roles.includes(role)),
          );
        return (
          madeByTheCdk(id) ||
          VpcConfig !== undefined ||
          (own.length === 1 &&
            roleStatements(template)
              .filter((statement) => own.includes(statement.id))
              .every(
                ({ Resource, Action }) =>
                  !Resource.includes('*') || Action.every((action) => TOKEN_ONLY_ACTIONS.includes(action)),
              ))
        );
      }),
      ...INVOKED_BY_AWS.offenders(template),
    ],
    mutants: {
      ...INVOKED_BY_AWS.mutants,
      'Secrets Manager, for anybody': set('AWS::Lambda::Permission', 'SourceArn', undefined),
      'a function that may do everything': (resources) => {
        const [policy] = Object.values(resources).filter(
          ({ Type, Properties }) => Type === POLICY && JSON.stringify(Properties).includes('ecs:UpdateService'),
        );
        policy.Properties.PolicyDocument.Statement[0].Resource = '*';
      },
    },
  },
  {
    rules: ['S3DefaultEncryptionKMS'],
    sentence:
      'the bucket of the access logs is encrypted by S3, and admits log delivery alone; that of files has a key of ours',
    offenders: (template) => [
      ...unless(template, BUCKET, ({ BucketEncryption }, id) => {
        const [rule] = BucketEncryption?.ServerSideEncryptionConfiguration ?? [];
        const { SSEAlgorithm, KMSMasterKeyID } = rule?.ServerSideEncryptionByDefault ?? {};
        const byKey = SSEAlgorithm === 'aws:kms' && template.mentions(KMSMasterKeyID).length === 1;
        return byKey || (SSEAlgorithm === 'AES256' && onlyForLogs(template, id));
      }),
      ...onlyLogDelivery(template),
      ...CLOSED_BUCKETS.offenders(template),
    ],
    mutants: {
      ...CLOSED_BUCKETS.mutants,
      'no encryption': set(BUCKET, 'BucketEncryption', undefined),
      'somebody else may write': (resources) => {
        deliveryOf(resources).Principal = { AWS: 'arn:aws:iam::1:root' };
      },
      'log delivery may read': (resources) => {
        deliveryOf(resources).Action = 's3:GetObject';
      },
      'a role may read': (resources) => {
        const [id] = Object.keys(resources).filter(
          (each) => /AccessLogs/.test(each) && resources[each].Type === BUCKET,
        );
        first(resources, POLICY).Properties.PolicyDocument.Statement[0].Resource = { 'Fn::GetAtt': [id, 'Arn'] };
      },
    },
  },
  {
    rules: ['S3BucketReplicationEnabled'],
    sentence: 'access logs and files have versions and stay when the stack goes',
    offenders: (template) =>
      unless(template, BUCKET, ({ VersioningConfiguration }, _, resource) => {
        const kept = 'DeletionPolicy' in resource && resource.DeletionPolicy === 'Retain';
        return kept && VersioningConfiguration?.Status === 'Enabled';
      }),
    mutants: {
      'no versions': set(BUCKET, 'VersioningConfiguration.Status', 'Suspended'),
      'a bucket that goes': (resources) => {
        first(resources, BUCKET).DeletionPolicy = 'Delete';
      },
    },
  },
  {
    rules: ['AEC6'],
    sentence: 'whoever logs in to the cache is a user of a group, which is no default one, and does so over TLS',
    offenders: (template) => [
      ...unless(template, CACHE, ({ TransitEncryptionEnabled, UserGroupIds = [] }) => {
        const groups = template.mentions(UserGroupIds);
        return TransitEncryptionEnabled === true && groups.length === 1;
      }),
      ...unless(template, 'AWS::ElastiCache::UserGroup', ({ UserIds = [] }) => {
        return UserIds.length === 1 && !JSON.stringify(UserIds).includes('"default"');
      }),
    ],
    mutants: {
      'no group of users': set(CACHE, 'UserGroupIds', []),
      'without TLS': set(CACHE, 'TransitEncryptionEnabled', false),
      'the default user, who needs no password': set('AWS::ElastiCache::UserGroup', 'UserIds', ['default']),
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
          if (
            Type === 'AWS::CloudWatch::Alarm' &&
            JSON.stringify(Properties).includes('ApproximateNumberOfMessagesVisible')
          ) {
            delete resources[id];
          }
        }
      },
    },
  },
  {
    rules: ['VPCNoUnrestrictedRouteToIGW'],
    sentence: 'what has a route to the internet gateway is the load balancer and NAT, and gets no address by itself',
    offenders: (template) => {
      const open = routed(template, 'GatewayId');
      const users = Object.keys(template.resources).filter((id) => {
        const isUse = !['AWS::EC2::SubnetRouteTableAssociation', 'AWS::EC2::NatGateway', BALANCER].includes(
          template.resources[id].Type,
        );
        return isUse && template.mentions(template.properties(id)).some((each) => open.includes(each));
      });
      return [
        ...(open.length === 0 ? ['no public subnet'] : users),
        ...open.filter((subnet) => template.properties(subnet).MapPublicIpOnLaunch !== false),
      ];
    },
    mutants: {
      'tasks in public subnets': (resources) => {
        first(resources, 'AWS::ECS::Service').Properties.NetworkConfiguration.AwsvpcConfiguration.Subnets = first(
          resources,
          BALANCER,
        ).Properties.Subnets;
      },
      'a database in public subnets': (resources) => {
        first(resources, 'AWS::RDS::DBSubnetGroup').Properties.SubnetIds = first(
          resources,
          BALANCER,
        ).Properties.Subnets;
      },
      'public addresses for everything': set('AWS::EC2::Subnet', 'MapPublicIpOnLaunch', true),
    },
  },
];

function httpListener(resources: Parameters<Control['mutants'][string]>[0]) {
  const found = Object.values(resources).find(
    ({ Type, Properties }) => Type === LISTENER && Properties.Protocol === 'HTTP',
  );
  return found?.Properties;
}

function redirect(resources: Parameters<Control['mutants'][string]>[0]) {
  const found = Object.values(resources).find(({ Properties }) => Properties?.Actions?.[0]?.RedirectConfig);
  return found?.Properties;
}

/** Whether a bucket is named by one policy alone, which lets processes list it, and read, write and delete files. */
function isOfFiles(template: Graph, bucket: string | undefined): boolean {
  const all = roleStatements(template).filter(({ Resource }) => template.mentions(Resource).includes(bucket ?? ''));
  return (
    new Set(all.map(({ id }) => id)).size === 1 &&
    all.every((statement) => onlyFiles(statement) || `${statement.Action}` === 's3:ListBucket')
  );
}

function onlyFiles({ Action }: { Action: string[] }): boolean {
  return Action.every((action) => /^s3:((Get|Put|Delete)Object|AbortMultipartUpload)$/.test(action));
}

function filePolicy(resources: Parameters<Control['mutants'][string]>[0]) {
  const found = Object.values(resources).find(
    ({ Type, Properties }) => Type === POLICY && JSON.stringify(Properties).includes('s3:AbortMultipartUpload'),
  );
  if (found === undefined) {
    throw new Error('no policy for files');
  }
  return found;
}

/** The statement that lets log delivery write. */
function deliveryOf(resources: Parameters<Control['mutants'][string]>[0]) {
  return Object.values(resources)
    .filter(({ Type }) => Type === 'AWS::S3::BucketPolicy')
    .flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
    .find(({ Principal }) => JSON.stringify(Principal).includes('logdelivery'));
}

/** Statements of bucket policies that admit anybody but log delivery, or let it do more than write. */
function onlyLogDelivery(template: Graph): string[] {
  return unless(template, 'AWS::S3::BucketPolicy', ({ PolicyDocument }, id) =>
    statements(id, PolicyDocument)
      .filter(({ Effect }) => Effect === 'Allow')
      .every(({ Principal, Action, Condition }) => {
        const service = (Principal as { Service?: string }).Service ?? '';
        const forOne = template.mentions(Condition?.ArnEquals?.['aws:SourceArn']).length === 1;
        const delivery = service === 'logdelivery.elasticloadbalancing.amazonaws.com';
        return (delivery || (service === 'logging.s3.amazonaws.com' && forOne)) && `${Action}` === 's3:PutObject';
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
