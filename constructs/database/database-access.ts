/** What a process may do in the database of its application. */
export enum DatabaseAccess {
  /**
   * Reads and changes rows, and calls functions. It cannot create, alter or drop anything, truncate tables,
   * refresh materialized views or make temporary tables, so that whoever takes the process over cannot
   * either.
   */
  READ_WRITE = 'read-write',
  /**
   * Acts as the owner of the database, as migrations do: for a process that makes schemas, partitions or
   * tables at run time, refreshes materialized views or uses temporary tables. **Whoever takes the process
   * over can drop every table.**
   */
  OWNER = 'owner',
}
