/**
 * The fault model of the handlers, wide: `npm run faults`.
 *
 * Prints how many cases ran, and fails when one violated anything.
 */
import { handleResource } from '../constructs/handlers/url-signing-keys/resources';
import { cacheSubject, naiveCacheHandler, realCacheHandler } from '../test/faults/cache-subject';
import { databaseSubject, naiveDatabaseHandler, realDatabaseHandler } from '../test/faults/database-subject';
import type { Figures } from '../test/faults/figures';
import { runReleaseCases } from '../test/faults/release-cases';
import { naiveRelease, realRelease } from '../test/faults/release-model';
import { type Breadth, runRotationCases } from '../test/faults/rotation-cases';
import type { Clock, Subject } from '../test/faults/rotation-model';
import {
  naiveSecretKeyHandler,
  PERIOD,
  realSecretKeyHandler,
  secretKeySubject,
  unannouncedSecretKeyHandler,
} from '../test/faults/secret-key-subject';
import { naiveCreation, runCreationCases } from '../test/faults/signing-creation';
import {
  hastySigningHandler,
  naiveSigningHandler,
  realSigningHandler,
  replacingSigningHandler,
  signingSubject,
} from '../test/faults/signing-subject';

const WIDE: Breadth = { pairs: true, triples: 3_000, disturbed: 3_000 };
const NARROW: Breadth = { pairs: false, triples: 0, disturbed: 200 };
let [passed, failed, cases] = [0, 0, 0];

function rotations(subjectFor: (clock: Clock, random: () => number) => Subject, breadth: Breadth, count: number) {
  return runRotationCases(subjectFor, breadth, { period: PERIOD, rotations: count });
}

async function row(name: string, isNaive: boolean, run: () => Promise<Figures>): Promise<void> {
  const began = performance.now();
  const figures = await run();
  const kinds = Object.entries(figures.violations).map(([kind, count]) => `${kind} ${count}`);
  const found = figures.failed === 0 ? '0 violations' : `${figures.failed} cases violate: ${kinds.join(', ')}`;
  const ok = isNaive ? figures.failed > 0 : figures.failed === 0;
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(
    `${ok ? 'ok    ' : 'FAILED'} ${name}: ${figures.cases} cases, ${figures.calls} calls, ${found} (${seconds} s)`,
  );
  if (!ok && figures.example !== undefined) {
    console.log(`       ${figures.example}`);
  }
  passed += ok ? 1 : 0;
  failed += ok ? 0 : 1;
  cases += isNaive ? 0 : figures.cases;
}

async function main(): Promise<void> {
  await row('SECRET_KEY rotation', false, () => rotations(secretKeySubject(realSecretKeyHandler), WIDE, 2));
  await row('database rotation, two logins', false, () =>
    rotations(databaseSubject(realDatabaseHandler, 'alternating'), WIDE, 1),
  );
  await row('database rotation, single user', false, () =>
    rotations(databaseSubject(realDatabaseHandler, 'single-user'), WIDE, 1),
  );
  await row('database rotation, the master itself', false, () =>
    rotations(databaseSubject(realDatabaseHandler, 'master'), WIDE, 1),
  );
  await row("rotation of a cache's password", false, () => rotations(cacheSubject(realCacheHandler), WIDE, 2));
  await row('rotation of the key that signs URLs', false, () => rotations(signingSubject(realSigningHandler), WIDE, 2));
  await row('creation and deletion of the keys that sign URLs', false, () => runCreationCases(handleResource, 3_000));
  await row('release', false, () => runReleaseCases(realRelease, 6_000));
  console.log('Handlers that are right as long as nothing fails must not pass:');
  await row('naive SECRET_KEY rotation', true, () => rotations(secretKeySubject(naiveSecretKeyHandler), NARROW, 3));
  await row('unannounced SECRET_KEY rotation', true, () =>
    rotations(secretKeySubject(unannouncedSecretKeyHandler), NARROW, 3),
  );
  await row('naive database rotation', true, () =>
    rotations(databaseSubject(naiveDatabaseHandler, 'alternating'), NARROW, 3),
  );
  await row("naive rotation of a cache's password", true, () => rotations(cacheSubject(naiveCacheHandler), NARROW, 3));
  for (const [name, handler] of Object.entries({
    naive: naiveSigningHandler,
    'replacing, not adding,': replacingSigningHandler,
    hasty: hastySigningHandler,
  })) {
    await row(`${name} rotation of the key that signs URLs`, true, () => rotations(signingSubject(handler), NARROW, 3));
  }
  await row('naive creation of the keys that sign URLs', true, () => runCreationCases(naiveCreation, 100));
  await row('naive release', true, () => runReleaseCases(naiveRelease, 300));
  console.log(`${cases} cases of the real handlers`);
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

main();
