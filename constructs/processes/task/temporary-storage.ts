import { type Size, SizeRoundingBehavior } from 'aws-cdk-lib';
import {
  AwsLogDriverMode,
  Capability,
  type ContainerDefinition,
  ContainerDependencyCondition,
  type ContainerImage,
  LinuxParameters,
  LogDriver,
} from 'aws-cdk-lib/aws-ecs';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { Checks } from '../../core/checks';
import { TEMPORARY_STORAGE_PATH } from '../../core/contract';

/** GiB that Fargate gives every task for nothing. */
const INCLUDED = 20;
/** GiB that Fargate gives a task at most. */
const MOST = 200;
/** GiB left to the image, which lies on the same disk twice: as it was pulled, and unpacked. */
const OF_IMAGE = 5;

/** Name of the volume, and of the container that makes it writable. */
const STORAGE = 'storage';

/**
 * Makes the volume writable. It is root's, unless a VOLUME line of the image gave it to somebody else.
 *
 * An owner may change the mode of a folder without any capability; 1777 is the mode of /tmp.
 */
const PROGRAM = 'import os, sys; path = sys.argv[1]; os.stat(path).st_uid == os.getuid() and os.chmod(path, 0o1777)';

/** Validates `temporaryStorage`. */
export function checkTemporaryStorage(checks: Checks, size: Size | undefined): void {
  checks.known('temporaryStorage', size).optional('temporaryStorage', size, () => fits(size as Size), {
    must: `be whole GiB from 1 to ${MOST - OF_IMAGE}`,
    remedy: `Write it as in Size.gibibytes(10). Fargate gives a task ${MOST} GiB at most, of which ${OF_IMAGE} are left to the image; what is larger belongs in S3.`,
  });
}

/** What to ask Fargate for; nothing while the storage fits into what every task has. */
export function ephemeralStorageGiB(size: Size | undefined): number | undefined {
  const total = size === undefined ? 0 : size.toGibibytes() + OF_IMAGE;
  return total > INCLUDED ? total : undefined;
}

/**
 * Mounts a volume of the task into a container, and has another one make it writable first, since a volume of
 * a task belongs to root.
 *
 * Returns that other container. Its entry point is its own: that of the image may wait for a database, or
 * refuse to run as root.
 */
export function mountTemporaryStorage(
  container: ContainerDefinition,
  image: ContainerImage,
  logGroup: ILogGroup,
): ContainerDefinition {
  const { taskDefinition } = container;
  const linuxParameters = new LinuxParameters(container, 'StorageLinuxParameters');
  linuxParameters.dropCapabilities(Capability.ALL);
  taskDefinition.addVolume({ name: STORAGE });
  const storage = taskDefinition.addContainer(STORAGE, {
    image,
    entryPoint: ['python'],
    command: ['-c', PROGRAM, TEMPORARY_STORAGE_PATH],
    essential: false,
    user: '0',
    readonlyRootFilesystem: true,
    linuxParameters,
    logging: LogDriver.awsLogs({ logGroup, streamPrefix: STORAGE, mode: AwsLogDriverMode.NON_BLOCKING }),
  });
  for (const each of [container, storage]) {
    each.addMountPoints({ sourceVolume: STORAGE, containerPath: TEMPORARY_STORAGE_PATH, readOnly: false });
  }
  container.addContainerDependencies({ container: storage, condition: ContainerDependencyCondition.SUCCESS });
  return storage;
}

function fits(size: Size): boolean {
  const gibibytes = size.toKibibytes({ rounding: SizeRoundingBehavior.NONE }) / 1024 ** 2;
  return Number.isInteger(gibibytes) && gibibytes >= 1 && gibibytes <= MOST - OF_IMAGE;
}
