import { Annotations, Token } from 'aws-cdk-lib';
import { type CfnCluster, CfnClusterCapacityProviderAssociations, Cluster, type ICluster } from 'aws-cdk-lib/aws-ecs';
import type { IConstruct } from 'constructs';
import { Checks } from '../core/checks';

const SPOT = 'FARGATE_SPOT';

/**
 * Refuses a cluster of this app whose Container Insights are off, for what reads the number of running tasks.
 *
 * @param prop what the user wrote: the cluster, or what runs in it
 * @param why what would happen, as a sentence
 */
export function checkContainerInsights(checks: Checks, prop: string, cluster: ICluster, why: string): void {
  checks.that(prop, cluster, containerInsightsOf(cluster) !== 'disabled', {
    must: 'have Container Insights on',
    remedy: `${why} Give the cluster \`containerInsightsV2: ContainerInsights.ENABLED\`.`,
  });
}

/** Warns where nobody can see from here whether a cluster has Container Insights. */
export function warnOfContainerInsights(cluster: ICluster): void {
  if (containerInsightsOf(cluster) === undefined) {
    Annotations.of(cluster).addWarningV2(
      'cdk-django-fargate:clusterContainerInsights',
      'Nothing here says whether this cluster has Container Insights on. Without them the alarms on missing tasks fire for ever. Look with `aws ecs describe-clusters --include SETTINGS`, then acknowledge this warning on the cluster.',
    );
  }
}

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
      `Nothing here says whether this cluster has the capacity provider ${SPOT}, which services on Spot need: without it they cannot be created. Look with \`aws ecs describe-clusters\`, then acknowledge this warning on the cluster, or set \`spot\`, or \`workerSpot\` of the profile, to false.`,
    );
    return;
  }
  service.node.addValidation({
    validate: () =>
      new Checks(service).that('cluster', cluster, mayHaveSpot(cluster), {
        must: `have the capacity provider ${SPOT}, for a service on Spot`,
        remedy:
          'Give the cluster `enableFargateCapacityProviders: true`, or set `spot`, or `workerSpot` of the profile, to false.',
      }).found,
  });
}

/** The setting; undefined for an imported cluster, and where nothing is set, so that the account decides. */
function containerInsightsOf(cluster: ICluster): string | undefined {
  if (!(cluster instanceof Cluster)) {
    return undefined;
  }
  const { clusterSettings } = cluster.node.defaultChild as CfnCluster;
  if (Token.isUnresolved(clusterSettings)) {
    return 'known to the deployment alone';
  }
  const settings = (clusterSettings ?? []) as CfnCluster.ClusterSettingsProperty[];
  return settings.find(({ name }) => name === 'containerInsights')?.value;
}

/** Also where the user has made an association: the cluster that it names may be a token. */
function mayHaveSpot(cluster: Cluster): boolean {
  const isAssociation = (each: IConstruct) =>
    each instanceof CfnClusterCapacityProviderAssociations &&
    !each.node.scopes.some((scope) => scope instanceof Cluster);
  return cluster.capacityProviderNames.includes(SPOT) || cluster.node.root.node.findAll().some(isAssociation);
}
