import { Duration } from 'aws-cdk-lib';
import type { HealthCheck } from 'aws-cdk-lib/aws-ecs';
import { Checks, secondsOf } from '../core/checks';
import { CONTAINER_PORT, HEALTH_PATH } from '../core/contract';
import { checkCommand } from './private/command';

/** In seconds: three of the intervals in which the file is touched. */
const LEAST_AGE = 30;

/**
 * How ECS finds out that a container is alive.
 *
 * ECS replaces the task after three failures in a row.
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
      'import sys, urllib.request as r; r.urlopen(sys.argv[1], timeout=4)',
      `http://127.0.0.1:${CONTAINER_PORT}${path}`,
    );
  }

  /**
   * The container is alive while something touches the file named by CELERY_LIVENESS_FILE within `maxAge`, 90
   * seconds unless given.
   *
   * `django-fargate` does.
   */
  public static livenessFile(maxAge: Duration = Duration.seconds(90)): ContainerHealthCheck {
    new Checks('ContainerHealthCheck.livenessFile')
      .duration('maxAge', maxAge, {
        min: LEAST_AGE,
        remedy:
          'Worker and beat touch the file every 10 seconds, a busy one later: tasks that are well would be stopped.',
      })
      .throwIfAny();
    return ContainerHealthCheck.python(
      'livenessFile',
      `import os,sys,time; sys.exit(time.time() - os.path.getmtime(os.environ['CELERY_LIVENESS_FILE']) > ${secondsOf(maxAge)})`,
    );
  }

  /** The container is alive while a program of your image exits with 0. No shell runs it. */
  public static command(...command: string[]): ContainerHealthCheck {
    const checks = new Checks('ContainerHealthCheck.command');
    checkCommand(checks, 'command', command);
    checks.throwIfAny();
    return new ContainerHealthCheck('command', ['CMD', ...command]);
  }

  /** No check: ECS notices only that the process ends. */
  public static none(): ContainerHealthCheck {
    return new ContainerHealthCheck('none');
  }

  /** What comes from a prop is an argument, never a part of the program. */
  private static python(kind: string, program: string, ...values: string[]): ContainerHealthCheck {
    return new ContainerHealthCheck(kind, ['CMD', 'python', '-c', program, ...values]);
  }

  private constructor(
    /** @internal */
    public readonly _kind: string,
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
          retries: 3,
          startPeriod: Duration.seconds(60),
        };
  }
}
