import { EDGE } from './edge';
import { PERMISSIONS } from './permissions';
import type { Protection } from './protection';
import { STORES } from './stores';

/** One for each acknowledged rule. */
export const PROTECTIONS: Protection[] = [...EDGE, ...PERMISSIONS, ...STORES];
