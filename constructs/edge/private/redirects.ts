import {
  ApplicationListenerRule,
  type IApplicationListener,
  ListenerAction,
  ListenerCondition,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Construct } from 'constructs';
import type { IHttpsLoadBalancer } from '../https-load-balancer';

/** Condition values that the load balancer allows in one rule. */
const VALUES_OF_RULE = 5;
/** The rule that is looked at after all others. */
const LAST_PRIORITY = 50_000;
const TO_HTTPS = { protocol: 'HTTPS', port: '443', permanent: true };

/**
 * Redirects requests for known host names to HTTPS, five names a rule.
 *
 * A rule is called after its place and keeps its priority: a change of names changes values of rules and
 * never lets two rules claim one priority on the way.
 */
export function redirectToHttps(scope: Construct, id: string, listener: IApplicationListener, hostNames: string[][]) {
  const parent = new Construct(scope, id);
  for (const [index, names] of hostNames.flatMap((each) => chunks(each)).entries()) {
    new ApplicationListenerRule(parent, String(index + 1), {
      listener,
      priority: index + 1,
      conditions: [ListenerCondition.hostHeaders(names)],
      action: ListenerAction.redirect(TO_HTTPS),
    });
  }
}

/**
 * Redirects requests for further names to the first domain name: path and query stay.
 *
 * A name goes before every service, so that no wildcard of a service takes it. A wildcard goes after every
 * service, so that it takes nothing from them. Rules are called after their place, and keep their priority.
 */
export function redirectToMain(
  scope: Construct,
  {
    listener,
    domainNames: [host],
    redirectedDomainNames,
    originHeader,
  }: Pick<IHttpsLoadBalancer, 'listener' | 'domainNames' | 'redirectedDomainNames' | 'originHeader'>,
): void {
  const secrets = originHeader?.values ?? [];
  const fromDistribution = originHeader && ListenerCondition.httpHeader(originHeader.name, secrets);
  const redirect = (id: string, names: string[], priorityOf: (index: number) => number) => {
    const rules = chunks(names, VALUES_OF_RULE - secrets.length);
    const parent = rules.length > 0 ? new Construct(scope, id) : scope;
    for (const [index, some] of rules.entries()) {
      new ApplicationListenerRule(parent, String(index + 1), {
        listener,
        priority: priorityOf(index),
        conditions: [ListenerCondition.hostHeaders(some), ...(fromDistribution ? [fromDistribution] : [])],
        action: ListenerAction.redirect({ ...TO_HTTPS, host }),
      });
    }
  };
  const isWildcard = (name: string) => name.startsWith('*.');
  redirect(
    'ToMain',
    redirectedDomainNames.filter((name) => !isWildcard(name)),
    (index) => 1 + index,
  );
  redirect('WildcardsToMain', redirectedDomainNames.filter(isWildcard), (index) => LAST_PRIORITY - index);
}

function chunks(names: string[], size = VALUES_OF_RULE): string[][] {
  return Array.from({ length: Math.ceil(names.length / size) }, (_, index) =>
    names.slice(index * size, (index + 1) * size),
  );
}
