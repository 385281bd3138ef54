import type { Intrinsics } from './intrinsics';

/** Seconds that a deployment waits for a release, by the ARN of its task definition. */
export function releaseTimeouts(intrinsics: Intrinsics): ReadonlyMap<string, number> {
  return new Map(
    intrinsics.created('Custom::ReleaseCommand').map(({ resource }) => {
      const { TaskDefinition, TimeoutSeconds } = intrinsics.properties(resource);
      return [String(TaskDefinition), Number(TimeoutSeconds)];
    }),
  );
}
