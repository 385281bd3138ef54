import type { Graph } from '../wiring/graph';
import {
  add,
  type Control,
  first,
  refusesPlainText,
  roleStatements,
  type Statement,
  set,
  statements,
  unless,
  without,
  zones,
} from './control';
import { isOfTheGuard } from './protected-last';

const QUEUE = 'AWS::SQS::Queue';
const SECRET = 'AWS::SecretsManager::Secret';
const BUCKET = 'AWS::S3::Bucket';
const KEY = 'AWS::KMS::Key';
const LAMBDA = 'AWS::Lambda::Function';
const GROUP = 'AWS::Logs::LogGroup';

/** Actions that AWS takes on every resource or on none. */
export const TOKEN_ONLY_ACTIONS = [
  'backup:DescribeRestoreJob',
  'backup:PutRestoreValidationResult',
  'ecr:GetAuthorizationToken',
  'ec2:AssignPrivateIpAddresses',
  'ec2:CreateNetworkInterface',
  'ec2:DeleteNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:UnassignPrivateIpAddresses',
  'elasticloadbalancing:DescribeLoadBalancerAttributes',
];

/** Days of a rate; the calendar's months have up to 92 days in three. */
function daysBetween({ ScheduleExpression }: { ScheduleExpression: string }): number {
  return Number(/^rate\((\d+) days?\)$/.exec(ScheduleExpression)?.[1]);
}

/** What the CDK itself makes to close default security groups; nobody outside of the CDK can change it. */
export function madeByTheCdk(id: string): boolean {
  return id.startsWith('CustomVpcRestrictDefaultSG');
}

/** All that the state machine of the CDK's provider framework may do: call the framework, deliver its log, trace. */
const WAITER_ACTIONS = [
  'lambda:InvokeFunction',
  'logs:CreateLogDelivery',
  'logs:CreateLogStream',
  'logs:DeleteLogDelivery',
  'logs:DescribeLogGroups',
  'logs:DescribeResourcePolicies',
  'logs:GetLogDelivery',
  'logs:ListLogDeliveries',
  'logs:PutLogEvents',
  'logs:PutResourcePolicy',
  'logs:UpdateLogDelivery',
  'xray:GetSamplingRules',
  'xray:GetSamplingTargets',
  'xray:PutTelemetryRecords',
  'xray:PutTraceSegments',
];

/**
 * Whether a policy is the inline one that the CDK writes for the state machine of its provider framework: for the role of state machines
 * alone, and on every resource only what knows none.
 */
export function ofTheWaiter(template: Graph, id: string): boolean {
  const { Roles, PolicyDocument } = template.properties(id);
  const machines = template
    .ofType('AWS::StepFunctions::StateMachine')
    .flatMap((each) => template.mentions(template.properties(each).RoleArn));
  const roles = template.mentions(Roles);
  return (
    template.resources[id].Type === 'AWS::IAM::Policy' &&
    roles.length === 1 &&
    machines.includes(roles[0]) &&
    template.properties(roles[0]).AssumeRolePolicyDocument.Statement[0].Principal.Service === 'states.amazonaws.com' &&
    statements(id, PolicyDocument).every(
      ({ Action, Resource }) =>
        Action.every((action) => WAITER_ACTIONS.includes(action)) &&
        !(Action.includes('lambda:InvokeFunction') && Resource.includes('*')),
    )
  );
}

/** Whether a statement lists the tasks of one cluster: AWS takes that on every resource, with the cluster as a condition. */
export function listsTasks(template: Graph, { Action, Condition }: Statement): boolean {
  return `${Action}` === 'ecs:ListTasks' && template.mentions(Condition?.ArnEquals?.['ecs:cluster']).length === 1;
}

const SECRETS_WITH_A_KEY: Control = {
  ids: 'SecretsManager.4',
  sentence: 'every secret is generated, encrypted with the key of the application, and closed to other accounts',
  offenders: (template) => [
    ...unless(template, SECRET, ({ KmsKeyId, GenerateSecretString, SecretString }) => {
      const generated = GenerateSecretString?.PasswordLength >= 32 && SecretString === undefined;
      return template.ofType(KEY).includes(template.mentions(KmsKeyId)[0]) && generated;
    }),
    ...template.ofType('AWS::SecretsManager::ResourcePolicy'),
  ],
  mutants: {
    'the key of AWS': set(SECRET, 'KmsKeyId', undefined),
    'a secret in the template': set(SECRET, 'SecretString', 'hunter2'),
    'a short secret': set(SECRET, 'GenerateSecretString.PasswordLength', 8),
    'a secret that is shared': add('AWS::SecretsManager::ResourcePolicy', {}),
  },
};

