import { resourcesOfType, type Template } from '../template/assembly';

/** A copy of the template in which one service answers every path, and no other runs. */
export function serving(template: Template, kind: 'web' | 'asgi'): Template {
  const copy: Template = structuredClone(template);
  for (const { resource } of resourcesOfType(copy, 'AWS::ECS::Service')) {
    const { Properties = {} } = resource;
    const task = copy.Resources[Properties.TaskDefinition.Ref];
    if (task.Metadata?.['cdk-django-fargate']?.process !== kind) {
      Properties.DesiredCount = 0;
    }
  }
  for (const { resource } of resourcesOfType(copy, 'AWS::ElasticLoadBalancingV2::ListenerRule')) {
    const { Properties = {} } = resource;
    for (const condition of Properties.Conditions) {
      if (condition.Field === 'path-pattern') {
        // The rule of the ASGI service comes first.
        condition.PathPatternConfig.Values = [kind === 'asgi' ? '/*' : '/nowhere/*'];
      }
    }
  }
  return copy;
}
