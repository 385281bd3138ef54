import {
  ApplicationListenerRule,
  type IApplicationListener,
  ListenerAction,
  ListenerCondition,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Construct } from 'constructs';

/** Condition values that the load balancer allows in one rule. */
const VALUES_OF_RULE = 5;

/**
 * Redirects requests for known host names to HTTPS, five names a rule.
 *
 * A rule is called after its place and keeps its priority: a change of names changes values of rules and
 * never lets two rules claim one priority on the way.
 */
export function redirectToHttps(scope: Construct, id: string, listener: IApplicationListener, hostNames: string[][]) {
  const parent = new Construct(scope, id);
  for (const [index, names] of hostNames.flatMap(chunks).entries()) {
    new ApplicationListenerRule(parent, String(index + 1), {
      listener,
      priority: index + 1,
      conditions: [ListenerCondition.hostHeaders(names)],
      action: ListenerAction.redirect({ protocol: 'HTTPS', port: '443', permanent: true }),
    });
  }
}

function chunks(names: string[]): string[][] {
  return Array.from({ length: Math.ceil(names.length / VALUES_OF_RULE) }, (_, index) =>
    names.slice(index * VALUES_OF_RULE, (index + 1) * VALUES_OF_RULE),
  );
}
