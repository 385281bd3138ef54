import { App } from 'aws-cdk-lib';
import fc from 'fast-check';
import { change, type Ending, offAndOn } from '../test/lifecycle/changes';
import type { Artifact } from '../test/lifecycle/cli';
import type { Resources } from '../test/lifecycle/template';
import { applicationOf, type Configuration, certifiedNamesOf, configuration } from './configurations';

/** A configuration before and after somebody changes a few props. */
export interface Pair {
  readonly before: Configuration;
  readonly after: Configuration;
  /** The fields that differ. */
  readonly changed: readonly string[];
}

/** What people change first, and what this library has lost things by. */
const OFTEN: readonly (keyof Configuration)[] = ['names', 'domainNames', 'redirected', 'records', 'brought', 'backup'];

/** How many changes are tried of one configuration: it is synthesized once for them. */
const CHANGES = 5;

/** Random pairs. Of what is brought or named, one part differs. */
export const pairs: fc.Arbitrary<Pair[]> = fc
  .record({
    before: configuration,
    others: fc.array(configuration, { minLength: CHANGES, maxLength: CHANGES }),
    random: fc.infiniteStream(fc.nat()),
  })
  .map(({ before, others, random }) => others.map((other) => changedTo(before, other, random)));

/** One to three fields of the other configuration, or a part of each, in the first one. */
function changedTo(before: Configuration, other: Configuration, random: fc.Stream<number>): Pair {
  const next = () => random.next().value as number;
  const all = Object.keys(before) as (keyof Configuration)[];
  const changed = Array.from({ length: 1 + (next() % 3) }, () => pick(next() % 2 === 0 ? OFTEN : all, next()));
  const fields = changed.map((field) => [field, partly(before[field], other[field], next())]);
  return { before, after: { ...before, ...Object.fromEntries(fields) }, changed };
}

function pick<T>(from: readonly T[], random: number): T {
  return from[random % from.length];
}

/** One value for another; of a record one entry, of a list a name more or less, or another order. */
function partly(from: unknown, to: unknown, random: number): unknown {
  if (Array.isArray(from) && Array.isArray(to) && from.length > 0) {
    const other = to.find((each) => !from.includes(each)) as unknown;
    const more = other === undefined ? from : [...from, other];
    return pick([more, from.slice(1), [...from].reverse(), to], random);
  }
  if (isRecord(from) && isRecord(to)) {
    const key = pick(Object.keys({ ...from, ...to }), random);
    return key === undefined ? to : { ...from, [key]: to[key] };
  }
  return to;
}

