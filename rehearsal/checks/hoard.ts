import { Client } from 'pg';
import type { Rehearsal } from '../rehearsal';
import { expect } from './check';
import { databaseLogin } from './database-login';
import type { Disturbance } from './disturbance';

/** How the server knows the connections that use up all others. */
const HOARD = 'hoard';
/** Connections that are left for the application's own login, with which the last ones are taken. */
const LEFT = 20;
const AT_ONCE = 8;

/** All connections of the database, taken from the application. */
export interface Hoard {
  readonly count: () => number;
  /** Ends the connections that the application still has, and takes their places. */
  readonly more: () => Promise<void>;
  readonly release: () => Promise<void>;
}

/**
 * Opens connections until the server refuses, and ends those of the application.
 *
 * Most come over the socket, which takes neither TLS nor a password; the last ones with the application's
 * login, which gets none of those that are reserved.
 */
export async function useAllConnections(rehearsal: Rehearsal, disturbance: Disturbance): Promise<Hoard> {
  const { postgres, services, authority } = rehearsal;
  const service = services.find(({ group }) => group !== undefined);
  expect(postgres !== undefined && service !== undefined, 'there is no load-balanced service with a database');
  const login = await databaseLogin(rehearsal, service.definition);
  const clients: Client[] = [];
  const keep = async (client: Client) => {
    client.on('error', () => undefined);
    try {
      await client.connect();
      clients.push(client);
      return true;
    } catch {
      return false;
    }
  };
  const asApplication = () =>
    keep(new Client({ ...login, application_name: HOARD, ssl: { ca: authority.certificate.cert } }));
  const fill = async () => {
    while ((await Promise.all(Array.from({ length: AT_ONCE }, asApplication))).some(Boolean)) {
      // Until nobody gets in any more.
    }
  };
  for (let free = (await postgres.freeConnections()) - LEFT; free > 0; free -= AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(free, AT_ONCE) }, () => keep(postgres.client('postgres'))));
  }
  await fill();
  return {
    count: () => clients.length,
    more: async () => {
      await disturbance.endDatabaseConnections(HOARD);
      await fill();
    },
    release: () => Promise.all(clients.map((client) => client.end())).then(() => undefined),
  };
}
