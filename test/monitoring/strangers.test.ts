import { calculate } from '../../bench/aws/metric-math';
import { AsgiService } from '../../constructs/processes/asgi-service';
import { wholeTemplate } from '../../scripts/lib/whole-template';
import { productionExample } from '../../scripts/production-example';
import { loadBalancerFor, processProps } from '../processes/support';
import { only, templateOf, testStack } from '../support';
import { type AlarmProperties, minutesInAlarm, namespacesOf, type World } from './alarm-simulator';

const resources: { [id: string]: { Type: string; Properties: AlarmProperties } } = wholeTemplate(
  productionExample().stack,
).Resources;

/** The alarms that requests can set off, by a short name such as `Asgi/NoHealthyTask`. */
const alarms = new Map(
  Object.entries(resources)
    .filter(([, { Type }]) => Type === 'AWS::CloudWatch::Alarm')
    .filter(([, { Properties }]) =>
      namespacesOf(Properties).some((name) => ['AWS/ApplicationELB', 'DjangoFargate'].includes(name)),
    )
    .map(([id, { Properties }]) => [shortName(id), Properties]),
);

function shortName(id: string): string {
  return id.replace(/^(App)?(Alarms)?(Services|Log(?=App)|LoadBalancer)?/, '').replace(/[0-9A-F]{8}$/, '');
}

/** What happens in a minute, at each service; what is left out does not happen. */
interface Minute {
  readonly web?: Traffic;
  readonly asgi?: Traffic;
  /** Answers of the load balancer itself, by status. */
  readonly balancer?: { readonly [status: number]: number };
  readonly errorLines?: number;
  /** Requests that keep no standard: the load balancer refuses them and counts them apart. */
  readonly malformed?: number;
}

interface Traffic {
  /** Answers of the tasks, by status. */
  readonly answers?: { readonly [status: number]: number };
  readonly refused?: number;
  readonly healthy?: number;
  readonly unhealthy?: number;
}

const QUIET: Required<Pick<Traffic, 'healthy' | 'unhealthy'>> = { healthy: 2, unhealthy: 0 };

/** What CloudWatch has of it: no zeros for what did not happen, but health and requests of targets at all times. */
function worldOf(happens: (minute: number) => Minute): World {
  return ({ name, of }, minute) => {
    const { web, asgi, balancer = {}, errorLines, malformed } = happens(minute);
    const services = of === undefined ? [web, asgi] : [of.includes('Asgi') ? asgi : web];
    const traffic = services.map((each) => ({ ...QUIET, ...each }));
    const total = (count: (each: (typeof traffic)[number]) => number) => {
      const sum = traffic.reduce((all, each) => all + count(each), 0);
      return sum === 0 ? undefined : sum;
    };
    const answered = (statuses: object, first: string) =>
      Object.entries(statuses).reduce((sum, [status, times]) => sum + (status.startsWith(first) ? times : 0), 0);
    const [, byBalancer] = /^HTTPCode_ELB_(\d)/.exec(name) ?? [];
    switch (name) {
      case 'RequestCount':
        // Of a target group with targets it is there in each minute.
        return (
          total(({ answers = {}, refused = 0 }) => answered(answers, '') + refused) ??
          (of === undefined ? undefined : 0)
        );
      case 'HTTPCode_Target_5XX_Count':
        return total(({ answers = {} }) => answered(answers, '5'));
      case 'TargetConnectionErrorCount':
        return total(({ refused = 0 }) => refused);
      case 'TargetResponseTime':
        return total(({ answers = {} }) => answered(answers, '')) && 0.05;
      case 'HealthyHostCount':
        return traffic[0].healthy;
      case 'UnHealthyHostCount':
        return traffic[0].unhealthy;
      case 'DesyncMitigationMode_NonCompliant_Request_Count':
        return malformed;
      case 'RejectedConnectionCount':
        return undefined;
      default:
        return byBalancer === undefined
          ? errorLines
          : answered(balancer, name.replace(/^HTTPCode_ELB_(\d+).*/, '$1')) || undefined;
    }
  };
}

/** The alarms that are on at some time within ten minutes. */
function firing(happens: Minute | ((minute: number) => Minute), minutes = 10, late = 0): string[] {
  const world = worldOf(typeof happens === 'function' ? happens : () => happens);
  return [...alarms]
    .filter(([, alarm]) => minutesInAlarm(alarm, world, minutes, late).length > 0)
    .map(([name]) => name);
}

