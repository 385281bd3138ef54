import type { Announce } from '../announce';
import type { Backing } from '../aws/backing';
import { freePort } from '../edge/ports';
import type { Image } from '../image/image';
import { isPaper } from '../template/intrinsics';
import type { TaskDefinition } from '../template/task-definition';
import { type Identity, identity, YOURSELF } from './identity';
import { Task, taskUser } from './process';
import type { Sandbox } from './sandbox';

/** Seconds that SQS's double may take: more than a machine with other work needs. */
const PATIENT = { connect_timeout: 20, read_timeout: 60, retries: { mode: 'standard', total_max_attempts: 2 } };
/** Seconds after the first, second and further failed attempts; 15, 120 and 900 outside of the rehearsal. */
export const RETRY_DELAYS = [2, 6, 10];

/** Starts a task; throws as ECS would refuse to. */
export type Launch = (definition: TaskDefinition, name: string) => Promise<Task>;

export interface LauncherProps {
  readonly sandbox: Sandbox;
  readonly announce: Announce;
  readonly backing: Backing;
  readonly images: ReadonlyMap<string, Image>;
  readonly user: TaskUser;
  /** The bundle that processes are given in place of RDS's. */
  readonly caBundle: string;
}

/** Starts tasks: an image, as a user of its own, with the variables and secrets of a task definition. */
export class Launcher {
  private readonly counts = new Map<string, number>();

  constructor(private readonly props: LauncherProps) {}

  /**
   * Starts a task with the variables and secrets of its definition.
   *
   * Throws an error that names the variable when a secret does not exist.
   */
  async launch(definition: TaskDefinition, name: string): Promise<Task> {
    const { sandbox, announce, backing, caBundle, images, user } = this.props;
    const id = `${name}/${this.next(name)}`;
    const environment = await this.environment(definition, name);
    const caPath = environment.PGSSLROOTCERT;
    return new Task({
      id,
      definition,
      image: images.get(definition.image) as Image,
      sandbox,
      announce,
      identity: user.identity,
      uid: user.uid,
      port: definition.port === undefined ? undefined : await freePort(),
      caBundle: caPath === undefined ? undefined : { path: caPath, local: caBundle },
      environment,
      machine: {
        LANG: 'C.UTF-8',
        PYTHONDONTWRITEBYTECODE: '1',
        PYTHONUNBUFFERED: '1',
        AWS_ACCESS_KEY_ID: 'rehearsal',
        AWS_SECRET_ACCESS_KEY: 'rehearsal',
        AWS_ENDPOINT_URL: backing.doubles.endpoint,
        AWS_EC2_METADATA_DISABLED: 'true',
      },
    });
  }

  private async environment(definition: TaskDefinition, name: string): Promise<Record<string, string>> {
    const environment: Record<string, string> = { ...definition.environment, ...unhurried(definition.environment) };
    for (const [variable, valueFrom] of Object.entries(definition.secrets)) {
      try {
        environment[variable] = await this.props.backing.secrets.inject(variable, valueFrom);
      } catch (error) {
        throw new Error(`${name} cannot start: ${(error as Error).message}`);
      }
    }
    for (const [variable, value] of Object.entries(environment)) {
      if (isPaper(value)) {
        this.props.announce.substitution(`${variable} of ${name} has no counterpart here: ${value}`);
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
 * `npm run runtime` tries an SQS that does not answer, with the timeouts of the template.
 */
export function unhurried(environment: Readonly<Record<string, string>>): Record<string, string> {
  const given = environment.CELERY_BROKER_TRANSPORT_OPTIONS;
  if (given === undefined) {
    return {};
  }
  const options = { ...JSON.parse(given), 'client-config': PATIENT, retry_delays: RETRY_DELAYS };
  return { CELERY_BROKER_TRANSPORT_OPTIONS: JSON.stringify(options) };
}

/** Whom tasks run as. */
export interface TaskUser {
  readonly identity: Identity;
  /** Who owns their folders; undefined when it is the person who started the rehearsal. */
  readonly uid?: number;
}

/**
 * The user of a task definition where this machine can become it, otherwise whoever started the rehearsal.
 */
export function userOf(definition: TaskDefinition | undefined, image: Image | undefined, announce: Announce): TaskUser {
  const uid = definition && taskUser(definition);
  const found =
    uid === undefined || image === undefined
      ? undefined
      : identity(uid, {
          program: image.python,
          args: ['-c', 'import os; os.listdir(".")'],
          cwd: image.root,
        });
  if (found === undefined) {
    announce.substitution('processes run as you: the file system is not read-only to them');
    return { identity: YOURSELF };
  }
  announce.substitution(`processes run as user ${uid}, to whom the application's files are read-only`);
  return { identity: found, uid };
}
