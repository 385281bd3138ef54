import type { Checks } from '../../core/checks';
import type { ICeleryBroker } from '../../queues/celery-broker';
import type { ContainerHealthCheck } from '../container-health-check';
import type { ServiceProps } from '../process-props';

/** What worker and beat have in common. */
export interface CeleryProps extends ServiceProps {
  readonly application?: string;
  readonly healthCheck?: ContainerHealthCheck;
}

/**
 * The program up to its subcommand.
 *
 * Celery finds the application in the package's `celery` module by itself.
 */
export function celery(props: CeleryProps): string[] {
  return ['celery', '--app', props.application ?? props.settingsModule.split('.')[0]];
}

/** A settings module that lies in no package has nothing beside it that could hold the application. */
export function checkPackage(
  checks: Checks,
  { settingsModule, application, command }: ServiceProps & { readonly application?: string },
  sibling: string,
): void {
  const found = application !== undefined || command !== undefined || settingsModule.includes('.');
  checks.that('settingsModule', settingsModule, found, {
    must: `lie in a package that holds \`${sibling}\` too, unless \`application\` says where that is`,
    remedy: 'Write it as in "config.settings", or give `application`.',
  });
}

/** The broker of a service that has been checked. */
export function brokerOf(props: CeleryProps): ICeleryBroker {
  return props.broker as ICeleryBroker;
}

/** Validates what worker and beat have in common. */
export function checkCelery(checks: Checks, props: CeleryProps): void {
  checkPackage(checks, props, 'celery');
  checks.that('healthCheck', props.healthCheck?._kind, props.healthCheck?._kind !== 'http', {
    must: 'be one that a process without a server can pass',
    remedy: 'Use ContainerHealthCheck.livenessFile() or command(), or leave it out.',
  });
  checks
    .that('broker', props.broker, props.broker !== undefined, {
      must: 'be given',
      remedy: 'Make a CeleryBroker and pass it to every process that sends or runs tasks.',
    })
    .matches('application', props.application, /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*(:[A-Za-z_]\w*)?$/, {
      must: 'be a Python module, with the name of the Celery application behind a colon where needed',
      remedy: 'Write it as for `celery --app`, for example "config" or "config.celery:app".',
    });
}