test('every alarm that requests can set off is looked at', () => {
  expect([...alarms.keys()].sort()).toEqual([
    'ApplicationErrors',
    'AsgiDeploymentAlarm',
    'AsgiNoHealthyTask',
    'AsgiSlowAnswers',
    'AsgiTooFewHealthyTasks',
    'FewAnswers',
    'MalformedRequests',
    'RejectedConnections',
    'ServerErrors',
    'WebDeploymentAlarm',
    'WebNoHealthyTask',
    'WebSlowAnswers',
    'WebTooFewHealthyTasks',
  ]);
});

describe('1,000 requests of strangers in ten minutes, on a site where nobody else is, set off nothing', () => {
  test.each<[string, Minute]>([
    ['unknown paths of WebSockets, refused', { asgi: { answers: { 403: 100 } } }],
    ['broken handshakes', { asgi: { answers: { 400: 50, 404: 25, 426: 25 } } }],
    ['unknown pages and wrong hosts', { web: { answers: { 404: 50, 400: 50 } }, balancer: { 404: 50 } }],
    ['what the firewall stops', { balancer: { 403: 40, 413: 30, 429: 30 } }],
    ['transfer codings and versions that the load balancer does not know', { balancer: { 501: 50, 505: 50 } }],
    ['guessed passwords, and no request at all', { web: { answers: { 200: 100 } } }],
    ['malformed requests', { malformed: 100 }],
    ['malformed requests and unknown pages', { malformed: 50, web: { answers: { 404: 20 } } }],
    ['nothing', {}],
  ])('%s', (_, minute) => {
    expect(firing(minute)).toEqual([]);
    expect(firing(minute, 30)).toEqual([]);
  });
});

describe('malformed requests', () => {
  const beside = (malformed: number): Minute => ({ malformed, web: { answers: { 200: 190 } } });

  test('of a client of ours are noticed after ten minutes', () => {
    expect(firing(beside(11), 9)).toEqual([]);
    expect(firing(beside(11), 15)).toEqual(['MalformedRequests']);
  });

  test('are no alarm when they are few, or a scan of some minutes', () => {
    expect(firing(beside(9), 30)).toEqual([]);
    expect(firing((minute) => beside(minute < 9 ? 500 : 0), 30)).toEqual([]);
  });
});

describe('a project that answers unknown WebSockets with an exception', () => {
  const strangers: Minute = { asgi: { answers: { 500: 100 } }, errorLines: 100 };

  test('is told of its errors, and no stranger rolls its deployments back', () => {
    expect(firing(strangers)).toEqual(['ServerErrors', 'FewAnswers', 'ApplicationErrors']);
  });

  test('would be rolled back by them if the alarm looked at errors, as that of a single ASGI service does', () => {
    const stack = testStack();
    const common = processProps(stack);
    new AsgiService(stack, 'Asgi', { ...common, loadBalancer: loadBalancerFor(stack, common), paths: ['/*'] });
    const { Properties } = only(templateOf(stack), 'AWS::CloudWatch::Alarm').resource;
    expect(
      minutesInAlarm(
        Properties as AlarmProperties,
        worldOf(() => strangers),
        10,
      ),
    ).not.toEqual([]);
  });
});

