import { Duration } from 'aws-cdk-lib';
import type { HealthCheck } from 'aws-cdk-lib/aws-ecs';
import { secondsOf } from '../core/checks';
import { CONTAINER_PORT, HEALTH_PATH } from '../core/contract';

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
    return ContainerHealthCheck.python(
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
    return ContainerHealthCheck.python(
      `import os,sys,time; sys.exit(time.time() - os.path.getmtime(os.environ['CELERY_LIVENESS_FILE']) > ${secondsOf(maxAge)})`,
    );
  }

  /** The container is alive while a program of your image exits with 0. No shell runs it. */
  public static command(...command: string[]): ContainerHealthCheck {
    return new ContainerHealthCheck(['CMD', ...command]);
  }

  /** No check: ECS notices only that the process ends. */
  public static none(): ContainerHealthCheck {
    return new ContainerHealthCheck();
  }

  /** What comes from a prop is an argument, never a part of the program. */
  private static python(program: string, ...values: string[]): ContainerHealthCheck {
    return ContainerHealthCheck.command('python', '-c', program, ...values);
  }

  private constructor(private readonly command?: string[]) {}

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