/** S3.1, S3.5, S3.8, S3.13: also what protects the bucket of the access logs. */
export const CLOSED_BUCKETS: Control = {
  ids: 'S3.1, S3.5, S3.8, S3.13',
  sentence: 'buckets are closed to the public, refuse plain HTTP, keep versions, and expire',
  offenders: (template) => [
    ...unless(
      template,
      BUCKET,
      ({ PublicAccessBlockConfiguration, VersioningConfiguration, LifecycleConfiguration }) => {
        const closed = ['BlockPublicAcls', 'BlockPublicPolicy', 'IgnorePublicAcls', 'RestrictPublicBuckets'].every(
          (name) => PublicAccessBlockConfiguration?.[name] === true,
        );
        return closed && VersioningConfiguration?.Status === 'Enabled' && LifecycleConfiguration?.Rules.length > 0;
      },
    ),
    ...unless(template, BUCKET, (_, id) =>
      hasPolicy(template, id, { type: 'AWS::S3::BucketPolicy', property: 'Bucket', service: 's3' }),
    ),
  ],
  mutants: {
    'public policies': set(BUCKET, 'PublicAccessBlockConfiguration.BlockPublicPolicy', false),
    'no block': set(BUCKET, 'PublicAccessBlockConfiguration', undefined),
    'no versions': set(BUCKET, 'VersioningConfiguration', undefined),
    'no lifecycle': set(BUCKET, 'LifecycleConfiguration.Rules', []),
    'plain HTTP': set('AWS::S3::BucketPolicy', 'PolicyDocument.Statement.0.Effect', 'Allow'),
  },
};

