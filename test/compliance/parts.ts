import { add, roleStatements, set, statements, unless, without } from '../controls/control';
import { CLOSED_BUCKETS, madeByTheCdk } from '../controls/stores';
import type { Graph } from '../wiring/graph';
import { INVOKED_BY_AWS, PROTECTIONS, type Protection } from './protections';

const ACL = 'AWS::WAFv2::WebACLAssociation';
const BALANCER = 'AWS::ElasticLoadBalancingV2::LoadBalancer';
const BUCKET = 'AWS::S3::Bucket';
const CDN = 'AWS::CloudFront::Distribution';
const LAMBDA = 'AWS::Lambda::Function';
const LISTENER = 'AWS::ElasticLoadBalancingV2::Listener';
const POLICY = 'AWS::IAM::ManagedPolicy';
const RULE = 'AWS::ElasticLoadBalancingV2::ListenerRule';
const SECRET = 'AWS::SecretsManager::Secret';

/** All that a role may do on every file of one bucket, and with keys of CloudFront, which IAM cannot name. */
const ON_FILES = ['s3:AbortMultipartUpload', 's3:DeleteObject', 's3:GetObject', 's3:PutObject'];
const ON_KEYS = /^cloudfront:(Create|Delete|Get|List|Update)(KeyGroup|PublicKey)s?$/;

/** What a role may do with dumps: write them, or read them. */
const ONE_WAY = [
  ['s3:AbortMultipartUpload', 's3:PutObject'],
  ['s3:GetObject', 's3:ListBucket'],
];

/** Who writes access logs, and nobody else may reach their bucket. */
const LOG_DELIVERY = ['logdelivery.elasticloadbalancing.amazonaws.com', 'logging.s3.amazonaws.com'];

/**
 * What protects instead, where a rule is acknowledged for a part that the production example leaves out.
 *
 * Where account and Region are known, the web ACL stands in us-east-1, and ALBWAFEnabled is acknowledged in
 * place of CFR2: the test is the same.
 */
