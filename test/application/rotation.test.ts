import { wholeTemplate } from '../../scripts/lib/whole-template';
import { productionExample } from '../../scripts/production-example';
import { explicit, Graph } from '../wiring/graph';

const graph = new Graph(wholeTemplate(productionExample().stack).Resources);
const schedules = graph.ofType('AWS::SecretsManager::RotationSchedule');
const secrets = graph.ofType('AWS::SecretsManager::Secret');

/** A secret goes by its own name or by that of its attachment to the database. */
function secretsIn(value: unknown): string[] {
  return graph
    .mentions(value)
    .flatMap((id) =>
      graph.resources[id].Type === 'AWS::SecretsManager::SecretTargetAttachment'
        ? graph.mentions(graph.properties(id).SecretId)
        : [id],
    )
    .filter((id) => secrets.includes(id));
}

const functionOf = (schedule: string) => graph.mentions(graph.properties(schedule).RotationLambdaARN)[0];
const isOfDatabase = (schedule: string) => graph.properties(functionOf(schedule)).VpcConfig !== undefined;

/** A rule without a pattern: it calls a function of the cache by the hour, which takes the old password away. */
const isClock = (id: string) =>
  graph.ofType('AWS::Events::Rule').includes(id) && graph.properties(id).ScheduleExpression !== undefined;

const isOfCache = (schedule: string) =>
  graph.ofType('Custom::CacheUser').some((id) => graph.waitsFor(id, functionOf(schedule)));

function policiesOf(handler: string): string[] {
  const [role] = graph.mentions(graph.properties(handler).Role);
  return [
    ...graph
      .ofType('AWS::IAM::ManagedPolicy')
      .filter((id) => graph.mentions(graph.properties(id).Roles).includes(role)),
    ...graph.mentions(graph.properties(role).ManagedPolicyArns),
  ];
}

/** The secrets whose schedules call a function. */
function rotatedBy(handler: string): string[] {
  return schedules.filter((id) => functionOf(id) === handler).flatMap((id) => secretsIn(graph.properties(id).SecretId));
}

/** What must be there when Secrets Manager tries the schedule out, which it does as soon as it is made. */
function requirementsOf(schedule: string): string[] {
  const handler = functionOf(schedule);
  const [own] = secretsIn(graph.properties(schedule).SecretId);
  const permissions = graph
    .ofType('AWS::Lambda::Permission')
    .filter((id) => graph.mentions(graph.properties(id).FunctionName).includes(handler))
    .filter((id) => secretsIn(graph.properties(id).SourceArn).includes(own));
  const ofDatabase = [
    'Custom::DatabaseRoles',
    'AWS::SecretsManager::SecretTargetAttachment',
    'AWS::RDS::DBInstance',
    'AWS::EC2::NatGateway',
  ];
  const groups = graph.mentions(graph.properties(handler).VpcConfig?.SecurityGroupIds);
  const rules = graph
    .ofType('AWS::EC2::SecurityGroupIngress')
    .filter((id) => graph.mentions(graph.properties(id).SourceSecurityGroupId).some((group) => groups.includes(group)));
  return [
    ...permissions,
    ...policiesOf(handler),
    ...(isOfDatabase(schedule) ? [...graph.ofType(...ofDatabase), ...groups, ...rules] : []),
  ];
}

test('every secret has one schedule, of our own function, that leaves the first deployment alone', () => {
  expect(schedules.flatMap((id) => secretsIn(graph.properties(id).SecretId)).sort()).toEqual(secrets.sort());
  expect(new Set(schedules.map(functionOf)).size).toBe(4);
  for (const id of schedules) {
    expect(graph.properties(id).RotateImmediatelyOnUpdate).toBe(false);
    expect(graph.properties(id).RotationRules).toEqual({
      ScheduleExpression: `rate(${isOfDatabase(id) || isOfCache(id) ? 30 : 90} days)`,
      Duration: '3h',
    });
  }
});

test.each(schedules)('%s waits for its permissions, and in the database for roles, attachments and rules', (id) => {
  const requirements = requirementsOf(id);
  expect(requirements.length).toBeGreaterThanOrEqual(isOfDatabase(id) ? 9 : 2);
  expect(requirements.filter((to) => !graph.waitsFor(id, to))).toEqual([]);
});

