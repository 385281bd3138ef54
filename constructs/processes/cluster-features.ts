import { Annotations } from 'aws-cdk-lib';
import { CfnClusterCapacityProviderAssociations, Cluster, type ICluster } from 'aws-cdk-lib/aws-ecs';
import type { IConstruct } from 'constructs';
import { Checks } from '../core/checks';

const SPOT = 'FARGATE_SPOT';

/**
 * Refuses a cluster of this app that cannot run tasks on Spot, when everything is there; warns of one that
 * is imported.
 *
 * @param service what runs on Spot
 */
export function needSpot(service: IConstruct, cluster: ICluster): void {
  if (!(cluster instanceof Cluster)) {
    Annotations.of(cluster).addWarningV2(
      'cdk-django-fargate:clusterSpot',
      `Nothing here says whether this cluster has the capacity provider ${SPOT}, which services on Spot need: without it they cannot be created. Look with \`aws ecs describe-clusters\`, then acknowledge this warning on the cluster, or set \`spot\`, or \`webSpot\` or \`workerSpot\` of the profile, to false.`,
    );
    return;
  }
  service.node.addValidation({
    validate: () =>
      new Checks(service).that('cluster', cluster, mayHaveSpot(cluster), {
        must: `have the capacity provider ${SPOT}, for a service on Spot`,
        remedy:
          'Give the cluster `enableFargateCapacityProviders: true`, or set `spot`, or `webSpot` or `workerSpot` of the profile, to false.',
      }).found,
  });
}

/** Also where the user has made an association: the cluster that it names may be a token. */
function mayHaveSpot(cluster: Cluster): boolean {
  const isAssociation = (each: IConstruct) =>
    each instanceof CfnClusterCapacityProviderAssociations &&
    !each.node.scopes.some((scope) => scope instanceof Cluster);
  return cluster.capacityProviderNames.includes(SPOT) || cluster.node.root.node.findAll().some(isAssociation);
}
