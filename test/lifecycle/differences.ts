import { fullDiff, ResourceImpact } from '@aws-cdk/cloudformation-diff';
import type { Resource, Resources } from './template';

/** What an update does to a resource that stays in the template. */
export type Difference = 'none' | 'changed' | 'replaced';

/**
 * Properties of which AWS's specification says that a change may replace the resource, and its documentation that
 * ModifyDBInstance changes them, within the values that our props take.
 *
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.DBInstance.Modifying.html
 */
const IN_PLACE: readonly string[] = [
  'AWS::RDS::DBInstance.BackupRetentionPeriod', // Backups can never be switched off here.
  'AWS::RDS::DBInstance.DBParameterGroupName',
  'AWS::RDS::DBInstance.EngineVersion',
  'AWS::RDS::DBInstance.MultiAZ',
];

/** What an update does to each resource that stays, by AWS's own specification of what a property replaces. */
export function differences(before: Resources, after: Resources): ReadonlyMap<string, Difference> {
  const stay = Object.keys(after).filter((id) => id in before);
  if (stay.every((id) => before[id] === after[id])) {
    return new Map();
  }
  const { changes } = fullDiff({ Resources: before }, { Resources: after }).resources;
  return new Map(
    stay.map((id) => {
      const change = changes[id];
      if (change === undefined) {
        return [id, 'none'];
      }
      if (change.changeImpact === ResourceImpact.WILL_REPLACE || mayReplace(after[id], change.propertyUpdates)) {
        return [id, 'replaced'];
      }
      // Of custom resources the specification knows nothing: each changed property is told to the handler.
      return [id, JSON.stringify(before[id].Properties) === JSON.stringify(after[id].Properties) ? 'none' : 'changed'];
    }),
  );
}

function mayReplace({ Type }: Resource, updates: { readonly [name: string]: { changeImpact?: ResourceImpact } }) {
  return Object.entries(updates).some(
    ([name, { changeImpact }]) => changeImpact === ResourceImpact.MAY_REPLACE && !IN_PLACE.includes(`${Type}.${name}`),
  );
}