/** What is stored. */
export const STORES: Control[] = [
  {
    ids: 'SQS.1, SQS.3',
    sentence: 'queues are encrypted with the key of the application, closed to others, and refuse plain HTTP',
    offenders: (template) => [
      ...unless(template, QUEUE, ({ KmsMasterKeyId }) =>
        template.ofType(KEY).includes(template.mentions(KmsMasterKeyId)[0]),
      ),
      ...unless(template, QUEUE, (_, id) =>
        hasPolicy(template, id, { type: 'AWS::SQS::QueuePolicy', property: 'Queues', service: 'sqs' }),
      ),
      ...template
        .ofType('AWS::SQS::QueuePolicy')
        .filter((id) =>
          statements(id, template.properties(id).PolicyDocument).some(
            ({ Effect, Principal }) => Effect === 'Allow' && JSON.stringify(Principal).includes('*'),
          ),
        ),
    ],
    mutants: {
      'no encryption': set(QUEUE, 'KmsMasterKeyId', undefined),
      'no policy': without('AWS::SQS::QueuePolicy'),
      'plain HTTP': set('AWS::SQS::QueuePolicy', 'PolicyDocument.Statement.0.Condition', {}),
      'a queue for everybody': set('AWS::SQS::QueuePolicy', 'PolicyDocument.Statement.0.Effect', 'Allow'),
    },
  },
  SECRETS_WITH_A_KEY,
  {
    ids: 'SecretsManager.1, SecretsManagerRotationEnabled, SMG4',
    sentence: 'every secret rotates by a function of ours, at least every 90 days',
    offenders: (template) =>
      unless(template, SECRET, (_, id) =>
        template.ofType('AWS::SecretsManager::RotationSchedule').some((schedule) => {
          const { SecretId, RotationLambdaARN, RotationRules } = template.properties(schedule);
          const of = template
            .mentions(SecretId)
            .flatMap((each) => [each, ...template.mentions(template.properties(each).SecretId)]);
          const [handler] = template.mentions(RotationLambdaARN);
          return of.includes(id) && template.ofType(LAMBDA).includes(handler) && daysBetween(RotationRules) <= 90;
        }),
      ),
    mutants: {
      'no schedule': without('AWS::SecretsManager::RotationSchedule'),
      'a schedule for once a year': set(
        'AWS::SecretsManager::RotationSchedule',
        'RotationRules.ScheduleExpression',
        'rate(365 days)',
      ),
      'a secret that nobody rotates': add(SECRET, {}),
    },
  },
  {
    ids: 'SecretsManager, least privilege',
    sentence: 'secrets are read by three roles at most, and that of the master by functions alone',
    offenders: (template) => [
      ...unless(template, SECRET, (_, id) => readersOf(template, id).length <= 3),
      ...template
        .ofType('AWS::RDS::DBInstance')
        .flatMap((id) => template.mentions(template.properties(id).MasterUserPassword))
        .filter((secret) => !readersOf(template, secret).every((role) => isOfFunction(template, role))),
    ],
    mutants: {
      'tasks that read the password of the master': (resources) => {
        const [master] = Object.keys(resources).filter((id) =>
          JSON.stringify(first(resources, 'AWS::RDS::DBInstance').Properties.MasterUserPassword).includes(`"${id}"`),
        );
        const [policy] = Object.values(resources).filter(({ Properties }) =>
          JSON.stringify(Properties?.PolicyDocument ?? '').includes('ecr:GetAuthorizationToken'),
        );
        policy.Properties.PolicyDocument.Statement.push({
          Effect: 'Allow',
          Action: 'secretsmanager:GetSecretValue',
          Resource: { Ref: master },
        });
      },
    },
  },
  CLOSED_BUCKETS,
  {
    ids: 'S3.9',
    sentence: 'a bucket has server access logs, but for the one that they are written to',
    offenders: (template) => {
      const logs = template
        .ofType(BUCKET)
        .flatMap((id) => template.mentions(template.properties(id).LoggingConfiguration?.DestinationBucketName));
      return unless(template, BUCKET, ({ LoggingConfiguration }, id) => {
        return logs.includes(id) ? LoggingConfiguration === undefined : LoggingConfiguration !== undefined;
      });
    },
    mutants: {
      'no logs': (resources) => {
        for (const { Type, Properties } of Object.values(resources)) {
          if (Type === BUCKET) {
            delete Properties.LoggingConfiguration;
          }
        }
      },
      'a bucket without logs': add(BUCKET, {}),
    },
  },
  {
    ids: 'KMS.1, KMS.2',
    sentence: 'no role may decrypt with every key',
    offenders: (template) => {
      const found = roleStatements(template);
      const wrong = found.filter(
        ({ Effect, Action, Resource }) =>
          Effect === 'Allow' && Action.some((action) => /^(kms:|\*)/.test(action)) && Resource.includes('*'),
      );
      return found.length === 0 ? ['no policies'] : wrong.map(({ id }) => id);
    },
    mutants: {
      'every key': set('AWS::IAM::ManagedPolicy', 'PolicyDocument.Statement.0', {
        Effect: 'Allow',
        Action: 'kms:Decrypt',
        Resource: '*',
      }),
    },
  },
  {
    ids: 'KMS.3, KMS.4, KMS.5',
    sentence: 'keys rotate, stay when they leave the stack, and are closed to others',
    offenders: (template) =>
      unless(template, KEY, ({ EnableKeyRotation, KeyPolicy }, id, resource) => {
        const open = statements(id, KeyPolicy).some(
          ({ Effect, Principal }) => Effect === 'Allow' && JSON.stringify(Principal).includes('"*"'),
        );
        return (
          EnableKeyRotation === true &&
          'DeletionPolicy' in resource &&
          String(resource.DeletionPolicy).startsWith('Retain') &&
          !open
        );
      }),
    mutants: {
      'no rotation': set(KEY, 'EnableKeyRotation', false),
      'a key for everybody': set(KEY, 'KeyPolicy.Statement.0.Principal', { AWS: '*' }),
      'a key that goes': (resources) => {
        first(resources, KEY).DeletionPolicy = 'Delete';
      },
    },
  },
  {
    ids: 'IAM.1, IAM.21',
    sentence: 'no role has all actions of a service, or every resource where AWS does not force it',
    offenders: (template) => {
      const found = roleStatements(template).filter(({ Effect }) => Effect === 'Allow');
      const isForced = (statement: Statement) =>
        statement.Action.every((action) => TOKEN_ONLY_ACTIONS.includes(action)) ||
        listsTasks(template, statement) ||
        ofTheWaiter(template, statement.id);
      const wrong = found.filter(
        (statement) =>
          statement.Action.some((action) => /(^|:)\*$/.test(action)) ||
          (statement.Resource.includes('*') && !isForced(statement)),
      );
      return found.length === 0 ? ['no policies'] : wrong.map(({ id }) => id);
    },
    mutants: {
      'all actions of a service': set('AWS::IAM::ManagedPolicy', 'PolicyDocument.Statement.0.Action', 's3:*'),
      'every resource': set('AWS::IAM::ManagedPolicy', 'PolicyDocument.Statement.0.Resource', '*'),
    },
  },
  {
    ids: 'IAM.2, IAMNoInlinePolicy',
    sentence: 'permissions are managed policies, but for the one that the CDK writes by itself, and no user has any',
    offenders: (template) => [
      ...template.ofType('AWS::IAM::Policy').filter((id) => !ofTheWaiter(template, id)),
      ...template.ofType('AWS::IAM::User', 'AWS::IAM::UserPolicy', 'AWS::IAM::RolePolicy'),
      ...unless(template, 'AWS::IAM::Role', ({ Policies }, id) => Policies === undefined || madeByTheCdk(id)),
    ],
    mutants: {
      'an inline policy': set('AWS::IAM::Role', 'Policies', []),
      'a policy of its own': add('AWS::IAM::Policy', { PolicyDocument: { Statement: [] } }),
      'a user': add('AWS::IAM::User', {}),
    },
  },
  {
    ids: 'EC2.2',
    sentence: 'the default security group is closed, whatever the feature flags',
    offenders: (template) =>
      unless(template, 'AWS::EC2::VPC', (_, id) =>
        template
          .ofType('Custom::VpcRestrictDefaultSG')
          .some((each) => template.mentions(template.properties(each)).includes(id)),
      ),
    mutants: { 'an open group': without('Custom::VpcRestrictDefaultSG') },
  },
  {
    ids: 'EC2.6',
    sentence: 'the VPC has flow logs of all traffic',
    offenders: (template) =>
      unless(template, 'AWS::EC2::VPC', (_, id) =>
        template.ofType('AWS::EC2::FlowLog').some((each) => {
          const { ResourceId, TrafficType } = template.properties(each);
          return template.mentions(ResourceId).includes(id) && ['ALL', 'REJECT'].includes(TrafficType);
        }),
      ),
    mutants: {
      'no flow logs': without('AWS::EC2::FlowLog'),
      'what is accepted alone': set('AWS::EC2::FlowLog', 'TrafficType', 'ACCEPT'),
    },
  },
  {
    ids: 'EC2.15',
    sentence: 'no subnet gives out public addresses',
    offenders: (template) =>
      unless(template, 'AWS::EC2::Subnet', ({ MapPublicIpOnLaunch }) => MapPublicIpOnLaunch !== true),
    mutants: { 'public addresses': set('AWS::EC2::Subnet', 'MapPublicIpOnLaunch', true) },
  },
  {
    ids: 'S3 gateway endpoint',
    sentence: 'every subnet reaches S3, where the layers of images are, without the internet',
    offenders: (template) =>
      unless(template, 'AWS::EC2::RouteTable', (_, id) =>
        template.ofType('AWS::EC2::VPCEndpoint').some((each) => {
          const { ServiceName, VpcEndpointType, RouteTableIds } = template.properties(each);
          return (
            VpcEndpointType === 'Gateway' &&
            JSON.stringify(ServiceName).includes('.s3"') &&
            template.mentions(RouteTableIds).includes(id)
          );
        }),
      ),
    mutants: {
      'no endpoint': without('AWS::EC2::VPCEndpoint'),
      'an endpoint nobody is led to': set('AWS::EC2::VPCEndpoint', 'RouteTableIds', []),
    },
  },
  {
    ids: 'CloudWatch.15, CloudWatch.17',
    sentence: 'every alarm does something',
    offenders: (template) =>
      unless(template, 'AWS::CloudWatch::Alarm', ({ AlarmActions, ActionsEnabled }) => {
        return template.mentions(AlarmActions).length > 0 && ActionsEnabled !== false;
      }),
    mutants: {
      'an alarm without an action': set('AWS::CloudWatch::Alarm', 'AlarmActions', []),
      'actions that are off': set('AWS::CloudWatch::Alarm', 'ActionsEnabled', false),
    },
  },
  {
    ids: 'CloudWatch.16',
    sentence: 'logs are kept for a year, encrypted with the key of the application',
    offenders: (template) =>
      unless(template, GROUP, ({ RetentionInDays, KmsKeyId }, id) => {
        const encrypted = template.ofType(KEY).includes(template.mentions(KmsKeyId)[0]);
        return RetentionInDays >= 365 && (encrypted || isOfTheGuard(template, id));
      }),
    mutants: {
      'half a year': set(GROUP, 'RetentionInDays', 180),
      'the key of AWS': set(GROUP, 'KmsKeyId', undefined),
    },
  },
  {
    ids: 'Lambda.2',
    sentence: 'functions have a runtime that AWS supports for more than a year',
    offenders: (template) => unless(template, LAMBDA, ({ Runtime }) => /^nodejs(2[4-9]|[3-9]\d)\.x$/.test(Runtime)),
    mutants: { 'an old runtime': set(LAMBDA, 'Runtime', 'nodejs20.x') },
  },
  {
    ids: 'LambdaConcurrency',
    sentence: 'functions have concurrency of their own',
    offenders: (template) =>
      unless(template, LAMBDA, ({ ReservedConcurrentExecutions }, id) => {
        return madeByTheCdk(id) || ReservedConcurrentExecutions >= 1;
      }),
    mutants: { 'none reserved': set(LAMBDA, 'ReservedConcurrentExecutions', undefined) },
  },
  {
    ids: 'Lambda.5, LambdaDLQ',
    sentence: 'our functions that run inside the VPC have two zones, and all tell somebody when an event is lost',
    offenders: (template) =>
      unless(template, LAMBDA, ({ VpcConfig, DeadLetterConfig }, id) => {
        const placed = VpcConfig === undefined || zones(template, VpcConfig.SubnetIds) >= 2;
        return (
          madeByTheCdk(id) ||
          (placed && (template.mentions(DeadLetterConfig).length === 1 || isOfTheGuard(template, id)))
        );
      }).concat(template.ofType(LAMBDA).every(madeByTheCdk) ? ['no function of ours'] : []),
    mutants: {
      'a single zone': (resources) => {
        const [handler] = Object.values(resources).filter(({ Properties }) => Properties?.VpcConfig !== undefined);
        handler.Properties.VpcConfig.SubnetIds.pop();
      },
      'nobody is told': set(LAMBDA, 'DeadLetterConfig', undefined),
    },
  },
];

/** Whether a resource policy of a bucket or queue refuses what does not come over TLS. */
function hasPolicy(
  template: Graph,
  target: string,
  { type, property, service }: { readonly type: string; readonly property: string; readonly service: string },
): boolean {
  return template.ofType(type).some((id) => {
    const properties = template.properties(id);
    return (
      template.mentions(properties[property]).includes(target) &&
      statements(id, properties.PolicyDocument).some((statement) => refusesPlainText(statement, service))
    );
  });
}

/** The roles that may read a secret, under its own name or that of its attachment. */
function readersOf(template: Graph, secret: string): string[] {
  const names = [
    secret,
    ...template
      .ofType('AWS::SecretsManager::SecretTargetAttachment')
      .filter((id) => template.mentions(template.properties(id).SecretId).includes(secret)),
  ];
  const policies = roleStatements(template)
    .filter(({ Resource }) => template.mentions(Resource).some((id) => names.includes(id)))
    .map(({ id }) => id);
  return [...new Set(policies.flatMap((id) => template.mentions(template.properties(id).Roles)))];
}

function isOfFunction(template: Graph, role: string): boolean {
  return JSON.stringify(template.properties(role).AssumeRolePolicyDocument).includes('"lambda.amazonaws.com"');
}
