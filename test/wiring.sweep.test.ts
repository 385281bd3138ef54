import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import fc from 'fast-check';
import { applicationOf, configuration } from '../scripts/configurations';
import { EXAMPLES } from '../scripts/examples';
import { wholeTemplate } from '../scripts/lib/whole-template';
import { productionExample } from '../scripts/production-example';
import { explicit, Graph } from './wiring/graph';
import { keyNeedsOf, unkeyed } from './wiring/keys';
import { CUSTOM_RESOURCES, RUNNERS, requirementsOf, unmet } from './wiring/order';
import { refused, refusedRoles, sendersOf } from './wiring/senders';

const graph = new Graph(wholeTemplate(productionExample().stack).Resources);
const requirements = requirementsOf(graph);

describe('what only a deployment would show: order', () => {
  test('services, schedules, releases and custom resources wait for permissions, routes, secrets, rules, capacity providers and the release', () => {
    expect(unmet(graph)).toEqual([]);
  });

  test('the walk looks at every runner, and finds every kind of reason', () => {
    const runners = graph.ofType(...RUNNERS, ...CUSTOM_RESOURCES);
    expect(new Set(requirements.map(({ from }) => from))).toEqual(new Set(runners));
    expect(runners.length).toBeGreaterThanOrEqual(8);
    expect([...new Set(requirements.map(({ why }) => why))].sort()).toEqual([
      'Spot',
      'execution role',
      'handler role',
      'handler routes',
      'listener rule',
      'release',
      'routes',
      'scheduler role',
      'secret attachment',
      'task role',
    ]);
  });

  test.each(
    requirements.map(
      (requirement) =>
        [`${requirement.from} waits for its ${requirement.why}, ${requirement.to}`, requirement] as const,
    ),
  )('%s, and the walk notices when it does not', (_, requirement) => {
    const { from, to } = requirement;
    const direct = explicit(graph.resources[from]).includes(to) ? graph.without([from, to]) : graph;
    // Where others wait for the same thing and the runner waits for them, the last way is cut too.
    const cut = direct.waitsFor(from, to)
      ? graph.without(...graph.dependents(to).map((dependent) => [dependent, to] as const))
      : direct;
    const bound = graph
      .mentions(graph.properties(from))
      .some((id) => id === to || graph.mentions(graph.properties(id)).includes(to));
    expect(bound || unmet(cut, requirements).some((missing) => missing.from === from && missing.to === to)).toBe(true);
  });
});

describe('what only a deployment would show: permission to send', () => {
  test('everything that sends to an encrypted topic, queue or log group is let in by its policy and by its key', () => {
    expect(refused(graph)).toEqual([]);
    expect(refusedRoles(graph)).toEqual([]);
  });

  test('the walk knows alarms, events, RDS events, log groups and the scheduler', () => {
    expect([...new Set(sendersOf(graph).map(({ service }) => service))].sort()).toEqual([
      'cloudwatch.amazonaws.com',
      'events.amazonaws.com',
      'events.rds.amazonaws.com',
      'logs.amazonaws.com',
    ]);
  });

  const documents = Object.entries(graph.resources).flatMap(([id, { Type, Properties }]) => {
    const name = Type === 'AWS::KMS::Key' ? 'KeyPolicy' : 'PolicyDocument';
    const relevant = ['AWS::KMS::Key', 'AWS::SNS::TopicPolicy', 'AWS::SQS::QueuePolicy'].includes(Type);
    const statements: { Effect: string; Principal?: { Service?: unknown } }[] = relevant
      ? Properties[name].Statement
      : [];
    return statements.flatMap((statement, index) =>
      statement.Effect === 'Allow' && statement.Principal?.Service !== undefined ? [{ id, name, index }] : [],
    );
  });

  test.each(documents)('the walk notices when statement $index of $id is missing', ({ id, name, index }) => {
    const resource = graph.resources[id];
    const document = resource.Properties[name];
    const less = { ...document, Statement: document.Statement.filter((_: unknown, at: number) => at !== index) };
    const mutant = { ...resource, Properties: { ...resource.Properties, [name]: less } };
    expect(refused(new Graph({ ...graph.resources, [id]: mutant })).length).toBeGreaterThan(0);
  });
});

