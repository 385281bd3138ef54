import type { Checks } from '../../core/checks';
import { isRestored, type Source } from '../arriving/source';

/** The names of what the user names nothing else: secrets have their plain ids with these. */
export const DEFAULT_NAMES = {
  databaseName: 'django',
  masterUsername: 'django_master',
  applicationUser: 'django',
};

/** The suffixes that make the two logins of an application out of its user name. */
const LOGIN_SUFFIXES = ['_a', '_b'];
const OWNER_LOGIN_SUFFIXES = ['_release_a', '_release_b'];
const SERVING_SUFFIX = '_serving';
const LONGEST = 63;

const KEYWORDS = new Set(
  `all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation column
   concurrently constraint create cross current_catalog current_date current_role current_schema current_time current_timestamp
   current_user database db default deferrable desc distinct do else end except false fetch for foreign freeze from full grant
   group having ilike in initially inner intersect into is isnull join lateral leading left like limit localtime localtimestamp
   natural none not notnull null offset on only or order outer overlaps placing primary public references returning right select
   session_user similar some symmetric system_user table tablesample then to trailing true union unique user using variadic
   verbose when where window with`.split(/\s+/),
);
/** Names that RDS reserves, and names of administrators that attackers try first. */
const KEPT = /^(pg_.*|rds.*|admin|administrator|master|postgres|root|template[01])$/;

/** The logins of an application: two, so that the password of one can change while the other is in use. */
export function loginsOf(applicationUser: string): string[] {
  return LOGIN_SUFFIXES.map((suffix) => `${applicationUser}${suffix}`);
}

/** The logins that act as the owner, for releases: two for the same reason. */
export function ownerLoginsOf(applicationUser: string): string[] {
  return OWNER_LOGIN_SUFFIXES.map((suffix) => `${applicationUser}${suffix}`);
}

/** The role of everything that serves. */
export function servingRoleOf(applicationUser: string): string {
  return `${applicationUser}${SERVING_SUFFIX}`;
}

/**
 * Validates the names of the database and its roles: lower-case identifiers that neither SQL nor RDS
 * reserves.
 */
export function checkDatabaseNames(
  checks: Checks,
  names: Source & { databaseName: string; masterUsername: string; applicationUser: string },
): void {
  // What comes from elsewhere has the name that somebody gave it there.
  if (isRestored(names)) {
    checkExistingName(checks, 'databaseName', names.databaseName, EXISTING_DATABASE);
    checkExistingName(checks, 'masterUsername', names.masterUsername, EXISTING_MASTER);
  } else {
    checkName(checks, 'databaseName', names.databaseName, LONGEST);
    checkName(checks, 'masterUsername', names.masterUsername, LONGEST);
  }
  checkName(checks, 'applicationUser', names.applicationUser, LONGEST - OWNER_LOGIN_SUFFIXES[0].length);
  const { applicationUser } = names;
  const roles = [applicationUser, servingRoleOf(applicationUser)];
  const taken = [...roles, ...loginsOf(applicationUser), ...ownerLoginsOf(applicationUser)];
  checks.that('masterUsername', names.masterUsername, !taken.includes(names.masterUsername), {
    must: `differ from the application's roles ${taken.join(', ')}`,
    remedy: 'Choose another name for the master user or for `applicationUser`.',
  });
}

/** Made by RDS, or in SQL, which takes nearly any name for a database. */
const EXISTING_DATABASE = /^(?!rdsadmin$|template[01]$)[\p{L}\p{N}_$. -]{1,63}$/u;
const EXISTING_MASTER = /^(?!rds(admin|_|repladmin))[A-Za-z_][A-Za-z0-9_$-]{0,62}$/;

/** Any name that the source of an instance may hold, where it cannot be chosen. */
function checkExistingName(checks: Checks, prop: string, given: string, form: RegExp): void {
  checks.matches(prop, given, form, {
    must: `be a name of 1 to ${LONGEST} characters that a snapshot or an instance can hold`,
    remedy: 'Write it as it was given to the database of the snapshot or the instance, in the same case.',
  });
}

function checkName(checks: Checks, prop: string, given: string, longest: number): void {
  checks.matches(prop, given, new RegExp(`^[a-z][a-z0-9_]{0,${longest - 1}}$`), {
    must: `begin with a lower-case letter and hold 1 to ${longest} lower-case letters, digits and underscores`,
    remedy: 'Choose such a name; it becomes an identifier in PostgreSQL.',
  });
  checks.optional(prop, given, () => !KEYWORDS.has(given) && !KEPT.test(given), {
    must: 'not be a reserved word of SQL or RDS, or a name that attackers try first, such as admin or postgres',
    remedy: 'Choose another name, for example one that says what the application is.',
  });
}
