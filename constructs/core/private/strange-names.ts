import { STRUCTS } from './kind-table';

/** Props as the table has them. */
type Kinds = { readonly [prop: string]: string };

/** A name that a prop has, as the user would write it from where the check began. */
interface Known {
  readonly path: string;
  readonly name: string;
}

/** How deep options lie in each other: `application.workers.NAME.cpu` of a stage. */
const DEEPEST = 3;

/** A name that is part of a longer one tells something from so many letters on. */
const SHORTEST_PART = 4;

/** Props of the CDK in the props of a stack, which may be handed on whole to what stands in it. */
const OF_STACKS = Object.entries(STRUCTS.DjangoStackProps).flatMap(([prop, kind]) =>
  kind.startsWith('anything') ? [prop] : [],
);

/**
 * Props that hold what is told to one construct, and nothing else.
 *
 * Those of parts are not among them: several parts may be given one object with what they have in common.
 */
const WHOLE = ['DjangoApplicationProps', 'DjangoStackProps', 'DjangoStageProps', 'PipelineStackProps'];

/** Whether a name that the struct does not have is a mistake wherever it stands. */
export function isWhole(struct: string): boolean {
  return WHOLE.includes(struct) || !struct.endsWith('Props');
}

/** Whether a name may stand in props although it says nothing to the construct that they are for. */
export function isHandedOn(struct: string, name: string): boolean {
  return struct === 'DjangoApplicationProps' && OF_STACKS.includes(name);
}

/** Where a name stands that nobody knows. */
interface Place {
  /** The struct that the user wrote as a whole. */
  readonly root: string;
  /** Where in it, up to the name: empty, or as `web.`. */
  readonly path: string;
  /** The struct that does not have the name. */
  readonly struct: string;
}

/**
 * What to do about a name that nobody knows: the names that are most like it, from wherever they belong, and
 * all that could stand in its place, the most similar ones first.
 */
export function remedyFor(name: string, { root, path: before, struct }: Place): string {
  const own = Object.keys(kindsOf(struct)).map((prop) => ({ path: `${before}${prop}`, name: prop }));
  const meant = mostSimilar(name, own, namesBelow(root, '', DEEPEST)).map(({ path }) => `\`${path}\``);
  const question = meant.length === 0 ? '' : `Did you mean ${oneOf(meant)}? `;
  const near = own.filter((each) => isSimilar(name, each.name)).sort(byDistance(name));
  const others = own.filter((each) => !near.includes(each)).map((each) => each.name);
  const allowed = [...near.map((each) => each.name), ...others.sort()].join(', ');
  return `${question}It would have no effect here. These may stand here: ${allowed}.`;
}

/** How a name reads without regard to how words are joined. */
export function plain(name: string): string {
  return name.replace(/[_-]/g, '').toLowerCase();
}

/**
 * The names that are nearest, of those that can have been meant: those of the same props where any is as
 * near.
 */
function mostSimilar(name: string, own: readonly Known[], all: readonly Known[]): Known[] {
  const nearest = Math.min(...[...own, ...all].map((known) => distance(name, known.name)));
  const meant = (known: Known) => isSimilar(name, known.name) && distance(name, known.name) === nearest;
  return own.some(meant) ? own.filter(meant) : all.filter(meant);
}

function isSimilar(name: string, known: string): boolean {
  return distance(name, known) <= name.length / 3;
}

function byDistance(name: string): (a: Known, b: Known) => number {
  return (a, b) => distance(name, a.name) - distance(name, b.name);
}

function oneOf(names: readonly string[]): string {
  return names.length === 1 ? names[0] : `${names.slice(0, -1).join(', ')} or ${names[names.length - 1]}`;
}

/** Every prop of a struct and of the options in it, with its path. */
function namesBelow(struct: string, path: string, depth: number): Known[] {
  return Object.entries(kindsOf(struct)).flatMap(([name, kind]) => {
    const [, wrapper, inner] = /^(map of |list of )?struct (\w+)/.exec(kind) ?? [];
    const key = { 'map of ': '.NAME', 'list of ': '[0]' }[wrapper ?? ''] ?? '';
    const below = inner === undefined || depth === 0 ? [] : namesBelow(inner, `${path}${name}${key}.`, depth - 1);
    return [{ path: `${path}${name}`, name }, ...below];
  });
}

/**
 * Letters to add, to take away or to change, so that one name becomes the other; 1 where it is a part of it.
 */
function distance(a: string, b: string): number {
  const [from, to] = [plain(a), plain(b)];
  const [short, long] = from.length < to.length ? [from, to] : [to, from];
  if (short !== long && short.length >= SHORTEST_PART && long.includes(short)) {
    return 1;
  }
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const changed = row[j - 1] + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, changed));
    }
    row = next;
  }
  return row[to.length];
}

function kindsOf(struct: string): Kinds {
  return STRUCTS[struct as keyof typeof STRUCTS];
}
