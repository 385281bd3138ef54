import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface CpuProfile {
  readonly nodes: {
    readonly id: number;
    readonly callFrame: { readonly url: string; readonly functionName: string };
  }[];
  readonly samples: number[];
  readonly timeDeltas: number[];
}

interface Coverage {
  readonly result: { readonly url: string; readonly functions: { readonly ranges: { readonly count: number }[] }[] }[];
}

/** Whose code a CPU profile finds at work; what has no file, such as the garbage collector, is Node's. */
export const OWNERS: { readonly [owner: string]: RegExp } = {
  'cdk-django-fargate': /^file:.*\/node_modules\/cdk-django-fargate\//,
  'aws-cdk-lib': /^file:.*\/node_modules\/(aws-cdk-lib|constructs)\//,
  'the example': /^file:/,
  node: /(?:)/,
};

/**
 * Milliseconds by the owner of the file of the function at the top of the stack, as in the one profile of a
 * folder.
 */
export function timeByOwner(folder: string): { readonly [owner: string]: number } {
  const { nodes, samples, timeDeltas } = readOnly<CpuProfile>(folder);
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const times = Object.fromEntries(Object.keys(OWNERS).map((owner) => [owner, 0]));
  for (const [index, id] of samples.entries()) {
    const { url = '', functionName } = frames.get(id) ?? {};
    const owner = Object.keys(OWNERS).find((name) => OWNERS[name].test(url)) as string;
    times[owner] += functionName === '(idle)' ? 0 : timeDeltas[index] / 1000;
  }
  return times;
}

/** How often each function of every loaded file of aws-cdk-lib was called, in the order of loading. */
export function callsOf(folder: string): Map<string, number[]> {
  const files = readOnly<Coverage>(folder).result.filter(({ url }) => moduleOf(url) !== undefined);
  return new Map(
    files.map(({ url, functions }) => [fileURLToPath(url), functions.map(({ ranges }) => ranges[0].count)]),
  );
}

/** The modules of which no function was called more often than by loading the same files alone. */
export function unusedModules(whole: Map<string, number[]>, loading: Map<string, number[]>): string[] {
  const calls = (counts: number[] = []) => counts.reduce((sum, count) => sum + count, 0);
  const used = [...whole].filter(([file, counts]) => calls(counts) > calls(loading.get(file)));
  const names = new Set(used.map(([file]) => moduleOf(file)));
  return [...new Set([...whole.keys()].flatMap((file) => moduleOf(file) ?? []))].filter((name) => !names.has(name));
}

/**
 * `aws-cdk-lib/aws-ec2` for a file of that folder; nothing for what aws-cdk-lib bundles, and for all other
 * files.
 */
function moduleOf(file: string): string | undefined {
  return /\/node_modules\/(aws-cdk-lib\/(?!node_modules\/)[^/]+)\//.exec(file)?.[1];
}

function readOnly<T>(folder: string): T {
  const [file] = readdirSync(folder);
  return JSON.parse(readFileSync(join(folder, file), 'utf8'));
}
