import { Size, Token } from 'aws-cdk-lib';
import { CfnDBInstance } from 'aws-cdk-lib/aws-rds';
import { type Checks, isUnknown } from '../../core/checks';
import type { IPostgresDatabase } from '../../database/postgres-database';

/** GiB that Fargate gives every task for nothing. */
const INCLUDED = 20;
/** GiB that Fargate gives a task at most. */
export const MOST = 200;
/** GiB left to three images, which lie on the same disk twice: as they were pulled, and unpacked. */
export const OF_IMAGES = 8;
/** The most that a dump may take. */
const MOST_OF_DUMP = MOST - OF_IMAGES;

/**
 * Space for a dump: what the storage of the database may grow to, as far as a task can have it.
 *
 * A compressed dump has no indexes and no dead rows, and is smaller than the database unless that holds what
 * cannot be compressed.
 */
export function storageOf(database: IPostgresDatabase, given: Size | undefined): Size {
  const { allocated, most } = storageOfInstance(database);
  return given ?? Size.gibibytes(Math.min(MOST_OF_DUMP, Math.max(allocated ?? MOST_OF_DUMP, most ?? 0)));
}

/** What to ask Fargate for; nothing while dump and images fit into what every task has. */
export function ephemeralStorageGiB(storage: Size): number | undefined {
  const total = storage.toGibibytes() + OF_IMAGES;
  return total > INCLUDED ? total : undefined;
}

/** Validates that the largest dump there can be finds room, unless somebody says how large it is. */
export function checkStorage(checks: Checks, database: IPostgresDatabase, given: Size | undefined): void {
  const { allocated } = storageOfInstance(database);
  checks.optional('storage', given, () => fits(given as Size), {
    must: `be whole GiB from 1 to ${MOST_OF_DUMP}`,
    remedy: `Write it as in Size.gibibytes(50). Fargate gives a task ${MOST} GiB at most, of which ${OF_IMAGES} are left to the images.`,
  });
  if (given === undefined) {
    checks.that('database', `${allocated} GiB of storage`, allocated === undefined || allocated <= MOST_OF_DUMP, {
      must: `have at most ${MOST_OF_DUMP} GiB of storage, so that any dump of it fits into a task`,
      remedy:
        'Fargate gives a task no more. Where a compressed dump is smaller, say how large it can be with `storage`; where it is not, rely on snapshots and their copies.',
    });
  }
}

/**
 * GiB of an instance that is made here; nothing is known of others, or of clusters, which grow by themselves.
 */
export function storageOfInstance({ instance }: IPostgresDatabase): {
  readonly allocated?: number;
  readonly most?: number;
} {
  const cfn = instance?.node.defaultChild;
  return CfnDBInstance.isCfnDBInstance(cfn)
    ? { allocated: numberOf(cfn.allocatedStorage), most: numberOf(cfn.maxAllocatedStorage) }
    : {};
}

function numberOf(value: string | number | undefined): number | undefined {
  return value === undefined || Token.isUnresolved(value) ? undefined : Number(value);
}

function fits(size: Size): boolean {
  const gibibytes = isUnknown(size) ? Number.NaN : size.toKibibytes() / 1024 ** 2;
  return Number.isInteger(gibibytes) && gibibytes >= 1 && gibibytes <= MOST_OF_DUMP;
}
