import { existsSync } from 'node:fs';
import path from 'node:path';
import { type Image, withoutPath } from '../image/image';
import { lastError } from '../task/last-error';
import { localize } from '../task/localize';
import { Logs } from '../task/logs';
import type { Sandbox } from '../task/sandbox';
import type { InitContainer, TaskDefinition } from '../template/task-definition';
import { Entrance } from './entrance';
import type { Files } from './files';
import type { TaskUser } from './process-host';

export interface InitProps {
  readonly id: string;
  readonly definition: TaskDefinition;
  readonly image: Image;
  readonly sandbox: Sandbox;
  readonly files: Files;
  readonly user: TaskUser;
}

/**
 * Runs the containers that must end with 0 before the application starts, one after the other; throws when
 * one does not.
 */
export async function initialize(props: InitProps): Promise<void> {
  for (const container of props.definition.initContainers) {
    await run(container, props);
  }
}

async function run(container: InitContainer, { id, image, sandbox, files, user }: InitProps): Promise<void> {
  const name = `${id}/${container.name}`;
  const local = {
    temporary: files.temporary,
    volumes: files.mounted(container.mountPoints),
    root: image.root,
    exists: (file: string) => existsSync(path.join(image.root, file)),
  };
  const words = [...(container.entryPoint ?? image.defaults.entryPoint), ...(container.command ?? [])];
  const logs = new Logs(path.join(sandbox.folder('logs'), `${name.replaceAll('/', '-')}.log`));
  const isRoots = Number(container.user?.split(':')[0]) === 0;
  const child = Entrance.OPEN.start((...started) => sandbox.spawn(...started), {
    words: words.map((word) => localize(word, local)),
    environment: {
      ...withoutPath(image.defaults.environment),
      ...container.environment,
      PATH: `${image.path}:${process.env.PATH}`,
    },
    workingDirectory: path.join(image.root, image.defaults.workingDirectory),
    identity: isRoots ? user.owner.identity : user.identity,
    python: image.python,
  });
  for (const stream of [child.stdout, child.stderr]) {
    if (stream) {
      logs.follow(stream);
    }
  }
  const code = await new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(127));
    child.once('close', resolve);
  });
  if (code !== 0) {
    files.remove();
    throw new Error(`${name} ended with ${code ?? 'a signal'}, so the task does not start: ${lastError({ logs })}`);
  }
}