export const PROTECTIONS_OF_PARTS: Protection[] = [
  {
    rules: ['ALBWAFEnabled', 'CFR1', 'CFR2'],
    sentence: 'whoever asks from wherever meets HTTPS and a firewall, and there is no way past the distribution',
    offenders: (template) => [
      ...unless(template, CDN, ({ DistributionConfig }) => {
        const { DefaultCacheBehavior, CacheBehaviors = [], WebACLId } = DistributionConfig;
        const behaviors: { ViewerProtocolPolicy: string }[] = [DefaultCacheBehavior, ...CacheBehaviors];
        const before = template.ofType(ACL).flatMap((id) => template.mentions(template.properties(id).ResourceArn));
        return (
          behaviors.every(({ ViewerProtocolPolicy }) => ViewerProtocolPolicy === 'redirect-to-https') &&
          (WebACLId !== undefined || template.ofType(BALANCER).every((id) => before.includes(id)))
        );
      }),
      ...unless(template, BALANCER, ({ Scheme }) => Scheme === 'internal'),
      ...unless(template, LISTENER, ({ DefaultActions: [action] }) => {
        return action.Type === 'fixed-response' && action.FixedResponseConfig.StatusCode === '403';
      }),
      ...unless(template, RULE, ({ Conditions }) =>
        Conditions.some(({ HttpHeaderConfig }: { HttpHeaderConfig?: { Values: unknown } }) =>
          template.mentions(HttpHeaderConfig?.Values).some((id) => template.ofType(SECRET).includes(id)),
        ),
      ),
    ],
    mutants: {
      'HTTP for everybody': set(CDN, 'DistributionConfig.DefaultCacheBehavior.ViewerProtocolPolicy', 'allow-all'),
      'no firewall': (resources) => {
        without(ACL)(resources);
        set(CDN, 'DistributionConfig.WebACLId', undefined)(resources);
      },
      'a public load balancer': set(BALANCER, 'Scheme', 'internet-facing'),
      'a listener that serves everybody': set(LISTENER, 'DefaultActions.0', { Type: 'forward' }),
      'a rule that asks for no secret': set(RULE, 'Conditions', []),
    },
  },
  {
    rules: ['IAM5'],
    sentence: 'where files or keys have no names, a role may do a few things, and those in one bucket alone',
    offenders: (template) => {
      const wild = roleStatements(template).filter(
        ({ Resource, Action }) =>
          /\*/.test(JSON.stringify([Resource, Action])) && Action.some((action) => /^(s3|cloudfront):|\*/.test(action)),
      );
      const narrow = wild.filter(({ Resource, Action }) => {
        const [bucket, ...others] = template.mentions(Resource);
        const files =
          Resource.length === 1 &&
          others.length === 0 &&
          template.ofType(BUCKET).includes(bucket) &&
          /"\/(dumps\/)?\*"\]\]\}$/.test(JSON.stringify(Resource[0]));
        return files ? Action.every((name) => ON_FILES.includes(name)) : Action.every((name) => ON_KEYS.test(name));
      });
      const others = wild.filter((statement) => !narrow.includes(statement) && !madeByTheCdk(statement.id));
      // Any revision of one task definition, in one cluster.
      const starts = roleStatements(template).filter(({ Action }) => Action.includes('ecs:RunTask'));
      const loose = starts.filter(
        ({ Resource, Condition }) =>
          Resource.some((arn) => /:task-definition\/\*/.test(JSON.stringify(arn))) ||
          template.mentions(Condition?.ArnEquals?.['ecs:cluster']).length !== 1,
      );
      return narrow.length === 0 || starts.length < 3
        ? ['no such statement']
        : [...others, ...loose].map(({ id }) => id);
    },
    mutants: {
      'files of every bucket': onFiles((statement) => {
        statement.Resource = 'arn:aws:s3:::*/*';
      }),
      'older versions, too': onFiles((statement) => {
        statement.Action = ['s3:DeleteObjectVersion'];
      }),
      'every action on files': onFiles((statement) => {
        statement.Action = 's3:*';
      }),
      'dumps below any prefix': onFiles((statement) => {
        statement.Resource = { 'Fn::Join': ['', ['arn:aws:s3:::dumps', '/*/dumps/*']] };
      }, '/dumps/*'),
      'tasks in every cluster': (resources) => {
        const all = statementsIn(resources).filter(({ Action }) => [Action].flat().includes('ecs:RunTask'));
        delete all[0].Condition;
      },
      'distributions, too': set(POLICY, 'PolicyDocument.Statement.0', {
        Effect: 'Allow',
        Action: 'cloudfront:UpdateDistribution',
        Resource: '*',
      }),
    },
  },
  {
    rules: ['LambdaInsideVPC'],
    sentence: 'a function that rotates passwords or keys calls AWS alone, and only services of AWS may invoke it',
    offenders: (template) => [
      ...unless(template, LAMBDA, ({ VpcConfig, Role }, id) => {
        const roles = template.mentions(Role);
        const own = roleStatements(template).filter(({ id: policy }) =>
          template.mentions(template.properties(policy).Roles).some((role) => roles.includes(role)),
        );
        const named = ({ Resource, Action }: (typeof own)[number]) =>
          !Resource.includes('*') ||
          Action.every((name) => ON_KEYS.test(name) || /^\w+:(Describe|List)\w+$/.test(name));
        return madeByTheCdk(id) || VpcConfig !== undefined || (own.length > 0 && own.every(named));
      }),
      ...INVOKED_BY_AWS.offenders(template),
    ],
    mutants: {
      ...INVOKED_BY_AWS.mutants,
      'every user of every cache': (resources) => {
        const [policy] = Object.values(resources).filter(
          ({ Type, Properties }) => Type === POLICY && JSON.stringify(Properties).includes('elasticache:ModifyUser'),
        );
        policy.Properties.PolicyDocument.Statement[0].Resource = '*';
      },
    },
  },
  {
    rules: ['S1', 'S3BucketLoggingEnabled'],
    sentence: 'a bucket without access logs is locked, and roles either only write there or only read; none deletes',
    offenders: (template) => {
      const logs = template
        .ofType(BUCKET)
        .flatMap((id) => template.mentions(template.properties(id).LoggingConfiguration?.DestinationBucketName));
      const silent = template
        .ofType(BUCKET)
        .filter((id) => template.properties(id).LoggingConfiguration === undefined && !logs.includes(id));
      const wrong = silent.filter((id) => {
        const { ObjectLockEnabled, ObjectLockConfiguration } = template.properties(id);
        const isLocked = ObjectLockEnabled === true && ObjectLockConfiguration?.Rule?.DefaultRetention !== undefined;
        const inside = roleStatements(template).filter(({ Resource }) => template.mentions(Resource).includes(id));
        const policies = [...new Set(inside.map((statement) => statement.id))];
        const does = policies.map((policy) =>
          inside.filter((each) => each.id === policy).flatMap(({ Action }) => Action),
        );
        const isOne = (actions: string[]) => ONE_WAY.some((way) => actions.every((action) => way.includes(action)));
        return !isLocked || does.length === 0 || !does.every(isOne);
      });
      return silent.length === 0 ? ['no such bucket'] : wrong;
    },
    mutants: {
      'no lock': (resources) => {
        for (const { Properties } of Object.values(resources).filter(({ Type }) => Type === BUCKET)) {
          delete Properties.ObjectLockConfiguration;
        }
      },
      'whoever writes can read': onFiles((statement) => {
        statement.Action = ['s3:PutObject', 's3:GetObject'];
      }, '/dumps/*'),
      'whoever writes can delete': onFiles((statement) => {
        statement.Action = ['s3:PutObject', 's3:DeleteObjectVersion'];
      }, '/dumps/*'),
      'another bucket without logs': add(BUCKET, {}),
    },
  },
  {
    rules: ['S3BucketReplicationEnabled'],
    sentence: 'files and access logs have versions and stay when the stack goes',
    offenders: (template) =>
      unless(template, BUCKET, ({ VersioningConfiguration }, _, resource) => {
        const kept = 'DeletionPolicy' in resource && resource.DeletionPolicy === 'Retain';
        return kept && VersioningConfiguration?.Status === 'Enabled';
      }),
    mutants: {
      'no versions': set(BUCKET, 'VersioningConfiguration.Status', 'Suspended'),
      'a bucket that goes': (resources) => {
        for (const bucket of Object.values(resources).filter(({ Type }) => Type === BUCKET)) {
          bucket.DeletionPolicy = 'Delete';
        }
      },
    },
  },
  {
    rules: ['S3DefaultEncryptionKMS'],
    sentence: 'a bucket that S3 encrypts by itself is closed, and holds logs that no role can read, or public files',
    offenders: (template) => [
      ...unless(template, BUCKET, ({ BucketEncryption }, id) => {
        const [rule] = BucketEncryption?.ServerSideEncryptionConfiguration ?? [];
        const { SSEAlgorithm } = rule?.ServerSideEncryptionByDefault ?? {};
        return (
          SSEAlgorithm === 'aws:kms' ||
          (SSEAlgorithm === 'AES256' && (isForLogs(template, id) || isPublic(template, id)))
        );
      }),
      ...CLOSED_BUCKETS.offenders(template),
    ],
    mutants: {
      ...CLOSED_BUCKETS.mutants,
      'no encryption': set(BUCKET, 'BucketEncryption', undefined),
      'media files without the key': (resources) => {
        for (const { Properties } of Object.values(resources).filter(({ Type }) => Type === BUCKET)) {
          Properties.BucketEncryption = {
            ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
          };
        }
      },
      'somebody else may write logs': onLogs((statement) => {
        statement.Principal = { AWS: 'arn:aws:iam::1:root' };
      }),
      'log delivery may read': onLogs((statement) => {
        statement.Action = 's3:GetObject';
      }),
      'logs of anybody': onLogs((statement) => {
        delete statement.Condition;
      }),
    },
  },
  ...PROTECTIONS.filter(({ rules }) => rules.includes('SQS3')),
  {
    rules: ['SMG4', 'SecretsManagerRotationEnabled'],
    sentence: 'the one secret that does not rotate is between CloudFront and load balancer, and no role can read it',
    offenders: (template) => {
      const secretsOf = (ids: string[]) => ids.flatMap((id) => template.mentions(template.properties(id).SecretId));
      const rotated = secretsOf(template.ofType('AWS::SecretsManager::RotationSchedule'));
      // The secret of a database is named by its attachment.
      rotated.push(...secretsOf(rotated.filter((id) => /Attachment$/.test(template.resources[id].Type))));
      const lasting = template.ofType(SECRET).filter((id) => !rotated.includes(id));
      const wrong = lasting.filter((id) => {
        const users = Object.keys(template.resources).filter((user) =>
          template.mentions(template.properties(user)).includes(id),
        );
        const { KmsKeyId, GenerateSecretString } = template.properties(id);
        const strong = KmsKeyId !== undefined && GenerateSecretString?.PasswordLength >= 40;
        return !strong || !users.every((user) => [CDN, RULE].includes(template.resources[user].Type));
      });
      return lasting.length === 1 ? wrong : ['not one', ...lasting];
    },
    mutants: {
      'another one': add(SECRET, {}),
      'a role that reads it': (resources) => {
        const [id] = Object.keys(resources).filter((each) => /OriginKeys/.test(each));
        set(POLICY, 'PolicyDocument.Statement.0.Resource', { Ref: id })(resources);
      },
      'a short value': (resources) => {
        const [id] = Object.keys(resources).filter((each) => /OriginKeys/.test(each));
        resources[id].Properties.GenerateSecretString.PasswordLength = 8;
      },
    },
  },
];

