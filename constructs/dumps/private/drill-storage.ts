import { Size } from 'aws-cdk-lib';
import { type Checks, isUnknown } from '../../core/checks';
import type { IPostgresDatabase } from '../../database/postgres-database';
import { MOST, OF_IMAGES, storageOfInstance } from './storage';

/** GiB for the log of the server that restores, and for what sorts. */
const OF_SERVER = 2;
/** What a drill needs beside a database: images and server. */
const BESIDE = OF_IMAGES + OF_SERVER;
/** The most that a database and its dump may take together, in GiB. */
export const MOST_OF_DRILL = MOST - BESIDE;
/** A restored database, and a dump of at most half its size: compressed, and without indexes. */
const WITH_DUMP = 1.5;
/** The largest database whose drill is sure to find room, in GiB. */
export const LARGEST = Math.floor(MOST_OF_DRILL / WITH_DUMP);
/** GiB that Fargate gives every task for nothing. */
const INCLUDED = 20;

/** Space for a database and its dump: what the storage of the database may grow to, as far as a task can. */
export function drillStorageOf(database: IPostgresDatabase, given: Size | undefined): Size {
  const { allocated = LARGEST, most = 0 } = storageOfInstance(database);
  return given ?? Size.gibibytes(Math.min(MOST_OF_DRILL, Math.ceil(WITH_DUMP * Math.max(allocated, most))));
}

/** What to ask Fargate for. */
export function drillStorageGiB(storage: Size): number | undefined {
  const total = storage.toGibibytes() + BESIDE;
  return total > INCLUDED ? total : undefined;
}

/** Validates that the database can be restored in a task, unless somebody says how much room it takes. */
export function checkDrillStorage(checks: Checks, database: IPostgresDatabase, given: Size | undefined): void {
  const gibibytes = given === undefined || isUnknown(given) ? Number.NaN : given.toKibibytes() / 1024 ** 2;
  checks.optional('storage', given, () => Number.isInteger(gibibytes) && gibibytes >= 1 && gibibytes <= MOST_OF_DRILL, {
    must: `be whole GiB from 1 to ${MOST_OF_DRILL}`,
    remedy: `Write it as in Size.gibibytes(50). Fargate gives a task ${MOST} GiB at most, of which ${BESIDE} are left to images and server.`,
  });
  const { allocated } = storageOfInstance(database);
  checks.that(
    'database',
    `${allocated} GiB of storage`,
    given !== undefined || allocated === undefined || allocated <= LARGEST,
    {
      must: `have at most ${LARGEST} GiB of storage, so that it and its dump fit into a task`,
      remedy:
        'Fargate gives a task no more. Where the database fills less of its storage, say with `storage` how much it and its dump take; an alarm tells you before they outgrow it. Where it does not, restore by hand now and then.',
    },
  );
}