describe('what we broke is noticed', () => {
  test('a version whose every page is an error', () => {
    expect(firing({ web: { answers: { 500: 60 } }, errorLines: 60 })).toEqual([
      'WebDeploymentAlarm',
      'ServerErrors',
      'FewAnswers',
      'ApplicationErrors',
    ]);
  });

  test('a version whose every tenth page is an error', () => {
    expect(firing({ web: { answers: { 200: 900, 500: 100 } } })).toEqual(['WebDeploymentAlarm', 'ServerErrors']);
  });

  test('ASGI tasks of which none is healthy', () => {
    expect(firing({ asgi: { healthy: 0, unhealthy: 2 }, balancer: { 503: 30 } })).toEqual([
      'AsgiDeploymentAlarm',
      'ServerErrors',
      'FewAnswers',
      'AsgiNoHealthyTask',
      'AsgiTooFewHealthyTasks',
    ]);
  });

  test.each<[string, Minute]>([
    ['errors on every page', { web: { answers: { 500: 60 } }, errorLines: 60 }],
    ['no healthy task', { asgi: { healthy: 0, unhealthy: 2 }, balancer: { 503: 30 } }],
    ['tasks that break off', { web: { answers: { 200: 30 } }, balancer: { 502: 30 } }],
  ])('%s, although CloudWatch has no data of the newest minute when it looks', (_, broken) => {
    expect(firing(broken, 10, 1)).toEqual(firing(broken));
  });

  test('ASGI tasks that end under their requests', () => {
    expect(firing({ asgi: { answers: { 403: 40 }, refused: 40 }, balancer: { 502: 40 } })).toEqual([
      'WebDeploymentAlarm',
      'AsgiDeploymentAlarm',
      'ServerErrors',
    ]);
  });

  test.each([500, 502, 503, 504])('answers %s of the load balancer', (status) => {
    // Tasks that break off or do not answer: what a deployment of web may have done.
    const rolledBack = [502, 504].includes(status) ? ['WebDeploymentAlarm'] : [];
    expect(firing({ balancer: { [status]: 30 } })).toEqual([...rolledBack, 'ServerErrors', 'FewAnswers']);
  });
});

describe('a sound deployment is not rolled back', () => {
  const rolledBack = (happens: (minute: number) => Minute) =>
    firing(happens).filter((name) => name.endsWith('DeploymentAlarm'));

  test('the first one, whose tasks take a minute to become healthy', () => {
    expect(rolledBack((minute) => ({ asgi: minute < 1 ? { healthy: 0, unhealthy: 2 } : {} }))).toEqual([]);
  });

  test('a later one, with as many new tasks as old ones', () => {
    expect(rolledBack(() => ({ asgi: { healthy: 4, unhealthy: 4 } }))).toEqual([]);
  });

  test('one during which a few connections are refused', () => {
    expect(rolledBack(() => ({ asgi: { answers: { 403: 200 }, refused: 5 } }))).toEqual([]);
  });
});

describe('the simulator', () => {
  const values: { [id: string]: number | undefined } = { a: 6, b: 3, none: undefined };

  test.each<[string, number | undefined]>([
    ['a + b * 2', 12],
    ['(a + b) * 2 - 1', 17],
    ['a / b / 2', 1],
    ['IF(a > 5, 100 * b / a, 0)', 50],
    ['IF(a < 5, 1, IF(b > 2, 2, 3))', 2],
    ['FILL(none, 0) + b', 3],
    ['none + b', undefined],
    ['IF(none > 1, 1, 2)', undefined],
    ['a / FILL(none, 0)', undefined],
  ])('reads %s', (expression, value) => {
    expect(calculate(expression, (id) => values[id])).toBe(value);
  });

  test.each(['a & b', 'MAX(a, b)', 'a +', 'IF(a > 1, 2', 'a b'])('refuses to guess what %s is', (expression) => {
    expect(() => calculate(expression, (id) => values[id])).toThrow();
  });

  test('counts breaching points, and takes missing data as the alarm does', () => {
    const alarm = {
      ComparisonOperator: 'GreaterThanThreshold',
      Threshold: 1,
      EvaluationPeriods: 3,
      DatapointsToAlarm: 2,
      Namespace: 'N',
      MetricName: 'M',
      Period: 60,
      Statistic: 'Sum',
    };
    const world: World = (_, minute) => [0, 2, 0, 2, 2, undefined, 0][minute];
    expect(minutesInAlarm({ ...alarm, TreatMissingData: 'notBreaching' }, world, 7)).toEqual([3, 4, 5]);
    expect(minutesInAlarm({ ...alarm, TreatMissingData: 'breaching' }, world, 7)).toEqual([3, 4, 5, 6]);
  });

  test('adds up the minutes of a longer period', () => {
    const alarm = {
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      Threshold: 10,
      EvaluationPeriods: 1,
      Namespace: 'N',
      MetricName: 'M',
      Period: 300,
      Statistic: 'Sum',
    };
    expect(minutesInAlarm(alarm, () => 2, 10)).toEqual([4, 9]);
    expect(minutesInAlarm(alarm, (_, minute) => (minute < 5 ? 1 : 2), 10)).toEqual([9]);
  });
});