// biome-ignore lint/suspicious/noExplicitAny: a template is free-form JSON
type Change = (statement: any) => void;

type Resources = Parameters<Protection['mutants'][string]>[0];

/** Statements of the policies of roles. */
function statementsIn(resources: Resources) {
  return Object.values(resources).flatMap(({ Type, Properties }) =>
    Type === POLICY ? Properties.PolicyDocument.Statement : [],
  );
}

/** Changes the first statement of a role about writing files of a bucket, or what lies below a folder in it. */
function onFiles(change: Change, folder = ''): Protection['mutants'][string] {
  return (resources) => {
    change(
      statementsIn(resources).find(
        ({ Action, Resource }) => [Action].flat().includes('s3:PutObject') && JSON.stringify(Resource).includes(folder),
      ),
    );
  };
}

/** Changes the statement by which S3 writes server access logs. */
function onLogs(change: Change): Protection['mutants'][string] {
  return (resources) => {
    const all = Object.values(resources).flatMap(({ Type, Properties }) =>
      Type === 'AWS::S3::BucketPolicy' ? Properties.PolicyDocument.Statement : [],
    );
    change(all.find(({ Principal }) => Principal?.Service === 'logging.s3.amazonaws.com'));
  };
}

function allowedIn(template: Graph, bucket: string) {
  return template
    .ofType('AWS::S3::BucketPolicy')
    .filter((id) => template.mentions(template.properties(id).Bucket).includes(bucket))
    .flatMap((id) => statements(id, template.properties(id).PolicyDocument))
    .filter(({ Effect }) => Effect === 'Allow');
}