function isRecord(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The stack of a configuration; or the message of our own error, where it is refused. */
export function artifactOf(given: Configuration): Artifact | string {
  const app = new App({ analyticsReporting: false, treeMetadata: false, stackTraces: false });
  try {
    const { artifactId } = applicationOf(app, 'Shop', given);
    const { template } = app.synth().getStackArtifact(artifactId);
    const { Resources: resources } = template as { Resources: Resources };
    return { stackName: 'Shop', resources, terminationProtection: false, names: certifiedNamesOf(given) };
  } catch (error) {
    const { message } = error as Error;
    if (!/^Shop(\/\S+)?: `/.test(message)) {
      throw error;
    }
    return message;
  }
}

/** A change that went wrong. */
export interface Fault {
  readonly pair: Pair;
  readonly problems: readonly string[];
}

/** How many changes ended in which way, and what went wrong. */
export interface Summary {
  readonly deployed: number;
  /** By the guard. */
  readonly refused: number;
  /** By a message at synth, after the change. */
  readonly invalid: number;
  readonly faults: readonly Fault[];
}

/** Deploys random pairs in the model of CloudFormation. */
export function tryPairs(runs: number, seed: number): Summary {
  const found = { deployed: 0, refused: 0, invalid: 0, faults: [] as Fault[] };
  for (const group of fc.sample(pairs, { numRuns: Math.ceil(runs / CHANGES), seed })) {
    const before = artifactOf(group[0].before);
    if (typeof before === 'string') {
      throw new Error(`${before}\n${JSON.stringify(group[0].before)}`);
    }
    for (const pair of group) {
      const after = artifactOf(pair.after);
      const ending = typeof after === 'string' ? undefined : change(before, after);
      const problems = ending === undefined ? [] : [...unintended(pair, ending), ...unexplained(pair, ending)];
      if (typeof after !== 'string' && isBackupAlone(pair)) {
        problems.push(...offAndOn(before, after));
      }
      if (problems.length > 0) {
        found.faults.push({ pair, problems });
      } else {
        found[ending === undefined ? 'invalid' : ending.status === 'refused' ? 'refused' : 'deployed'] += 1;
      }
    }
  }
  return found;
}

/** Backups are switched off or on, and nothing else is: they can be switched back. */
function isBackupAlone({ changed }: Pair): boolean {
  return changed.every((field) => field === 'backup');
}

/** The logs of a cluster have other names than those of an instance, which is restored in its place. */
function unintended({ before, after }: Pair, { problems }: Ending): string[] {
  const isOther = (before.aurora === 'none') !== (after.aurora === 'none');
  return problems.filter((problem) => !isOther || !/LogGroup AppDatabaseLogs\w+ is replaced$/.test(problem));
}

/** What stores something leaves the stack only where its part is taken away, or gets other names. */
function unexplained({ before, after }: Pair, { left }: Ending): string[] {
  const taken = LEAVES.filter(({ when }) => when(before, after)).map(({ id }) => id);
  return left.filter(({ id }) => !taken.some((pattern) => pattern.test(id))).map(({ id }) => `${id} leaves the stack`);
}

const differ = (part: (given: Configuration) => unknown) => (before: Configuration, after: Configuration) =>
  JSON.stringify(part(before)) !== JSON.stringify(part(after));

/** What leaves the stack, by the beginning of its logical id, and the change that takes it away. */
const LEAVES: readonly { readonly id: RegExp; readonly when: (b: Configuration, a: Configuration) => boolean }[] = [
  { id: /^App/, when: differ(({ brought }) => brought) },
  {
    id: /^App(Backup|WebFirewall|NetworkFlow|DeletionProtection|Database)/,
    when: differ(({ production }) => production),
  },
  { id: /^AppBackup/, when: differ(({ backup }) => backup) },
  { id: /^AppWebFirewall/, when: differ(({ firewall }) => firewall === undefined) },
  { id: /^App(Broker|SecretRefresh)/, when: differ(({ queues }) => queues) },
  { id: /^AppMedia/, when: differ(({ media }) => media) },
  { id: /^App(Cdn|LoadBalancerOriginKeys)/, when: differ(({ cdn }) => cdn === 'none') },
  { id: /^AppStaticFiles/, when: differ(({ cdn, staticFiles }) => [cdn === 'none', staticFiles]) },
  // Made by the application for signed paths, unless keys are brought.
  { id: /^AppUrlSigningKeys/, when: differ(({ cdn, media, signing }) => [cdn, media, signing]) },
  { id: /^SigningKeys/, when: differ(({ signing, production }) => [signing, production]) },
  { id: /^AppDrill/, when: differ(({ dumps, drill }) => [dumps === 'none', drill]) },
  { id: /^AppDump/, when: differ(({ dumps }) => dumps === 'none') },
  { id: /^AppCache/, when: differ(({ cache }) => cache) },
  { id: /^AppSchedules/, when: differ(({ schedules }) => schedules) },
  { id: /^App(\w*Rotation|SecretRefresh)/, when: differ(({ production, rotation }) => production || rotation) },
  { id: /^AppDatabase(Replica|ClusterReader)/, when: differ(({ readReplicas }) => readReplicas) },
  { id: /^AppDatabase/, when: differ(({ aurora }) => aurora === 'none') },
  { id: /^AppDatabase(Master|Application|Owner)Secret/, when: differ(({ names }) => names) },
];
