import { identifier, type SqlClient } from '../shared/postgres';
import { inheritDefaults } from './default-privileges';
import { type ForeignObject, foreignObjects, givenTo } from './foreign-objects';
import { Memberships } from './memberships';
import { SEPARATE_MEMBERSHIP_OPTIONS } from './roles';
import { inTransaction, Work } from './work';

export interface TakeOverSpec {
  readonly database: string;
  readonly owner: string;
  /** What serves, and its logins: large objects that they have made are theirs. */
  readonly serving: string[];
  /** Whose objects are taken; not set: everybody's, as long as the database is not the owner's. */
  readonly from?: string[];
}

/** An object that stays with its owner. */
export interface LeftObject extends ForeignObject {
  readonly why: string;
  /** What somebody who may has to run, if there is such a statement. */
  readonly statement?: string;
}

export interface TakenOver {
  /** How many objects of each kind were taken. */
  readonly taken: { readonly [kind: string]: number };
  readonly left: LeftObject[];
}

/**
 * Objects of one transaction: a table takes some seven locks, of its indexes among them, and the smallest
 * instance has some seven thousand.
 */
const BATCH = 400;
/** What migrations alter. A database with one of these in other hands cannot be released to. */
const ESSENTIAL = ['schema', 'table', 'sequence', 'view', 'materialized view'];
/** Names that an error lists; the log has all of them. */
const SHOWN = 4;

/** Fails a run, and knows all that could not be taken. */
export class NotTaken extends Error {
  constructor(
    message: string,
    public readonly left: LeftObject[],
  ) {
    super(message);
  }
}

/**
 * Gives what others own in the database to its owner: in transactions of some hundred objects, and the
 * database itself in the last one, so that a run that is cut off goes on where it was.
 *
 * What belongs to PostgreSQL, to RDS and to extensions stays. So does what the master may not give away: it
 * is returned, or fails the run where migrations could not do without.
 */
export async function takeOver(client: SqlClient, spec: TakeOverSpec): Promise<TakenOver> {
  const run = new TakeOver(new Work(client), client, spec);
  return run.run();
}

class TakeOver {
  private readonly taken: { [kind: string]: number } = {};
  private readonly left: LeftObject[] = [];
  private master = '';
  private separateOptions = true;
  private databaseOwner = '';

  constructor(
    private readonly work: Work,
    private readonly client: SqlClient,
    private readonly spec: TakeOverSpec,
  ) {}

  public async run(): Promise<TakenOver> {
    const { database, owner, from } = this.spec;
    const [known] = await this.work.rows(
      `SELECT pg_catalog.current_setting('server_version_num') AS version, current_user AS master,
              pg_catalog.pg_get_userbyid(datdba) AS owner
         FROM pg_catalog.pg_database WHERE datname OPERATOR(pg_catalog.=) $1`,
      [database],
    );
    this.separateOptions = Number(known.version) >= SEPARATE_MEMBERSHIP_OPTIONS;
    this.master = known.master as string;
    this.databaseOwner = known.owner as string;
    if (from === undefined && this.databaseOwner === owner) {
      return { taken: this.taken, left: this.left };
    }
    const found = (await foreignObjects(this.work, owner, from)).filter((object) => !this.belongsToServing(object));
    const batches = Math.max(1, Math.ceil(found.length / BATCH));
    for (let number = 0; number < batches; number++) {
      const objects = found.slice(number * BATCH, (number + 1) * BATCH);
      await inTransaction(this.client, () => this.batch(objects, number === batches - 1, found));
    }
    return { taken: this.taken, left: this.left };
  }

  private async batch(objects: ForeignObject[], isLast: boolean, all: ForeignObject[]): Promise<void> {
    const { database, owner } = this.spec;
    const memberships = new Memberships(this.work, this.master, this.separateOptions);
    const unreachable = new Map<string, string>();
    const takable = all.filter(({ isOfSystem }) => !isOfSystem);
    for (const role of new Set([this.databaseOwner, ...takable.map((object) => object.owner)])) {
      const problem = await memberships.join(role);
      if (problem !== undefined) {
        unreachable.set(role, problem);
      }
    }
    const moves = this.databaseOwner !== owner;
    if (moves && unreachable.has(this.databaseOwner)) {
      const why = unreachable.get(this.databaseOwner);
      throw new NotTaken(
        `the database belongs to ${this.databaseOwner}, and the master may not give it away: ${why}. Where it comes from, somebody who may has to run ${this.grants([this.databaseOwner])}`,
        [],
      );
    }
    if (moves) {
      await this.work.apply(`ALTER DATABASE ${identifier(database)} OWNER TO ${identifier(owner)}`);
    }
    const within = objects.filter((object) => this.reaches(object, unreachable));
    for (const rank of [true, false]) {
      await this.give(within.filter(({ kind }) => (kind === 'schema') === rank));
    }
    if (isLast) {
      this.refuseWithout();
      for (const role of new Set(takable.map((object) => object.owner))) {
        if (!unreachable.has(role)) {
          await inheritDefaults(this.work, role, owner);
        }
      }
    } else if (moves) {
      await this.work.apply(`ALTER DATABASE ${identifier(database)} OWNER TO ${identifier(this.databaseOwner)}`);
    }
    await memberships.leave();
  }