test.each(schedules)('the walk notices when %s waits for nothing', (id) => {
  const [permission] = requirementsOf(id);
  const cut = graph.without(...explicit(graph.resources[id]).map((to) => [id, to] as const));
  expect(cut.waitsFor(id, permission)).toBe(false);
});

test.each(schedules)(
  'the function of %s writes the secrets that it rotates only, and reads the master to change the application',
  (id) => {
    const own = rotatedBy(functionOf(id));
    const statements = policiesOf(functionOf(id)).flatMap(
      (policy) => graph.properties(policy).PolicyDocument.Statement,
    );
    const may = (action: string) =>
      statements
        .filter(({ Action }) => [Action].flat().includes(action))
        .flatMap(({ Resource }) => secretsIn(Resource));
    expect(may('secretsmanager:PutSecretValue')).toEqual(own);
    expect(may('secretsmanager:UpdateSecretVersionStage')).toEqual(own);
    const [master] = graph
      .ofType('AWS::RDS::DBInstance')
      .flatMap((each) => secretsIn(graph.properties(each).MasterUserPassword));
    const isOfApplication = isOfDatabase(id) && !own.includes(master);
    expect(own).toHaveLength(isOfApplication ? 2 : 1);
    expect(may('secretsmanager:GetSecretValue')).toEqual(isOfApplication ? [...own, master] : own);
  },
);

test('Secrets Manager is let in for the secrets of the function, and nobody else is but the clock of that of the cache', () => {
  for (const id of schedules) {
    const permissions = graph
      .ofType('AWS::Lambda::Permission')
      .filter((each) => graph.mentions(graph.properties(each).FunctionName).includes(functionOf(id)))
      .map((each) => graph.properties(each))
      .filter(({ SourceArn }) => !graph.mentions(SourceArn).some((source) => isClock(source)));
    expect(permissions.map(({ Principal, SourceArn }) => [Principal, secretsIn(SourceArn)])).toEqual(
      rotatedBy(functionOf(id)).map((secret) => ['secretsmanager.amazonaws.com', [secret]]),
    );
  }
});

describe('the refresh', () => {
  const [source] = graph.ofType('AWS::Lambda::EventSourceMapping');
  const [handler] = graph.mentions(graph.properties(source).FunctionName);
  const { SERVICES } = graph.properties(handler).Environment.Variables;
  const services = graph.ofType('AWS::ECS::Service');

  test('knows every service, and may replace the tasks of these', () => {
    const known = graph.mentions(SERVICES).filter((id) => services.includes(id));
    const updated = policiesOf(handler)
      .flatMap((policy) => graph.properties(policy).PolicyDocument.Statement)
      .filter(({ Action }) => [Action].flat().includes('ecs:UpdateService'));
    expect(known.sort()).toEqual([...services].sort());
    expect(updated.flatMap(({ Resource }) => graph.mentions(Resource)).sort()).toEqual([...services].sort());
  });

  test('hears of the secrets that services read, and neither of the master nor of releases', () => {
    const read = services
      .flatMap((id) => graph.mentions(graph.properties(id).TaskDefinition))
      .flatMap((id) => secretsIn(graph.properties(id).ContainerDefinitions));
    const heard = graph
      .ofType('AWS::Events::Rule')
      .filter((id) => JSON.stringify(graph.properties(id).EventPattern ?? '').includes('Secret Label Updated'))
      .flatMap((id) => secretsIn(graph.properties(id).EventPattern));
    expect(heard.sort()).toEqual([...new Set(read)].sort());
    expect(secretsIn(SERVICES).sort()).toEqual(heard.sort());
  });

  test('is waited for by nothing that serves, and neither is a rotation, but for functions that know of the url or make a user', () => {
    const runners = graph.ofType('AWS::ECS::Service', 'AWS::Scheduler::Schedule', 'Custom::ReleaseCommand');
    // Those of the database write the url, and that of the cache makes the user.
    const functions = schedules.filter((id) => !isOfDatabase(id) && !isOfCache(id)).map(functionOf);
    const late = [source, handler, ...schedules, ...functions];
    expect(new Set(functions).size).toBe(1);
    expect(runners.filter((id) => late.some((to) => graph.waitsFor(id, to)))).toEqual([]);
  });
});
