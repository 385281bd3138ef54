import type { Announce } from '../announce';
import type { Backing } from '../aws/backing';
import { freePort } from '../edge/ports';
import type { Image } from '../image/image';
import { isPaper } from '../template/intrinsics';
import type { TaskDefinition } from '../template/task-definition';
import { Entrance } from './entrance';
import { Files } from './files';
import { type Identity, identity, YOURSELF } from './identity';
import { initialize } from './init-container';
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
  /** Whether SQS's double has as much time as SQS, and not more. */
  readonly isHurried: boolean;
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
    const image = images.get(definition.image) as Image;
    const files = new Files({ id, definition, image, sandbox, user });
    await initialize({ id, definition, image, sandbox, files, user });
    return new Task({
      id,
      definition,
      image,
      sandbox,
      announce,
      identity: user.identity,
      files,
      port: definition.port === undefined ? undefined : await freePort(),
      caBundle: caPath === undefined ? undefined : { path: caPath, local: caBundle },
      environment,
      machine: {
        LANG: 'C.UTF-8',
        PYTHONDONTWRITEBYTECODE: '1',
        PYTHONUNBUFFERED: '1',
        PGAPPNAME: id, // By this name PostgreSQL counts the connections of a task.
        AWS_ACCESS_KEY_ID: 'rehearsal',
        AWS_SECRET_ACCESS_KEY: 'rehearsal',
        AWS_ENDPOINT_URL: backing.doubles.endpoint,
        AWS_EC2_METADATA_DISABLED: 'true',
      },
    });
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

/** What decides whom tasks run as. */
interface UserSources {
  readonly definition?: TaskDefinition;
  readonly image?: Image;
  readonly sandbox: Sandbox;
}

/** Who somebody in a container is on this machine. */
export interface LocalUser {
  readonly identity: Identity;
  /** Undefined when it is the person who started the rehearsal. */
  readonly uid?: number;
}

/** Whom tasks run as, and who owns their folders. */
export interface TaskUser extends LocalUser {
  /**
   * Stands for root of a container: it owns the volumes and runs containers of user 0.
   *
   * It is neither you nor the application's user, and has no power on this machine.
   */
  readonly owner: LocalUser;
  /** Whether each task may have mounts of its own. */
  readonly mounts: boolean;
}

/**
 * The user of a task definition where this machine can become it, otherwise whoever started the rehearsal.
 */
export function userOf({ definition, image, sandbox }: UserSources, announce: Announce): TaskUser {
  const mounts = Entrance.covers(sandbox.folder('mounts'));
  announce.substitution(
    mounts
      ? 'a tmpfs has the size and the options of the template'
      : '/tmp is a folder of this machine, without the size and the options of the template: mounting needs root on Linux',
  );
  const uid = definition && taskUser(definition);
  const [found, owner] = uid === undefined ? [] : [localUser(uid, image), localUser(uid + 1, image)];
  if (found === undefined || owner === undefined) {
    announce.substitution('processes run as you: the file system is not read-only to them');
    return { identity: YOURSELF, owner: { identity: YOURSELF }, mounts };
  }
  announce.substitution(`processes run as user ${uid}, to whom the application's files are read-only`);
  return { ...found, owner, mounts };
}

function localUser(uid: number, image: Image | undefined): LocalUser | undefined {
  const found =
    image &&
    identity(uid, {
      program: image.python,
      args: ['-c', 'import os; os.listdir(".")'],
      cwd: image.root,
    });
  return found && { identity: found, uid };
}
