import { Duration } from 'aws-cdk-lib';
import type { HealthCheck } from 'aws-cdk-lib/aws-ecs';
import { Checks, secondsOf } from '../core/checks';
import { CONTAINER_PORT, HEALTH_PATH } from '../core/contract';
import { checkCommand } from './private/command';

/** In seconds: three of the intervals in which the file is touched. */
const LEAST_AGE = 30;

/** In what time ECS notices: failures in the first seconds do not count, and then so many in a row do. */
interface HealthTimings {
  readonly startPeriod: number;
  readonly retries: number;
}

/**
 * A server that is busy may answer late for a while: ten looks, which is what ECS allows. The target group
 * gives up one that is dead before.
 *
 * The file of a worker tells busy from dead by its age, so that two looks are enough.
 */
const TIMINGS = {
  server: { startPeriod: 60, retries: 10 },
  file: { startPeriod: 30, retries: 2 },
} as const;

/**
 * How ECS finds out that a container is alive.
 *
 * ECS looks every 15 seconds and replaces the task after several failures in a row.
 *
 * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/healthcheck.html
 */
export class ContainerHealthCheck {
  /**
   * The container is alive while GET of a path on its own port answers below 400.
   *
   * The path is `/healthz` unless given, which `django-fargate` answers.
   */
  public static http(path: string = HEALTH_PATH): ContainerHealthCheck {
    new Checks('ContainerHealthCheck.http')
      .matches('path', path, /^\/[\x21-\x7e]*$/, {
        must: 'be a path that starts with a slash, without blanks',
        remedy: 'Write "/healthz", or the path that your application answers below 400.',
      })
      .throwIfAny();
    return ContainerHealthCheck.python(
      'http',
      TIMINGS.server,
      'import sys, urllib.request as r; r.urlopen(sys.argv[1], timeout=4)',
      `http://127.0.0.1:${CONTAINER_PORT}${path}`,
    );
  }

  /**
   * The container is alive while something touches the file named by CELERY_LIVENESS_FILE within `maxAge`, 90
   * seconds unless given.
   *
   * `django-fargate` does. ECS replaces a container that has not touched it half a minute after
   * `startPeriod`, 30 seconds unless given: a deployment that never works is given up that much later.
   */
  public static livenessFile(
    maxAge: Duration = Duration.seconds(90),
    startPeriod: Duration = Duration.seconds(TIMINGS.file.startPeriod),
  ): ContainerHealthCheck {
    new Checks('ContainerHealthCheck.livenessFile')
      .duration('startPeriod', startPeriod, {
        whole: 'seconds',
        min: 0,
        max: 300,
        remedy: 'Give the time that the process takes until it works; ECS allows five minutes.',
      })
      .duration('maxAge', maxAge, {
        min: LEAST_AGE,
        remedy:
          'Worker and beat touch the file every 10 seconds, a busy one later: tasks that are well would be stopped.',
      })
      .throwIfAny();
    return ContainerHealthCheck.python(
      'livenessFile',
      { ...TIMINGS.file, startPeriod: secondsOf(startPeriod) },
      `import os,sys,time; sys.exit(time.time() - os.path.getmtime(os.environ['CELERY_LIVENESS_FILE']) > ${secondsOf(maxAge)})`,
    );
  }

  /** The container is alive while a program of your image exits with 0. No shell runs it. */
  public static command(...command: string[]): ContainerHealthCheck {
    const checks = new Checks('ContainerHealthCheck.command');
    checkCommand(checks, 'command', command);
    checks.throwIfAny();
    return new ContainerHealthCheck('command', TIMINGS.server, ['CMD', ...command]);
  }

  /** No check: ECS notices only that the process ends. */
  public static none(): ContainerHealthCheck {
    return new ContainerHealthCheck('none', TIMINGS.server);
  }

  /** What comes from a prop is an argument, never a part of the program. */
  private static python(
    kind: string,
    timings: HealthTimings,
    program: string,
    ...values: string[]
  ): ContainerHealthCheck {
    return new ContainerHealthCheck(kind, timings, ['CMD', 'python', '-c', program, ...values]);
  }

  private constructor(
    /** @internal */
    public readonly _kind: string,
    private readonly timings: HealthTimings,
    private readonly command?: string[],
  ) {}

  /** @internal */
  public _render(): HealthCheck | undefined {
    return this.command === undefined
      ? undefined
      : {
          command: this.command,
          interval: Duration.seconds(15),
          timeout: Duration.seconds(5),
          retries: this.timings.retries,
          startPeriod: Duration.seconds(this.timings.startPeriod),
        };
  }
}
