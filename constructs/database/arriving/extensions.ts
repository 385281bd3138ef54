import { Token } from 'aws-cdk-lib';
import { type Checks, isUnknown } from '../../core/checks';
import type { CommonProps } from '../private/defaults';
import { PARAMETERS } from '../private/instance';

/**
 * Extensions of RDS for PostgreSQL 14 to 18, as the release notes and `rds.extensions` have them. A later
 * list may have more: a token passes.
 *
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/PostgreSQLReleaseNotes/postgresql-extensions.html
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/PostgreSQL.Concepts.General.UpgradingPLv8.html
 */
const EXTENSIONS = new Set(
  `address_standardizer address_standardizer_data_us amcheck autoinc aws_commons aws_lambda aws_s3 bloom bool_plperl
   btree_gin btree_gist citext cube dblink dict_int dict_xsyn earthdistance flow_control fuzzystrmatch h3 h3_postgis hll
   hstore hstore_plperl hypopg insert_username intagg intarray ip4r isn jsonb_plperl lo log_fdw ltree moddatetime mysql_fdw
   old_snapshot oracle_fdw orafce pageinspect pg_ad_mapping pg_bigm pg_buffercache pg_cron pg_freespacemap pg_hint_plan
   pg_partman pg_prewarm pg_proctab pg_repack pg_similarity pg_stat_statements pg_tle pg_transport pg_trgm pg_visibility
   pg_walinspect pgactive pgaudit pgcollection pgcrypto pglogical pgrouting pgrowlocks pgstattuple pgtap plcoffee plls
   plperl plpgsql plprofiler plrust pltcl plv8 postgis postgis_raster postgis_tiger_geocoder postgis_topology postgres_fdw
   prefix rdkit rds_tools refint seg sslinfo tablefunc tcn tds_fdw test_parser tsm_system_rows tsm_system_time unaccent
   uuid-ossp vector`.split(/\s+/),
);

/** What Aurora has beside them, and what it lacks of them. */
const ONLY_AURORA = ['apg_plan_mgmt', 'aws_ml'];
const NOT_AURORA = ['pg_transport', 'plcoffee', 'plls'];

/** What the extensions are made in. */
export interface Engine {
  readonly kind: 'RDS for PostgreSQL' | 'Aurora PostgreSQL';
  /** Major version of PostgreSQL. */
  readonly version: string;
}

/** Those that PostgreSQL has from a version on, or until one, and those that RDS has given up. */
const ONLY_IN: { readonly [name: string]: { readonly from?: number; readonly to?: number } } = {
  old_snapshot: { to: 16 },
  pg_walinspect: { from: 15 },
  plcoffee: { to: 17 },
  plls: { to: 17 },
};

/** What people call some of them. */
const MEANT: { readonly [name: string]: string } = {
  pgvector: 'vector',
  uuid_ossp: 'uuid-ossp',
  pg_audit: 'pgaudit',
  pgcron: 'pg_cron',
  pg_crypto: 'pgcrypto',
  pgtrgm: 'pg_trgm',
};

/** Libraries that the server has to start with, or the extension cannot be made or used. */
const PRELOADED = ['pg_cron', 'pg_stat_statements', 'pg_tle', 'pgaudit', 'pglogical', 'plrust'];
const LIBRARIES = 'shared_preload_libraries';
/** The one database that has the tables of pg_cron, and its name where nothing else is said. */
const CRON_DATABASE = 'cron.database_name';
const DEFAULT_CRON_DATABASE = 'postgres';

/** Validates extensions by what RDS has, and by the parameters that they need. */
export function checkExtensions(checks: Checks, props: CommonProps, engine: Engine): void {
  const { extensions, databaseName } = props;
  if (extensions === undefined || Token.isUnresolved(extensions)) {
    return;
  }
  const parameters = { ...PARAMETERS, ...props.parameters };
  const { version, kind } = engine;
  for (const name of extensions.filter((each) => !isUnknown(each))) {
    checks
      .that('extensions', name, isOf(kind, name), {
        must: `name an extension that ${kind} has`,
        remedy: remedyFor(name),
      })
      .that('extensions', name, isUnknown(version) || isIn(name, Number(version)), {
        must: `name an extension that PostgreSQL ${version} has`,
        remedy: 'Take it out, or take another `engineVersion`.',
      });
    const libraries = parameters[LIBRARIES];
    checks.that('extensions', name, !PRELOADED.includes(name) || isUnknown(libraries) || loads(libraries, name), {
      must: `name none that the server has to be started with, but those in \`parameters.${LIBRARIES}\``,
      remedy: `Give parameters: { ${LIBRARIES}: '${[...librariesOf(libraries), name].join(',')}' }. An instance that runs has to be rebooted once.`,
    });
  }
  if (extensions.includes('pg_cron') && !isUnknown(databaseName)) {
    const cron = parameters[CRON_DATABASE] ?? DEFAULT_CRON_DATABASE;
    checks.that(`parameters.${CRON_DATABASE}`, cron, isUnknown(cron) || cron === databaseName, {
      must: `be ${databaseName}, the database that pg_cron is made in`,
      remedy: `Give parameters: { '${CRON_DATABASE}': '${databaseName}' }.`,
    });
  }
}

function isOf(kind: Engine['kind'], name: string): boolean {
  return kind === 'Aurora PostgreSQL'
    ? ONLY_AURORA.includes(name) || (EXTENSIONS.has(name) && !NOT_AURORA.includes(name))
    : EXTENSIONS.has(name);
}

function isIn(name: string, version: number): boolean {
  const { from = 0, to = Number.POSITIVE_INFINITY } = ONLY_IN[name] ?? {};
  return from <= version && version <= to;
}

function librariesOf(list: string): string[] {
  return isUnknown(list) ? [] : list.split(',').map((library) => library.trim());
}

function loads(libraries: string, name: string): boolean {
  return librariesOf(libraries).includes(name);
}

function remedyFor(name: string): string {
  const meant = MEANT[name];
  return meant === undefined
    ? 'Look it up with `SHOW rds.extensions`. One that RDS has got since passes as a token: Lazy.string({ produce: () => name }).'
    : `Its name is ${meant}.`;
}
