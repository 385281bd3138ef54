import type { Graph } from './graph';

/** Something that must exist before something else, and why. */
export interface Requirement {
  readonly from: string;
  readonly to: string;
  readonly why: string;
}

/** What starts tasks. */
export const RUNNERS = ['AWS::ECS::Service', 'AWS::Scheduler::Schedule', 'Custom::ReleaseCommand'];
/** What has work done by functions of ours. */
export const CUSTOM_RESOURCES = ['Custom::DatabaseRoles', 'Custom::ReleaseCommand'];

/** All that services, schedules, releases and custom resources must wait for. */
export function requirementsOf(graph: Graph): Requirement[] {
  return [...tasksOf(graph), ...customResourcesOf(graph)];
}

function tasksOf(graph: Graph): Requirement[] {
  const releases = graph.ofType('Custom::ReleaseCommand');
  return graph.ofType(...RUNNERS).flatMap((from) => {
    const because = (why: string, ids: string[]) => ids.map((to) => ({ from, to, why }));
    const definition = taskDefinitionOf(graph, from);
    const task = graph.properties(definition);
    return [
      ...because('execution role', policiesOf(graph, task.ExecutionRoleArn)),
      ...because('task role', policiesOf(graph, task.TaskRoleArn)),
      ...because('routes', routesOf(graph, from)),
      ...because('secret attachment', attachmentsOf(graph, task.ContainerDefinitions)),
      ...because('listener rule', rulesOf(graph, from)),
      ...because('Spot', associationsOf(graph, from)),
      ...because('scheduler role', policiesOf(graph, graph.properties(from).Target?.RoleArn)),
      ...because('release', releases.includes(from) ? [] : releases),
    ];
  });
}

/** CloudFormation calls the functions as soon as it has made the resource's own references: permissions and routes are none of them. */
function customResourcesOf(graph: Graph): Requirement[] {
  return graph.ofType(...CUSTOM_RESOURCES).flatMap((from) =>
    calledBy(graph, graph.properties(from).ServiceToken).flatMap((id) => {
      const { Role, RoleArn } = graph.properties(id);
      return [
        ...policiesOf(graph, Role ?? RoleArn).map((to) => ({ from, to, why: 'handler role' })),
        ...routesOf(graph, id).map((to) => ({ from, to, why: 'handler routes' })),
      ];
    }),
  );
}

/** The functions and state machines that a call reaches, one through another. */
function calledBy(graph: Graph, token: unknown): string[] {
  const found = new Set<string>();
  const open = graph.mentions(token);
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (!found.has(id) && ['AWS::Lambda::Function', 'AWS::StepFunctions::StateMachine'].includes(typeOf(graph, id))) {
      found.add(id);
      open.push(...graph.mentions(graph.properties(id)));
    }
  }
  return [...found];
}

function typeOf(graph: Graph, id: string): string {
  return graph.resources[id].Type;
}

/** The requirements that the template does not keep. */
export function unmet(graph: Graph, requirements = requirementsOf(graph)): Requirement[] {
  return requirements.filter(({ from, to }) => !graph.waitsFor(from, to));
}

function taskDefinitionOf(graph: Graph, runner: string): string {
  const found = graph
    .mentions(graph.properties(runner))
    .filter((id) => graph.resources[id].Type === 'AWS::ECS::TaskDefinition');
  if (found.length !== 1) {
    throw new Error(`${runner} runs ${found.length} task definitions`);
  }
  return found[0];
}

function policiesOf(graph: Graph, role: unknown): string[] {
  const roles = graph.mentions(role);
  return graph
    .ofType('AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy')
    .filter((id) => graph.mentions(graph.properties(id).Roles).some((other) => roles.includes(other)));
}

function routesOf(graph: Graph, runner: string): string[] {
  const subnets = graph
    .mentions(graph.properties(runner))
    .filter((id) => graph.resources[id].Type === 'AWS::EC2::Subnet');
  const associations = graph
    .ofType('AWS::EC2::SubnetRouteTableAssociation')
    .filter((id) => graph.mentions(graph.properties(id).SubnetId).some((subnet) => subnets.includes(subnet)));
  const tables = associations.flatMap((id) => graph.mentions(graph.properties(id).RouteTableId));
  return graph
    .ofType('AWS::EC2::Route')
    .filter((id) => graph.mentions(graph.properties(id).RouteTableId).some((table) => tables.includes(table)));
}

/** A secret without its attachment has no host: the process would start without one. */
function attachmentsOf(graph: Graph, containers: { Secrets?: unknown }[]): string[] {
  const read = graph.mentions(containers.map(({ Secrets }) => Secrets));
  return graph
    .ofType('AWS::SecretsManager::SecretTargetAttachment')
    .filter(
      (id) =>
        read.includes(id) || graph.mentions(graph.properties(id).SecretId).some((secret) => read.includes(secret)),
    );
}

function rulesOf(graph: Graph, service: string): string[] {
  const groups = graph.mentions(graph.properties(service).LoadBalancers);
  return graph
    .ofType('AWS::ElasticLoadBalancingV2::ListenerRule')
    .filter((id) => graph.mentions(graph.properties(id).Actions).some((group) => groups.includes(group)));
}

function associationsOf(graph: Graph, service: string): string[] {
  const { CapacityProviderStrategy, Cluster } = graph.properties(service);
  return CapacityProviderStrategy === undefined
    ? []
    : graph
        .ofType('AWS::ECS::ClusterCapacityProviderAssociations')
        .filter((id) =>
          graph.mentions(graph.properties(id).Cluster).some((cluster) => graph.mentions(Cluster).includes(cluster)),
        );
}
