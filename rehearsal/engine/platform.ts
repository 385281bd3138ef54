import type { ImageAsset } from '../template/assembly';

/** Constants of the CDK, by what engines call a platform. */
const CDK: Readonly<Record<string, { readonly platform: string; readonly architecture: string }>> = {
  'linux/amd64': { platform: 'Platform.LINUX_AMD64', architecture: 'CpuArchitecture.X86_64' },
  'linux/arm64': { platform: 'Platform.LINUX_ARM64', architecture: 'CpuArchitecture.ARM64' },
};

/** What is said where a program is for another processor. */
export const NO_EMULATION = /exec format error/i;

/** What an image is for, and what its tasks run on. */
export interface Platforms {
  /** Name of the image's Dockerfile. */
  readonly name: string;
  readonly asset: Pick<ImageAsset, 'platform'>;
  /** Platform of the image that is built. */
  readonly built: string;
  /** Platform of the task definitions that use it. */
  readonly wanted: string;
  /** What the engine runs without emulation. */
  readonly native: string;
}

/** Why ECS could not run an image; undefined where it can. */
export function whyWrongPlatform({ name, asset, built, wanted, native }: Platforms): string | undefined {
  if (sameProcessor(built, wanted)) {
    return undefined;
  }
  const [is, must] = [CDK[processorOf(built)], CDK[processorOf(wanted)]];
  const given =
    asset.platform === undefined
      ? `ContainerImage.fromAsset has no platform, so ${name} is built for ${built}, the processor of whoever builds it`
      : `ContainerImage.fromAsset has the platform ${asset.platform}`;
  const change =
    is === undefined || must === undefined
      ? `Give ContainerImage.fromAsset the platform ${wanted}.`
      : `Give ContainerImage.fromAsset \`platform: ${must.platform}\`, or the tasks \`cpuArchitecture: ${is.architecture}\`.`;
  return `the tasks run on ${wanted}, and ${given}: ECS would end each task with "exec format error". ${change} ${elsewhere(native)}`;
}

/** What is said where an engine cannot run programs of a platform. */
export function withoutEmulation(platform: string, native: string): string {
  return `this container engine runs no programs for ${platform}, on which the tasks run: it needs emulation (QEMU, which Docker Desktop has; on Linux: \`docker run --privileged --rm tonistiigi/binfmt --install all\`). ${elsewhere(native)}`;
}

function elsewhere(native: string): string {
  return `To rehearse an image for this machine's processor all the same: --platform ${native}; to rehearse without the image: --mode processes.`;
}

/** Whether two platforms have the same processor: `linux/arm64/v8` is `linux/arm64`. */
export function sameProcessor(one: string, other: string): boolean {
  return processorOf(one) === processorOf(other);
}

function processorOf(platform: string): string {
  return platform.split('/').slice(0, 2).join('/');
}
