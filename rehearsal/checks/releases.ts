import { secretReference } from '../aws/secret-strings';
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
        // A table that a migration is about to make is there already.
        database: (postgres, database) =>
          postgres.query(database, async (client) => {
            await client.query('CREATE TABLE public.django_content_type (id integer)');
          }),
      });
      try {
        const message = await broken.release().then(
          () => undefined,
          (error: Error) => error.message,
        );
        expect(message !== undefined, 'the release passed');
        expect(/exit code 1/.test(message) && /django_content_type/.test(message), `it does not say why: ${message}`);
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
