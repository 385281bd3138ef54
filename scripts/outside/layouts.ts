import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { cacheAndBucket, type StartServices } from './services';

/** The clone that this file belongs to. */
export const ROOT = path.join(__dirname, '..', '..');
export const LAYOUTS_FOLDER = path.join(ROOT, 'test', 'outside');

/** A project that is not the example, in a folder of test/outside. */
export interface Layout {
  readonly name: string;
  /** Options of the rehearsal: what the template only names. */
  readonly options?: readonly string[];
  /** Starts what the template only names, before the rehearsal. */
  readonly services?: StartServices;
  /** What a machine that runs CI may lack beside Python: such a layout is never one of a pair. */
  readonly needs?: string;
}

/** In the order in which they run. */
export const LAYOUTS: readonly Layout[] = [
  { name: 'inventory', options: ['--secret', 'EMAIL_HOST_PASSWORD=anything'] },
  { name: 'startproject' },
  { name: 'monitor' },
  { name: 'feeds', needs: 'Node and uv' },
  { name: 'ledger' },
  { name: 'newsroom' },
  { name: 'visitors' },
  { name: 'startproject6' },
  { name: 'magazine' },
  { name: 'bookshop', needs: 'Node' },
  { name: 'club', options: ['--page', '/', '--page', '/today/'] },
  { name: 'gallery', services: cacheAndBucket, needs: 'uv' },
];

/** The layouts of these names, or all. Throws for a name that no layout has. */
export function layoutsOf(names: readonly string[]): readonly Layout[] {
  const known = LAYOUTS.map(({ name }) => name);
  const wrong = names.find((name) => !known.includes(name));
  if (wrong !== undefined) {
    throw new Error(`no layout is named ${wrong}; there are ${known.join(', ')}.`);
  }
  return names.length === 0 ? LAYOUTS : LAYOUTS.filter(({ name }) => names.includes(name));
}

/** The image that the Dockerfile of a layout begins with. */
export function baseOf(name: string): string {
  const app = path.join(LAYOUTS_FOLDER, name, 'app');
  const file = readdirSync(app, { recursive: true })
    .map(String)
    .find((one) => path.basename(one) === 'Dockerfile');
  const text = file === undefined ? '' : readFileSync(path.join(app, file), 'utf8');
  return /^FROM\s+(\S+)/m.exec(text)?.[1] ?? '';
}

/** Two layouts, other ones with each commit; of those that every machine can run. */
export function pairOf(commit: string, layouts: readonly Layout[] = LAYOUTS): readonly Layout[] {
  const portable = layouts.filter(({ needs }) => needs === undefined);
  const pairs = portable.flatMap((one, index) => portable.slice(index + 1).map((other) => [one, other]));
  return pairs[Number.parseInt(commit.slice(0, 8), 16) % pairs.length];
}
