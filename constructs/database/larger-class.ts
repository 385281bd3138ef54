import { InstanceType } from 'aws-cdk-lib/aws-ec2';
import { maxConnectionsOf } from './private/classes';

/** Classes to grow through, the smallest first. */
const CLASSES = ['t4g.small', 't4g.medium', 't4g.large', 'm7g.large', 'm7g.xlarge', 'm7g.2xlarge', 'm7g.4xlarge'];

/**
 * The smallest of some usual classes that allows so many connections, for error messages.
 *
 * @internal
 */
export function classWithConnections(connections: number): string | undefined {
  return CLASSES.find((name) => (maxConnectionsOf(new InstanceType(name)) as number) >= connections);
}
