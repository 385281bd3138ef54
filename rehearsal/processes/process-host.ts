import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Announce } from '../announce';
import type { Image } from '../image/image';
import { type ImagesProps, prepareImages } from '../image/images';
import {
  type Attachment,
  type Container,
  type ContainerProps,
  type Host,
  type KnownImage,
  type Runner,
  wordsOf,
} from '../task/container';
import { type Identity, identity, YOURSELF } from '../task/identity';
import { isRoot, type Sandbox } from '../task/sandbox';
import { endStrays } from '../task/strays';
import type { TaskDefinition } from '../template/task-definition';
import { Entrance } from './entrance';
import { Files } from './files';
import { firstLine } from './first-line';
import { initialize } from './init-container';
import { ProcessContainer, type ProcessContainerProps } from './process-container';
import { Programs } from './programs';

interface ProcessHostProps {
  readonly sandbox: Sandbox;
  readonly images: ReadonlyMap<string, Image>;
  readonly user: TaskUser;
  /** The bundle that processes are given in place of RDS's. */
  readonly caBundle: string;
}

/** Prepares the images of a stack as folders, whose programs run as processes of this machine. */
export async function processRunner(props: ImagesProps): Promise<Runner> {
  const { sandbox, announce } = props;
  const images = await prepareImages(props);
  return {
    images: new Map([...images].map(([uri, image]) => [uri, known(image)])),
    host: async (definitions, caBundle) => {
      const [first] = definitions.values();
      const user = userOf({ definition: first, image: first && images.get(first.image), sandbox }, announce);
      return new ProcessHost({ sandbox, images, user, caBundle });
    },
  };
}

function known(image: Image): KnownImage {
  const { root, defaults } = image;
  return {
    root,
    defaults,
    has: (file) => existsSync(path.join(root, defaults.workingDirectory, file)),
    firstLine: async (program) => firstLine(image, program),
  };
}

/** Runs containers as processes of this machine. */
class ProcessHost implements Host {
  readonly confines: ReadonlySet<string> = new Set();

  constructor(private readonly props: ProcessHostProps) {}

  get mounts(): boolean {
    return this.props.user.mounts;
  }

  async start(started: ContainerProps): Promise<Container> {
    return new ProcessContainer(await this.prepare(started));
  }

  async attach(started: ContainerProps): Promise<Attachment> {
    const prepared = await this.prepare(started);
    const { files, image, definition } = prepared;
    return {
      program: files.entrance.program(new Programs(prepared).of(wordsOf(definition, image.defaults))),
      release: async () => {
        endStrays(files.temporary);
        files.remove();
      },
    };
  }

  /** Makes the files of a task, and runs the containers that must end first. */
  private async prepare(started: ContainerProps): Promise<ProcessContainerProps> {
    const { sandbox, images, user, caBundle } = this.props;
    const { id, definition, volumes } = started;
    const image = images.get(definition.image) as Image;
    const files = new Files({ id, definition, image, sandbox, user, volumes });
    await initialize({ id, definition, image, sandbox, files, user });
    return { ...started, image, sandbox, identity: user.identity, files, caBundle };
  }
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
function userOf({ definition, image, sandbox }: UserSources, announce: Announce): TaskUser {
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

/** The user that the template asks for, where this machine can become it. */
function taskUser(definition: TaskDefinition): number | undefined {
  const uid = Number(definition.user?.split(':')[0]);
  return isRoot() && Number.isInteger(uid) && uid > 0 ? uid : undefined;
}
