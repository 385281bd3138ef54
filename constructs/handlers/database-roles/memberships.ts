import { identifier } from '../shared/postgres';
import type { Work } from './work';

interface Membership {
  readonly inherits: boolean;
  readonly sets: boolean;
}

/** The memberships that the master takes for a while, to act as the owner of what it gives away. */
export class Memberships {
  private readonly taken = new Map<string, Map<string, Membership>>();

  public constructor(
    private readonly work: Work,
    private readonly master: string,
    private readonly separateOptions: boolean,
  ) {}

  /** Becomes a member of a role, if it is none with its rights; why not, if it may not. */
  public async join(role: string): Promise<string | undefined> {
    const [{ member, usage }] = await this.work.rows(
      `SELECT pg_catalog.pg_has_role($1, 'MEMBER') AS member, pg_catalog.pg_has_role($1, 'USAGE') AS usage`,
      [role],
    );
    if (usage === true) {
      return undefined;
    }
    if (member === true && !this.separateOptions) {
      return `"${this.master}" is a member of "${role}" and does not inherit its rights`;
    }
    const before = await this.rows(role);
    const options = this.separateOptions ? ' WITH INHERIT TRUE, SET TRUE' : '';
    const problem = await this.work.attempt(`GRANT ${identifier(role)} TO ${identifier(this.master)}${options}`);
    if (problem === undefined) {
      this.taken.set(role, before);
    }
    return problem;
  }

  /** Leaves every role that it joined, and what it was before stays. */
  public async leave(): Promise<void> {
    const me = identifier(this.master);
    for (const [role, before] of this.taken) {
      const name = identifier(role);
      for (const [grantor, now] of await this.rows(role)) {
        const then = before.get(grantor);
        const by = this.separateOptions ? ` GRANTED BY ${identifier(grantor)}` : '';
        if (then === undefined) {
          await this.work.apply(`REVOKE ${name} FROM ${me}${by}`);
        } else if (then.inherits !== now.inherits || then.sets !== now.sets) {
          const options = `INHERIT ${then.inherits ? 'TRUE' : 'FALSE'}, SET ${then.sets ? 'TRUE' : 'FALSE'}`;
          await this.work.apply(`GRANT ${name} TO ${me} WITH ${options}${by}`);
        }
      }
    }
    this.taken.clear();
  }

  /** Memberships in a role by who granted them. Before PostgreSQL 16 they have no options of their own. */
  private async rows(role: string): Promise<Map<string, Membership>> {
    const rows = await this.work.rows(
      `SELECT g.rolname AS grantor, pg_catalog.to_jsonb(m) AS options
         FROM pg_catalog.pg_auth_members m
         JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) m.roleid
         JOIN pg_catalog.pg_roles n ON n.oid OPERATOR(pg_catalog.=) m.member
         JOIN pg_catalog.pg_roles g ON g.oid OPERATOR(pg_catalog.=) m.grantor
        WHERE r.rolname OPERATOR(pg_catalog.=) $1 AND n.rolname OPERATOR(pg_catalog.=) $2`,
      [role, this.master],
    );
    return new Map(
      rows.map(({ grantor, options }) => {
        const { inherit_option: inherits, set_option: sets } = options as { [name: string]: boolean };
        return [grantor as string, { inherits, sets }];
      }),
    );
  }
}
