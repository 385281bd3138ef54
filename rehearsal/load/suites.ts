import type { Check } from '../checks/check';
import { DONE, PAGES, RELEASED, STARTS_READ_ONLY } from '../checks/names';
import { startChecks } from '../checks/start';
import { taskChecks } from '../checks/tasks';
import { webChecks } from '../checks/web';
import { dumpChecks } from '../dumps/checks';
import { drillChecks } from '../dumps/drill-checks';
import type { Faults } from '../provision';
import { CLUB, type Example, SHOP, UPLOADS, UPLOADS_WITHOUT_STORAGE } from '../synth';
import { silenceChecks } from './silence';
import { UPLOAD_VIEW, uploadChecks } from './uploads';

/** Checks that need a rehearsal of their own. */
export interface Suite {
  /** The stacks, one after the other. */
  readonly examples: readonly Example[];
  readonly checks: readonly Check[];
  readonly faults?: Faults;
  readonly isHurried?: boolean;
}

const started = [...startChecks, ...webChecks.filter(({ name }) => name === PAGES)];

/** Dumps and drills need a database with tables, and no service. */
export const DUMPS: Suite = {
  examples: [CLUB],
  checks: [
    ...startChecks.filter(({ name }) => [STARTS_READ_ONLY, RELEASED].includes(name)),
    ...dumpChecks,
    ...drillChecks,
  ],
};

/** By the name that `npm run load -- --only` takes. */
export const SUITES: Readonly<Record<string, Suite>> = {
  uploads: {
    examples: [UPLOADS_WITHOUT_STORAGE, UPLOADS],
    checks: [...started, ...uploadChecks],
    faults: { patches: [UPLOAD_VIEW] },
  },
  silence: {
    examples: [SHOP],
    checks: [...started, ...taskChecks.filter(({ name }) => name === DONE), ...silenceChecks],
    isHurried: true,
  },
};
