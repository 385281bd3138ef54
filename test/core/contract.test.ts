import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CA_BUNDLE_PATH, CONTAINER_USER, HEALTH_PATH } from '../../constructs/core/contract';
import { ContainerHealthCheck } from '../../constructs/processes/container-health-check';

const read = (...path: string[]) => readFileSync(join(__dirname, '..', '..', ...path), 'utf8');

/** The value of a constant of `django-fargate`, as its source writes it. */
function pythonConstant(file: string, name: string): string {
  const [, value] = new RegExp(`^${name} = (.+)$`, 'm').exec(read('runtime', 'django_fargate', file)) ?? [];
  if (value === undefined) {
    throw new Error(`${file} has no constant ${name}`);
  }
  return value;
}

test('django-fargate answers on the path that the load balancer asks for', () => {
  expect(JSON.parse(pythonConstant('health.py', 'DEFAULT_HEALTH_PATH'))).toBe(HEALTH_PATH);
});

test('worker and beat touch their file at least three times before the health check fails', () => {
  const program = ContainerHealthCheck.livenessFile()._render()?.command.at(-1) ?? '';
  const longestAge = Number(/> (\d+)\)$/.exec(program)?.[1]);
  for (const interval of ['LIVENESS_INTERVAL', 'BEAT_MAX_LOOP_INTERVAL']) {
    expect(3 * Number(pythonConstant('celery.py', interval))).toBeLessThan(longestAge);
  }
});

test.each(['examples/django-app/Dockerfile', 'examples/minimal/app/Dockerfile'])(
  '%s runs as the user of the task, with the certificates where the database secret says',
  (dockerfile) => {
    expect(read(dockerfile)).toMatch(new RegExp(`^USER ${CONTAINER_USER}$`, 'm'));
    expect(read(dockerfile)).toContain(` ${CA_BUNDLE_PATH}\n`);
  },
);
