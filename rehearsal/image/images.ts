import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Announce } from '../announce';
import type { Sandbox } from '../task/sandbox';
import { type Assembly, type ImageAsset, resourcesOfType } from '../template/assembly';
import type { Intrinsics } from '../template/intrinsics';
import { platformOf } from '../template/task-definition';
import { use } from './cache';
import { ignoreOf } from './ignored-files';
import { type Image, type ImageOverrides, prepareImage } from './image';
import type { Patch } from './patch';
import type { Spawn } from './view';

export interface ImagesProps {
  readonly assembly: Assembly;
  readonly intrinsics: Intrinsics;
  readonly sandbox: Sandbox;
  readonly cache: string;
  readonly announce: Announce;
  /** Source folder of the application instead of the image's build context. */
  readonly app?: string;
  readonly overrides?: ImageOverrides;
  /** Faults in the application's files, for the mutation proof. */
  readonly patches?: Patch[];
}

/** Prepares every image that the task definitions name. Returns them by URI. */
export async function prepareImages(props: ImagesProps): Promise<ReadonlyMap<string, Image>> {
  const { sandbox, cache, announce, patches, overrides = {} } = props;
  const spawn: Spawn = (program, args, options) => sandbox.spawn(program, args, options);
  const images = new Map<string, Image>();
  for (const [uri, { asset }] of usedAssets(props)) {
    const work = path.join(sandbox.directory, `build-${images.size}`);
    const image = await prepareImage({ asset, cache, work, announce, patches, overrides, spawn });
    if (overrides.prepared === undefined) {
      use(sandbox.directory, image.folders);
    }
    images.set(uri, image);
  }
  return images;
}

/** What an image is built from, and the platform of the tasks that run it. */
export interface UsedAsset {
  readonly asset: ImageAsset;
  readonly platform: string;
}

/** The images of the assembly that task definitions name, by URI; throws when there is none. */
export function usedAssets({ assembly, intrinsics, app }: ImagesProps): ReadonlyMap<string, UsedAsset> {
  const used = new Map<string, UsedAsset>();
  for (const { resource } of resourcesOfType(assembly.template, 'AWS::ECS::TaskDefinition')) {
    const { ContainerDefinitions = [], RuntimePlatform } = intrinsics.properties(resource);
    for (const { Image: uri } of ContainerDefinitions) {
      const asset = imageAsset(assembly, uri, app);
      if (asset !== undefined && !used.has(uri)) {
        used.set(uri, { asset, platform: platformOf(RuntimePlatform) });
      }
    }
  }
  if (used.size === 0) {
    throw new Error('no task definition uses an image that the assembly can build. Give its source folder with --app.');
  }
  return used;
}

function imageAsset(assembly: Assembly, image: unknown, app?: string): ImageAsset | undefined {
  const hash = [...assembly.images.keys()].find((key) => String(image).endsWith(key));
  const asset = hash === undefined ? undefined : assembly.images.get(hash);
  if (app === undefined) {
    const file = asset && path.join(asset.directory, asset.dockerFile);
    if (file !== undefined && !existsSync(file)) {
      throw new Error(`the cloud assembly names ${file}, which is not there. ${whyNotThere(asset as ImageAsset)}`);
    }
    return asset;
  }
  const dockerFile = asset?.dockerFile ?? 'Dockerfile';
  if (!existsSync(path.join(app, dockerFile))) {
    throw new Error(`--app ${app}: no ${dockerFile} there. Give the folder that holds it.`);
  }
  return { ...asset, directory: path.resolve(app), dockerFile };
}

/** The CDK keeps a Dockerfile only if .dockerignore leaves it out by its name in the top folder. */
function whyNotThere({ directory, dockerFile }: ImageAsset): string {
  return ignoreOf(directory, dockerFile)?.(dockerFile)
    ? `.dockerignore leaves it out, so that the CDK does not copy it and no image can be built: give fromAsset \`exclude: ['!${dockerFile}']\`, or write !${dockerFile} at the end of .dockerignore.`
    : 'Synthesize again, or give the folder that holds it with --app.';
}
