import { roleStatements, type Statement } from '../controls/control';
import type { Graph } from './graph';
import { sendersOf } from './senders';

/** Something encrypted that a role uses: its policy must allow the key, too, through the same service. */
export interface KeyNeed {
  readonly policy: string;
  readonly target: string;
  readonly service: string;
  /** The key as the template refers to it. */
  readonly key: unknown;
  readonly actions: readonly string[];
}

const BUCKET_KEY = 'BucketEncryption';
const KEY_OF: { readonly [type: string]: string } = {
  'AWS::S3::Bucket': BUCKET_KEY,
  'AWS::SecretsManager::Secret': 'KmsKeyId',
  'AWS::SNS::Topic': 'KmsMasterKeyId',
  'AWS::SQS::Queue': 'KmsMasterKeyId',
};
const WRITES = ['kms:Decrypt', 'kms:GenerateDataKey'];
/** What an action asks of the key. Whatever else these services offer asks nothing. */
const ASKS: { readonly [action: string]: readonly string[] } = {
  's3:GetObject': ['kms:Decrypt'],
  's3:PutObject': WRITES,
  'secretsmanager:GetSecretValue': ['kms:Decrypt'],
  'secretsmanager:PutSecretValue': WRITES,
  'sns:Publish': WRITES,
  'sqs:ReceiveMessage': ['kms:Decrypt'],
  'sqs:SendMessage': WRITES,
};

/** What roles need of keys, by what their policies let them do with what is encrypted. */
export function keyNeedsOf(graph: Graph): KeyNeed[] {
  return roleStatements(graph).flatMap(({ id, Action, Resource }) =>
    Action.flatMap((action) =>
      encrypted(graph, Resource).flatMap(({ target, key }) =>
        ASKS[action] === undefined
          ? []
          : [{ policy: id, target, key, service: action.split(':')[0], actions: ASKS[action] }],
      ),
    ),
  );
}

/** The needs that no policy of the same roles meets. Policies of keys do not count: an imported key has another. */
export function unkeyed(graph: Graph, needs = keyNeedsOf(graph)): string[] {
  const statements = roleStatements(graph);
  return needs.flatMap((need) => {
    const holders = holdersOf(graph, need.policy);
    const own = statements.filter(({ id }) => holdersOf(graph, id).some((role) => holders.includes(role)));
    const missing = need.actions.filter((action) => !own.some((statement) => allows(statement, need, action)));
    return missing.map((action) => `${need.policy}: ${action} through ${need.service} for ${need.target}`);
  });
}

/** What the policy of a key must let AWS services do, by their principals, for everything that the key encrypts. */
export function keyPolicyNeeds(graph: Graph): { readonly [service: string]: readonly string[] } {
  const needs: { [service: string]: readonly string[] } = {};
  for (const { to, service, keyActions } of sendersOf(graph)) {
    const { KmsKeyId, KmsMasterKeyId } = graph.properties(to);
    if ((KmsKeyId ?? KmsMasterKeyId) !== undefined) {
      needs[service] = keyActions;
    }
  }
  const served = graph.ofType('AWS::CloudFront::Distribution').flatMap((id) => {
    const { Origins } = graph.properties(id).DistributionConfig;
    return encrypted(graph, Origins);
  });
  return served.length === 0 ? needs : { ...needs, 'cloudfront.amazonaws.com': ['kms:Decrypt'] };
}

function allows({ Effect, Action, Resource, Condition }: Statement, need: KeyNeed, action: string): boolean {
  const through = [Condition?.StringEquals?.['kms:ViaService']].flat();
  // Grants of the CDK for the bucket of a pipeline name no service, and more actions.
  const byTheCdk = need.service === 's3' && Condition === undefined;
  return (
    Effect === 'Allow' &&
    (Action.includes(action) || (byTheCdk && Action.includes(`${action}*`))) &&
    Resource.some((resource) => JSON.stringify(resource) === JSON.stringify(need.key)) &&
    (byTheCdk || through.some((name) => JSON.stringify(name ?? '').includes(`"${need.service}.`)))
  );
}

/** What a statement names that is encrypted with a key. The ARN of an attachment is that of its secret. */
function encrypted(graph: Graph, resources: unknown): { target: string; key: unknown }[] {
  return graph.mentions(resources).flatMap((id) => {
    const { Type, Properties } = graph.resources[id];
    if (Type === 'AWS::SecretsManager::SecretTargetAttachment') {
      return encrypted(graph, Properties.SecretId);
    }
    const given = KEY_OF[Type] === undefined ? undefined : Properties?.[KEY_OF[Type]];
    const key = KEY_OF[Type] === BUCKET_KEY ? keyOfBucket(given) : given;
    return key === undefined ? [] : [{ target: id, key }];
  });
}

/** Undefined for a bucket whose key is managed by S3. */
function keyOfBucket(encryption: { [name: string]: { [name: string]: { [name: string]: unknown } }[] } | undefined) {
  const [rule] = encryption?.ServerSideEncryptionConfiguration ?? [];
  return rule?.ServerSideEncryptionByDefault?.KMSMasterKeyID;
}

/** The roles that have a policy; a role that holds the statement itself. */
function holdersOf(graph: Graph, policy: string): string[] {
  const { Roles } = graph.properties(policy);
  return Roles === undefined ? [policy] : graph.mentions(Roles);
}
