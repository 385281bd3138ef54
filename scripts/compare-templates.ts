import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadAwsServiceSpecSync } from '@aws-cdk/aws-service-spec';
import { fullDiff, type ResourceDifference, ResourceImpact } from '@aws-cdk/cloudformation-diff';

/** What is read of a template. */
export interface Template {
  readonly Resources?: {
    readonly [id: string]: { readonly Type: string; readonly Properties?: { readonly [name: string]: unknown } };
  };
}

/** Templates by the name of their stack. */
export interface Templates {
  readonly [stack: string]: Template;
}

/** A stateful resource that would lose what it stores. */
export interface Loss {
  readonly stack: string;
  readonly id: string;
  /** The property whose change it is, where it is one. */
  readonly property?: string;
  readonly why: string;
}

/** What a deployment can do to a resource that loses what it stores. */
const LOSSES: { readonly [impact in ResourceImpact]?: string } = {
  [ResourceImpact.WILL_DESTROY]: 'leaves the stack: deleted',
  [ResourceImpact.WILL_ORPHAN]: 'leaves the stack: retained, and nothing uses it any more',
  [ResourceImpact.WILL_REPLACE]: 'is replaced',
  // By some values or some changes of the engine: AWS's documentation of the property says by which.
  [ResourceImpact.MAY_REPLACE]: 'may be replaced',
};

let specification: ReturnType<typeof loadAwsServiceSpecSync> | undefined;

/**
 * The logical ids of what a template stores, by type: of every type that AWS's own specification calls
 * stateful.
 */
export function statefulIds({ Resources = {} }: Template): { [type: string]: string[] } {
  specification ??= loadAwsServiceSpecSync(); // takes half a second
  const spec = specification;
  const types = [...new Set(Object.values(Resources).map(({ Type }) => Type))].sort();
  const stateful = types.filter((type) =>
    spec.lookup('resource', 'cloudFormationType', 'equals', type).some(({ isStateful }) => isStateful),
  );
  const idsOf = (type: string) => Object.keys(Resources).filter((id) => Resources[id].Type === type);
  return Object.fromEntries(stateful.map((type) => [type, idsOf(type).sort()]));
}

/**
 * Every change in a deployment of the new templates over the old ones that deletes, orphans or replaces a
 * stateful resource.
 *
 * Allowed are resources, by logical id, or single properties of them, as `ID.Property`; either with `STACK/`
 * before it.
 */
export function losses(before: Templates, after: Templates, allowed: readonly string[] = []): Loss[] {
  return Object.entries(before).flatMap(([stack, template]) => {
    const { resources } = fullDiff(template, after[stack] ?? {});
    const ids = Object.values(statefulIds(template)).flat();
    const found = ids.flatMap((id) => lossesIn(resources.changes[id]).map((loss) => ({ stack, id, ...loss })));
    return found.filter(({ id, property }) => {
      const names = [id, `${id}.${property}`];
      return !names.some((name) => allowed.includes(name) || allowed.includes(`${stack}/${name}`));
    });
  });
}

function lossesIn(change: ResourceDifference | undefined): Pick<Loss, 'property' | 'why'>[] {
  const what = change && LOSSES[change.changeImpact];
  if (change === undefined || what === undefined) {
    return [];
  }
  if (change.resourceTypeChanged) {
    return [{ why: `${what}: its type changes from ${change.oldResourceType} to ${change.newResourceType}` }];
  }
  const causes = Object.entries(change.propertyUpdates).flatMap(([property, { changeImpact, oldValue, newValue }]) => {
    const of = changeImpact && LOSSES[changeImpact];
    return of === undefined ? [] : [{ property, why: `${of}: from ${show(oldValue)} to ${show(newValue)}` }];
  });
  return causes.length === 0 ? [{ why: what }] : causes;
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}

/** The templates of a synthesized assembly, those of its stages included, or the one template in a file. */
export function readTemplates(path: string, prefix = ''): Templates {
  if (!statSync(path).isDirectory()) {
    return { template: JSON.parse(readFileSync(path, 'utf8')) };
  }
  if (!existsSync(join(path, 'manifest.json'))) {
    throw new Error(
      `${path} is no synthesized assembly: it has no manifest.json. Give the folder that cdk synth wrote.`,
    );
  }
  const { artifacts = {} } = JSON.parse(readFileSync(join(path, 'manifest.json'), 'utf8')) as Manifest;
  const found = Object.entries(artifacts).map(([name, { type, properties }]): Templates => {
    if (type === 'aws:cloudformation:stack') {
      return { [`${prefix}${name}`]: JSON.parse(readFileSync(join(path, properties?.templateFile as string), 'utf8')) };
    }
    return type === 'cdk:cloud-assembly'
      ? readTemplates(join(path, properties?.directoryName as string), `${prefix}${name}/`)
      : {};
  });
  return Object.assign({}, ...found);
}

interface Manifest {
  readonly artifacts?: {
    readonly [name: string]: {
      readonly type: string;
      readonly properties?: { readonly templateFile?: string; readonly directoryName?: string };
    };
  };
}

/**
 * `npm run compare -- OLD NEW [--allow ID|ID.Property]...`: exits with 1 when something stored would be lost.
 *
 * What replaces a resource is known from AWS's specification of every resource type, not from a list of ours.
 */
function main(): void {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { allow: { type: 'string', multiple: true } },
  });
  if (positionals.length !== 2) {
    process.stderr.write(
      'usage: npm run compare -- OLD NEW [--allow ID|ID.Property]...   (assemblies as of cdk synth, or templates)\n',
    );
    process.exitCode = 2;
    return;
  }
  const [before, after] = positionals.map((path) => readTemplates(path));
  const found = losses(before, after, values.allow);
  for (const { stack, id, property, why } of found) {
    process.stdout.write(`${stack}/${[id, property].filter(Boolean).join('.')} ${why}\n`);
  }
  const compared = Object.values(before).flatMap((template) => Object.values(statefulIds(template)).flat()).length;
  const lost = new Set(found.map(({ stack, id }) => `${stack}/${id}`)).size;
  process.stdout.write(`${compared} stateful resources compared, ${lost} would be lost\n`);
  process.exitCode = found.length === 0 ? 0 : 1;
}

if (require.main === module) {
  main();
}
