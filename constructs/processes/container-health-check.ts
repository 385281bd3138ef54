import { Duration } from 'aws-cdk-lib';
import type { HealthCheck } from 'aws-cdk-lib/aws-ecs';
import { secondsOf } from '../core/checks';
import { CONTAINER_PORT, HEALTH_PATH } from '../core/contract';

/**
 * How ECS finds out that a container is alive. Three failures in a row replace the task.
 *
 * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/healthcheck.html
 */
export class ContainerHealthCheck {
  /** GET of a path on the container's own port answers below 400. The path is `/healthz`, which `django-fargate` answers, unless given. */
  public static http(path: string = HEALTH_PATH): ContainerHealthCheck {
    const url = `http://127.0.0.1:${CONTAINER_PORT}${path}`;
    return ContainerHealthCheck.python(`import urllib.request as r; r.urlopen('${url}', timeout=4)`);
  }

  /** The file named by CELERY_LIVENESS_FILE was touched within `maxAge` (90 seconds unless given); `django-fargate` keeps it. */
  public static livenessFile(maxAge: Duration = Duration.seconds(90)): ContainerHealthCheck {
    return ContainerHealthCheck.python(
      `import os,sys,time; sys.exit(time.time() - os.path.getmtime(os.environ['CELERY_LIVENESS_FILE']) > ${secondsOf(maxAge)})`,
    );
  }

  /** A program of your image that exits with 0 while the container is alive; no shell. */
  public static command(...command: string[]): ContainerHealthCheck {
    return new ContainerHealthCheck(['CMD', ...command]);
  }

  /** No check: ECS notices only that the process ends. */
  public static none(): ContainerHealthCheck {
    return new ContainerHealthCheck();
  }

  private static python(program: string): ContainerHealthCheck {
    return ContainerHealthCheck.command('python', '-c', program);
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