  /** Whether an object can be given away at all; what cannot is noted. */
  private reaches(object: ForeignObject, unreachable: Map<string, string>): boolean {
    const { owner } = this.spec;
    const statement = givenTo(object, identifier(owner));
    if (object.isOfSystem) {
      this.left.push({ ...object, why: 'it belongs to a superuser', statement: usageOf(object, identifier(owner)) });
    } else if (statement === undefined) {
      this.left.push({ ...object, why: 'it cannot change hands' });
    } else if (unreachable.has(object.owner)) {
      this.left.push({ ...object, why: unreachable.get(object.owner) as string, statement });
    } else {
      return true;
    }
    return false;
  }

  private async give(objects: ForeignObject[]): Promise<void> {
    await this.letCreateIn(new Set(objects.flatMap(({ schema }) => schema ?? [])));
    await this.giveTogether(objects);
  }

  /** Gives objects to the owner at once; where that fails in halves, to find out which cannot be given. */
  private async giveTogether(objects: ForeignObject[]): Promise<void> {
    if (objects.length === 0) {
      return;
    }
    const owner = identifier(this.spec.owner);
    const statement = objects.map((object) => givenTo(object, owner)).join('; ');
    const why = await this.work.attempt(statement);
    if (why === undefined) {
      for (const { kind } of objects) {
        this.taken[kind] = (this.taken[kind] ?? 0) + 1;
      }
    } else if (objects.length === 1) {
      this.left.push({ ...objects[0], why, statement });
    } else {
      const half = Math.ceil(objects.length / 2);
      await this.giveTogether(objects.slice(0, half));
      await this.giveTogether(objects.slice(half));
    }
  }

  /** An object can only be given to somebody who may create in its schema. */
  private async letCreateIn(schemas: Set<string>): Promise<void> {
    const owner = identifier(this.spec.owner);
    const rows = await this.work.rows(
      `SELECT pg_catalog.quote_ident(nspname) AS name FROM pg_catalog.pg_namespace
        WHERE pg_catalog.quote_ident(nspname) OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.text[])
          AND NOT pg_catalog.has_schema_privilege($2, oid, 'CREATE')`,
      [[...schemas], this.spec.owner],
    );
    for (const { name } of rows) {
      await this.work.attempt(`GRANT USAGE, CREATE ON SCHEMA ${name} TO ${owner}`);
    }
  }

  /** Fails where migrations could not do without what is left. */
  private refuseWithout(): void {
    const missing = this.left.filter(({ kind, isOfSystem }) => ESSENTIAL.includes(kind) && !isOfSystem);
    if (missing.length === 0) {
      return;
    }
    const shown = missing.slice(0, SHOWN).map(({ kind, identity, owner }) => `${kind} ${identity} of ${owner}`);
    const more = missing.length > SHOWN ? ` and ${missing.length - SHOWN} more` : '';
    const owners = [...new Set(missing.map(({ owner }) => owner))];
    throw new NotTaken(
      `the master may not give away what migrations alter: ${shown.join(', ')}${more} (${missing[0].why}). ` +
        `Where the data comes from, somebody who may has to run ${this.grants(owners)}; start again from there. ` +
        "Where these are somebody else's, name the owners of what is the application's in takeOwnershipFrom",
      this.left,
    );
  }

  private grants(owners: string[]): string {
    return owners.map((role) => `GRANT ${identifier(role)} TO ${identifier(this.master)}`).join('; ');
  }

  private belongsToServing({ kind, owner }: ForeignObject): boolean {
    return kind === 'large object' && this.spec.serving.includes(owner);
  }
}

/** What lets the owner use an object of a superuser. */
function usageOf({ kind, identity }: ForeignObject, owner: string): string | undefined {
  switch (kind) {
    case 'foreign-data wrapper':
      return `GRANT USAGE ON FOREIGN DATA WRAPPER ${identity} TO ${owner}`;
    case 'server':
      return `GRANT USAGE ON FOREIGN SERVER ${identity} TO ${owner}`;
    case 'schema':
      return `GRANT ALL ON SCHEMA ${identity} TO ${owner}`;
    case 'table':
    case 'view':
    case 'materialized view':
    case 'foreign table':
    case 'sequence':
      return `GRANT ALL ON ${kind === 'sequence' ? 'SEQUENCE' : 'TABLE'} ${identity} TO ${owner}`;
    default:
      return undefined;
  }
}
