import type { Graph, Resource } from './graph';

/** Something that sends to, or stores in, something encrypted. */
export interface Sender {
  readonly from: string;
  readonly to: string;
  readonly service: string;
  /** Actions that the target's resource policy must allow; none where AWS asks for no such policy. */
  readonly actions: string[];
  readonly keyActions: string[];
}

const SEND = ['kms:GenerateDataKey*', 'kms:Decrypt'];

/** Every AWS service that sends to a topic, queue, bucket or log group of the template. */
export function sendersOf(graph: Graph): Sender[] {
  const targets = (value: unknown) =>
    graph.mentions(value).filter((id) => ['AWS::SNS::Topic', 'AWS::SQS::Queue'].includes(graph.resources[id].Type));
  const sends = (from: string, service: string, value: unknown): Sender[] =>
    targets(value).map((to) => ({ from, to, service, actions: [sendAction(graph.resources[to])], keyActions: SEND }));

  return [
    ...graph.ofType('AWS::CloudWatch::Alarm').flatMap((id) => {
      const { AlarmActions, OKActions } = graph.properties(id);
      return sends(id, 'cloudwatch.amazonaws.com', [AlarmActions, OKActions]);
    }),
    ...graph
      .ofType('AWS::Events::Rule')
      .flatMap((id) => sends(id, 'events.amazonaws.com', graph.properties(id).Targets)),
    ...graph.ofType('AWS::RDS::EventSubscription').flatMap((id) => {
      return sends(id, 'events.rds.amazonaws.com', graph.properties(id).SnsTopicArn);
    }),
    ...graph.ofType('AWS::Backup::BackupVault').flatMap((id) => {
      return sends(id, 'backup.amazonaws.com', graph.properties(id).Notifications);
    }),
    ...graph
      .ofType('AWS::Logs::LogGroup')
      .filter((id) => graph.properties(id).KmsKeyId !== undefined)
      .map((id) => ({
        from: id,
        to: id,
        service: 'logs.amazonaws.com',
        actions: [],
        keyActions: ['kms:Encrypt*', 'kms:Decrypt*', 'kms:GenerateDataKey*'],
      })),
  ];
}

/** The senders that a resource policy or a key policy turns away. */
export function refused(graph: Graph): string[] {
  return sendersOf(graph).flatMap((sender) => {
    const key = keyOf(graph, sender.to);
    const policies = resourcePolicies(graph, sender.to);
    return [
      ...(sender.actions.every((action) => allows(policies, sender.service, action))
        ? []
        : [`${say(sender)}: its policy`]),
      ...(key === undefined ||
      sender.keyActions.every((action) => allows([keyPolicy(graph, key)], sender.service, action))
        ? []
        : [`${say(sender)}: the policy of its key`]),
    ];
  });
}

/** Roles that send by themselves (the scheduler to its dead-letter queue) must be allowed queue and key in their own policies. */
export function refusedRoles(graph: Graph): string[] {
  return graph.ofType('AWS::Scheduler::Schedule').flatMap((id) => {
    const { RoleArn, DeadLetterConfig } = graph.properties(id).Target;
    const statements = graph
      .ofType('AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy')
      .filter((policy) =>
        graph.mentions(graph.properties(policy).Roles).some((role) => graph.mentions(RoleArn).includes(role)),
      )
      .flatMap((policy) => statementsOf(graph.properties(policy).PolicyDocument));
    return graph.mentions(DeadLetterConfig).flatMap((queue) => {
      const key = keyOf(graph, queue);
      return [
        ...(may(graph, statements, 'sqs:SendMessage', queue) ? [] : [`${id} → ${queue}: its role`]),
        ...(key === undefined || may(graph, statements, 'kms:GenerateDataKey', key)
          ? []
          : [`${id} → ${queue}: its role for the key`]),
      ];
    });
  });
}

interface Statement {
  readonly Effect: string;
  readonly Principal?: { readonly Service?: unknown };
  readonly Action: string | string[];
  readonly Resource?: unknown;
}

function say({ from, service, to }: Sender): string {
  return `${from} (${service}) → ${to}`;
}

function sendAction({ Type }: Resource): string {
  return Type === 'AWS::SNS::Topic' ? 'sns:Publish' : 'sqs:SendMessage';
}

function statementsOf(document: { Statement: Statement[] }): Statement[] {
  return document.Statement;
}

function keyOf(graph: Graph, id: string): string | undefined {
  const { KmsMasterKeyId, KmsKeyId } = graph.properties(id);
  return graph.mentions(KmsMasterKeyId ?? KmsKeyId)[0];
}

function keyPolicy(graph: Graph, key: string): Statement[] {
  return statementsOf(graph.properties(key).KeyPolicy);
}

function resourcePolicies(graph: Graph, target: string): Statement[][] {
  return graph
    .ofType('AWS::SNS::TopicPolicy', 'AWS::SQS::QueuePolicy')
    .filter((id) => graph.mentions([graph.properties(id).Topics, graph.properties(id).Queues]).includes(target))
    .map((id) => statementsOf(graph.properties(id).PolicyDocument));
}

function allows(policies: Statement[][], service: string, action: string): boolean {
  return policies.flat().some(({ Effect, Principal, Action }) => {
    return (
      Effect === 'Allow' && names(Principal?.Service, service) && [Action].flat().some((given) => covers(given, action))
    );
  });
}

function may(graph: Graph, statements: Statement[], action: string, resource: string): boolean {
  return statements.some(({ Effect, Action, Resource }) => {
    return (
      Effect === 'Allow' &&
      [Action].flat().some((given) => covers(given, action)) &&
      graph.mentions(Resource).includes(resource)
    );
  });
}

/** A service principal; that of CloudWatch Logs carries the region: `logs.eu-west-1.amazonaws.com`. */
function names(principal: unknown, service: string): boolean {
  return [principal].flat().some((given) => {
    return given === service || (service === 'logs.amazonaws.com' && /"logs\./.test(JSON.stringify(given ?? '')));
  });
}

function covers(given: string, wanted: string): boolean {
  return given === wanted || (given.endsWith('*') && wanted.startsWith(given.slice(0, -1)));
}