/** Whether only log delivery writes to a bucket, that of S3 for named buckets, and nobody reads from it. */
function isForLogs(template: Graph, bucket: string): boolean {
  const allowed = allowedIn(template, bucket);
  const readable = roleStatements(template).some(({ Resource }) => template.mentions(Resource).includes(bucket));
  return (
    !readable &&
    allowed.length > 0 &&
    allowed.every(({ Principal, Action, Condition }) => {
      const { Service } = Principal as { Service?: string };
      const named = template.mentions(Condition?.ArnEquals?.['aws:SourceArn']).length === 1;
      return (
        `${Action}` === 's3:PutObject' &&
        LOG_DELIVERY.includes(Service as string) &&
        (named || Service !== 'logging.s3.amazonaws.com')
      );
    })
  );
}

/** Whether one distribution hands out the files of a bucket without asking who wants them, and a role only writes. */
function isPublic(template: Graph, bucket: string): boolean {
  const [distribution] = template.ofType(CDN);
  const { Origins, CacheBehaviors = [] } = template.properties(distribution).DistributionConfig;
  const origins: string[] = Origins.filter((origin: unknown) => template.mentions(origin).includes(bucket)).map(
    ({ Id }: { Id: string }) => Id,
  );
  const behaviors = CacheBehaviors.filter(({ TargetOriginId }: { TargetOriginId: string }) =>
    origins.includes(TargetOriginId),
  );
  const roles = roleStatements(template).filter(({ Resource }) => template.mentions(Resource).includes(bucket));
  return (
    behaviors.length > 0 &&
    behaviors.every(({ TrustedKeyGroups = [] }: { TrustedKeyGroups?: unknown[] }) => TrustedKeyGroups.length === 0) &&
    roles.every(({ Action }) => Action.every((name) => ['s3:ListBucket', 's3:PutObject'].includes(name)))
  );
}
