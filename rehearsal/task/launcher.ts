import type { Announce } from '../announce';
import type { Backing } from '../aws/backing';
import { freePort } from '../edge/ports';
import { isPaper } from '../template/intrinsics';
import type { TaskDefinition } from '../template/task-definition';
import type { Attachment, ContainerProps, Host } from './container';
import { Task } from './process';
import type { Sandbox } from './sandbox';

/** Seconds that SQS's double may take: more than a machine with other work needs. */
const PATIENT = { connect_timeout: 20, read_timeout: 60, retries: { mode: 'standard', total_max_attempts: 2 } };
/** Seconds after the first, second and further failed attempts; 15, 120 and 900 outside of the rehearsal. */
export const RETRY_DELAYS = [2, 6, 10];

/** Starts a task; throws as ECS would refuse to. */
export type Launch = (definition: TaskDefinition, name: string) => Promise<Task>;

/** Makes a task that takes somebody's terminal, of a type such as `xterm`. */
export type Attach = (definition: TaskDefinition, name: string, terminal?: string) => Promise<Attachment>;

export interface LauncherProps {
  readonly sandbox: Sandbox;
  readonly announce: Announce;
  readonly backing: Backing;
  readonly host: Host;
  /** Whether SQS's double has as much time as SQS, and not more. */
  readonly isHurried: boolean;
}

/** Starts tasks: an image, with the variables and secrets of a task definition. */
export class Launcher {
  private readonly counts = new Map<string, number>();

  private host: Host;

  constructor(private readonly props: LauncherProps) {
    this.host = props.host;
  }

  /** From here on tasks start in another host, with other images. Gives the one before it. */
  use(host: Host): Host {
    const before = this.host;
    this.host = host;
    return before;
  }

  /**
   * Starts a task with the variables and secrets of its definition.
   *
   * Throws an error that names the variable when a secret does not exist.
   */
  async launch(definition: TaskDefinition, name: string): Promise<Task> {
    const props = await this.propsOf(definition, name);
    const container = await this.host.start(props);
    return new Task({ ...props, container, logs: this.props.sandbox.folder('logs') });
  }

  /** The same for a task that takes somebody's terminal, with the type of that terminal if it is one. */
  async attach(definition: TaskDefinition, name: string, terminal?: string): Promise<Attachment> {
    const { environment, ...props } = await this.propsOf(definition, name);
    const variables = terminal === undefined ? environment : { TERM: terminal, ...environment };
    return this.host.attach({ ...props, environment: variables }, terminal !== undefined);
  }

  private async propsOf(definition: TaskDefinition, name: string): Promise<ContainerProps> {
    const { backing } = this.props;
    const id = `${name}/${this.next(name)}`;
    const key = backing.signed.roles.keyOf(definition.taskRole);
    const environment = {
      PGAPPNAME: id, // By this name PostgreSQL counts the connections of a task.
      AWS_ACCESS_KEY_ID: key.id,
      AWS_SECRET_ACCESS_KEY: key.secret,
      ...backing.doubles.variables('ofTasks'),
      ...backing.environment,
      AWS_EC2_METADATA_DISABLED: 'true',
      ...(await this.environment(definition, name)),
    };
    const port = definition.port === undefined ? undefined : await freePort();
    return { id, definition, environment, port };
  }

  private async environment(definition: TaskDefinition, name: string): Promise<Record<string, string>> {
    const environment: Record<string, string> = {
      ...definition.environment,
      ...unhurried(definition.environment, this.props.isHurried),
    };
    for (const [variable, valueFrom] of Object.entries(definition.secrets)) {
      try {
        environment[variable] = await this.props.backing.secrets.inject(variable, valueFrom);
      } catch (error) {
        throw new Error(`${name} cannot start: ${(error as Error).message}`);
      }
    }
    for (const [variable, value] of Object.entries(environment)) {
      if (isPaper(value)) {
        this.props.announce.substitution(
          `${variable} of ${name} has no counterpart here: ${value}. --env-file gives it one`,
        );
      }
    }
    return environment;
  }

  private next(name: string): number {
    const count = (this.counts.get(name) ?? 0) + 1;
    this.counts.set(name, count);
    return count;
  }
}

/**
 * The options of the broker for a machine on which everything shares two processors: SQS's double may take
 * long, and what a failed task waits for is shorter than the checks.
 *
 * A run that lets SQS answer nothing keeps the timeouts of the template (`isHurried`), and so does `npm run
 * runtime`.
 */
export function unhurried(environment: Readonly<Record<string, string>>, isHurried = false): Record<string, string> {
  const given = environment.CELERY_BROKER_TRANSPORT_OPTIONS;
  if (given === undefined) {
    return {};
  }
  const options = {
    ...JSON.parse(given),
    ...(isHurried ? {} : { 'client-config': PATIENT }),
    retry_delays: RETRY_DELAYS,
  };
  return { CELERY_BROKER_TRANSPORT_OPTIONS: JSON.stringify(options) };
}