/** The stacks of every example, made once. */
const examples = new Map<string, Stack[]>();

function stacksOf(example: string): Stack[] {
  const stacks = examples.get(example) ?? EXAMPLES[example]({}).node.findAll().filter(Stack.isStack);
  examples.set(example, stacks);
  return stacks;
}

describe('what only a deployment would show: permission to decrypt', () => {
  const needs = keyNeedsOf(graph);

  test.each(Object.keys(EXAMPLES))(
    '%s: every role may use the keys of what it reads and sends, by its own policy',
    (name) => {
      const stacks = stacksOf(name);
      expect(stacks.flatMap((stack) => unkeyed(graphOf(stack)))).toEqual([]);
    },
  );

  test('so it is with a key that is imported, whatever else is made or brought', () => {
    const walked = fc.sample(configuration, { seed: 20_261_127, numRuns: 10 }).map((given) => {
      const parts = { ...given.brought, encryptionKey: true };
      const app = new App({ treeMetadata: false });
      return graphOf(applicationOf(app, 'Shop', { ...given, brought: parts }));
    });
    expect(walked.flatMap((each) => unkeyed(each))).toEqual([]);
    // Some bring everything that is encrypted.
    expect(walked.filter((each) => keyNeedsOf(each).length > 10).length).toBeGreaterThan(3);
  });

  test('the walk knows secrets, queues and topics, read and written', () => {
    expect([...new Set(needs.map(({ service, actions }) => `${service} ${actions.join(' ')}`))].sort()).toEqual([
      's3 kms:Decrypt',
      's3 kms:Decrypt kms:GenerateDataKey',
      'secretsmanager kms:Decrypt',
      'secretsmanager kms:Decrypt kms:GenerateDataKey',
      'sns kms:Decrypt kms:GenerateDataKey',
      'sqs kms:Decrypt',
      'sqs kms:Decrypt kms:GenerateDataKey',
    ]);
  });

  test.each([...new Set(needs.map(({ policy }) => policy))])('it notices when %s no longer names the key', (policy) => {
    const resources = { ...graph.resources };
    const text = JSON.stringify(resources[policy]).replaceAll('"kms:Decrypt"', '"kms:DescribeKey"');
    expect(unkeyed(new Graph({ ...resources, [policy]: JSON.parse(text) })).length).toBeGreaterThan(0);
  });
});

describe('what only a deployment would show: connections that the database refuses', () => {
  test.each([
    ['django-app in production', ['db.t4g.medium']],
    ['django-app in development', ['db.t4g.micro']],
    ['minimal', ['db.t4g.micro']],
    ['pipeline', ['db.t4g.micro', 'db.t4g.medium']],
    ['existing-network in production', []], // The company's own database, whose class nobody tells.
    ['existing-network in development', []],
  ])('%s has enough of them with the default instance classes %j, without a warning about either', (name, classes) => {
    const stacks = stacksOf(name);
    const instances = stacks.flatMap((stack) => Object.values(graphOf(stack).resources));
    const made = instances.filter(({ Type }) => Type === 'AWS::RDS::DBInstance');
    expect(made.map(({ Properties }) => Properties.DBInstanceClass)).toEqual(classes);
    const said = stacks.flatMap(({ node }) => node.findAll().flatMap((part) => part.node.metadata));
    const counted = said.flatMap(({ data }) => {
      const [, most, available] = /Database connections at most: (\d+) of (\d+),/.exec(String(data)) ?? [];
      return most === undefined ? [] : [{ most: Number(most), available: Number(available) }];
    });
    expect(counted).toHaveLength(classes.length);
    expect(counted.filter(({ most, available }) => most > available)).toEqual([]);
    const complaints = said.filter(({ type }) => ['aws:cdk:warning', 'aws:cdk:error'].includes(type));
    expect(complaints.filter(({ data }) => /connections|instance class/i.test(String(data)))).toEqual([]);
  });

  test('no example is left out', () => {
    expect([...examples.keys()].sort()).toEqual(Object.keys(EXAMPLES).sort());
  });
});

function graphOf(stack: Stack): Graph {
  return new Graph(Template.fromStack(stack).toJSON().Resources);
}
