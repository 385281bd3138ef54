import type { Artifact } from './cli';
import type { Finding } from './scenarios';
import type { Resource, Resources } from './template';

/** A fault that a template had once, or could have; the scenarios must find it. */
export interface Mutation {
  /** The rule without which the fault would not be found. */
  readonly rule: string;
  readonly fault: string;
  readonly findings: () => Finding[];
}

export type Change = (resource: Resource, id: string) => Resource | undefined;

/** The artifact with each resource of a type as `change` says; without it, where that says undefined. */
export function changed(artifact: Artifact, type: string, change: Change): Artifact {
  const entries = Object.entries(artifact.resources).flatMap(([id, resource]) => {
    const after = resource.Type === type ? change(resource, id) : resource;
    return after === undefined ? [] : [[id, after] as const];
  });
  const resources = Object.fromEntries(entries) as Resources;
  const same = JSON.stringify(resources) === JSON.stringify(artifact.resources);
  if (same) {
    throw new Error(`nothing to change in a ${type}`);
  }
  return { ...artifact, resources };
}

export const set =
  (properties: { readonly [name: string]: unknown }): Change =>
  (resource) => ({ ...resource, Properties: { ...resource.Properties, ...properties } });
