import { readFileSync } from 'node:fs';
import path from 'node:path';
import { secretReference } from '../aws/secret-strings';
import { SERVER_LOG } from '../postgres/postgres';
import { Service } from '../task/services';
import { eventually, HANG_SECONDS } from '../wait';
import {
  type Check,
  type CheckContext,
  DATABASE_OF_TEMPLATE,
  EXAMPLE,
  expect,
  hasDatabase,
  NotApplicable,
} from './check';
import { DRAINING, NAMED_SECRET, PAGES, RELEASED, STARTED } from './names';

/** What a migration is told that makes a table. */
const REFUSAL = 'the rehearsal refuses this table';
/**
 * Lets the first table fail that a migration makes, whatever its name and its schema.
 *
 * Django's own list of migrations is no table of a migration, and extensions and sessions have tables, too.
 */
export const REFUSE_TABLES = `
CREATE SCHEMA rehearsal;
CREATE FUNCTION rehearsal.refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE
  made record;
BEGIN
  FOR made IN SELECT * FROM pg_event_trigger_ddl_commands() WHERE object_type = 'table' AND NOT in_extension LOOP
    IF made.schema_name NOT LIKE 'pg\\_temp%' AND made.object_identity NOT LIKE '%django\\_migrations%' THEN
      RAISE EXCEPTION '${REFUSAL}: %', made.object_identity;
    END IF;
  END LOOP;
END $$;
CREATE EVENT TRIGGER rehearsal_refuse ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION rehearsal.refuse();
`;

const hasRelease = ({ rehearsal }: CheckContext) =>
  [...rehearsal.definitions.values()].some(({ kind }) => kind === 'release');

export const releaseChecks: Check[] = [
  {
    name: 'releases: migrations are applied before the first request',
    lane: 'releases',
    needs: [RELEASED],
    follows: [STARTED],
    about: `a release and ${DATABASE_OF_TEMPLATE}`,
    applies: (context) => hasRelease(context) && hasDatabase(context),
    async run({ rehearsal }) {
      const rows = await rehearsal.postgres?.query(rehearsal.database ?? '', async (client) => {
        return (await client.query('SELECT max(applied) AS last, count(*) AS count FROM django_migrations')).rows[0];
      });
      const first = Math.min(...rehearsal.services.map(({ startedAt }) => startedAt ?? Number.POSITIVE_INFINITY));
      expect(Number(rows?.count) > 0, 'no migration was applied');
      if (!Number.isFinite(first)) {
        throw new NotApplicable('a service that has started');
      }
      expect(new Date(rows?.last).getTime() < first, 'a migration was applied after a process had started');
      return `${rows?.count} migrations`;
    },
  },
  {
    name: 'releases: a failing migration stops everything',
    lane: 'releases',
    needs: [PAGES],
    after: [DRAINING],
    about: `a release and ${DATABASE_OF_TEMPLATE}`,
    applies: (context) => hasRelease(context) && hasDatabase(context),
    async run({ another }) {
      const broken = await another({
        database: (postgres, database) =>
          postgres.query(database, async (client) => {
            await client.query(REFUSE_TABLES);
          }),
      });
      try {
        const message = await broken.release().then(
          () => undefined,
          (error: Error) => error.message,
        );
        if (!readFileSync(path.join(broken.sandbox.directory, SERVER_LOG), 'utf8').includes(REFUSAL)) {
          throw new NotApplicable('a migration that makes a table');
        }
        expect(message !== undefined, 'the release passed');
        const isSaid = /exit code [1-9]/.test(message) && message.includes(REFUSAL);
        expect(isSaid, `it does not say why: ${message}`);
        expect(
          broken.services.every((service) => service.members.length === 0),
          'a service has started',
        );
        return message.split('\n')[0].slice(0, 110);
      } finally {
        broken.close();
      }
    },
  },
  {
    name: 'releases: a service without a variable never starts, and the message names it',
    lane: 'releases',
    needs: [PAGES],
    about: EXAMPLE,
    applies: ({ guestbook }) => guestbook,
    async run(context) {
      const web = context.rehearsal.services.find(({ definition }) => definition.kind === 'web') as Service;
      const { DJANGO_ALLOWED_HOSTS, ...environment } = web.definition.environment;
      return neverStarts(context, web, { environment }, 'DJANGO_ALLOWED_HOSTS');
    },
  },
  {
    name: NAMED_SECRET,
    lane: 'releases',
    needs: [PAGES],
    about: 'a secret that is read by a JSON key',
    applies: ({ rehearsal }) => rehearsal.services.some(({ definition }) => withKey(definition.secrets) !== undefined),
    async run(context) {
      const service = context.rehearsal.services.find(({ definition }) => withKey(definition.secrets)) as Service;
      const [variable, from] = withKey(service.definition.secrets) as [string, string];
      const wrong = from.split(':').map((part, index) => (index === 7 ? 'no-such-key' : part));
      const secrets = { ...service.definition.secrets, [variable]: wrong.join(':') };
      return neverStarts(context, service, { secrets }, variable);
    },
  },
];

function withKey(secrets: Readonly<Record<string, string>>): [string, string] | undefined {
  return Object.entries(secrets).find(([, valueFrom]) => secretReference(valueFrom).key !== undefined);
}

async function neverStarts(
  { rehearsal }: CheckContext,
  original: Service,
  change: object,
  variable: string,
): Promise<string> {
  const service = new Service({
    id: `${original.id}-broken`,
    name: `${original.name}-broken`,
    definition: { ...original.definition, healthCheck: undefined, ...change },
    desiredCount: 1,
    maximumPercent: 200,
    gracePeriod: 0,
    launch: (definition, name) => rehearsal.launch(definition, name),
    announce: { progress: () => undefined, substitution: () => undefined, event: () => undefined },
    order: 'deregister-first',
  });
  service.start();
  try {
    const message = await eventually('it fails', HANG_SECONDS, () =>
      service.failures.find((failure) => failure.includes(variable)),
    );
    return message.slice(0, 120);
  } finally {
    service.abandon();
  }
}
