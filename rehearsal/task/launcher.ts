import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Announce } from '../announce';
import type { Backing } from '../aws/backing';
import { freePort } from '../edge/ports';
import { use } from '../image/cache';
import { type Image, type Patch, prepareImage } from '../image/image';
import { type Assembly, type ImageAsset, resourcesOfType } from '../template/assembly';
import { type Intrinsics, isPaper } from '../template/intrinsics';
import type { TaskDefinition } from '../template/task-definition';
import { type Identity, identity, YOURSELF } from './identity';
import { Task, taskUser } from './process';
import type { Sandbox } from './sandbox';

export interface LauncherProps {
  readonly assembly: Assembly;
  readonly intrinsics: Intrinsics;
  readonly sandbox: Sandbox;
  readonly cache: string;
  readonly announce: Announce;
  readonly backing: Backing;
  /** The bundle that processes are given in place of RDS's. */
  readonly caBundle: string;
  /** Source folder of the application instead of the image's build context. */
  readonly app?: string;
  /** Faults in the application's files, for the mutation proof. */
  readonly patches?: Patch[];
}

/** Starts tasks: the application's image, as a user of its own, with the variables and secrets of a task definition. */
export class Launcher {
  private readonly images = new Map<string, Image>();
  private readonly counts = new Map<string, number>();
  private identity: Identity = YOURSELF;
  private uid?: number;

  constructor(private readonly props: LauncherProps) {}

  /** Makes a folder and a virtual environment of every image that the task definitions name. */
  async prepareImages(): Promise<void> {
    const { assembly, intrinsics, sandbox, cache, announce, app, patches } = this.props;
    for (const { resource } of resourcesOfType(assembly.template, 'AWS::ECS::TaskDefinition')) {
      for (const container of intrinsics.properties(resource).ContainerDefinitions ?? []) {
        const asset = imageAsset(assembly, container.Image, app);
        if (asset !== undefined && !this.images.has(container.Image)) {
          const image = await prepareImage(asset, cache, announce, patches);
          use(sandbox.directory, [image.root, image.venv]);
          this.images.set(container.Image, image);
        }
      }
    }
    if (this.images.size === 0) {
      throw new Error(
        'no task definition uses an image that the assembly can build. Give its source folder with --app.',
      );
    }
  }

  hasImage(image: string): boolean {
    return this.images.has(image);
  }

  /** Whether the application has a file, by the end of its path. */
  hasFile(file: string): boolean {
    return [...this.images.values()].some(({ root, defaults }) =>
      existsSync(path.join(root, defaults.workingDirectory, file)),
    );
  }

  /** Tasks run as the user of their definition where this machine can do so. */
  identify(definition: TaskDefinition | undefined): void {
    const { announce } = this.props;
    this.uid = definition && taskUser(definition);
    const image = definition && this.images.get(definition.image);
    const found =
      this.uid === undefined || image === undefined
        ? undefined
        : identity(this.uid, {
            program: path.join(image.venv, 'bin', 'python'),
            args: ['-c', 'import os; os.listdir(".")'],
            cwd: image.root,
          });
    if (found === undefined) {
      this.uid = undefined;
      announce.substitution('processes run as you: the file system is not read-only to them');
    } else {
      announce.substitution(`processes run as user ${this.uid}, to whom the application's files are read-only`);
    }
    this.identity = found ?? YOURSELF;
  }

  /** A task starts with the variables and secrets of its definition; throws, naming the variable, when one does not exist. */
  async launch(definition: TaskDefinition, name: string): Promise<Task> {
    const { sandbox, announce, backing, caBundle } = this.props;
    const id = `${name}/${this.next(name)}`;
    const environment = await this.environment(definition, name);
    const caPath = environment.PGSSLROOTCERT;
    return new Task({
      id,
      definition,
      image: this.images.get(definition.image) as Image,
      sandbox,
      announce,
      identity: this.identity,
      uid: this.uid,
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
    const environment: Record<string, string> = { ...definition.environment };
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

function imageAsset(assembly: Assembly, image: unknown, app?: string): ImageAsset | undefined {
  const hash = [...assembly.images.keys()].find((key) => String(image).endsWith(key));
  const asset = hash === undefined ? undefined : assembly.images.get(hash);
  if (app === undefined) {
    return asset;
  }
  const dockerFile = asset?.dockerFile ?? 'Dockerfile';
  return existsSync(path.join(app, dockerFile)) ? { directory: path.resolve(app), dockerFile } : undefined;
}
