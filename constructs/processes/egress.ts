import { type IPeer, type ISecurityGroup, type IVpc, Peer, Port, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import { Checks, isUnknown } from '../core/checks';

const HTTPS_PORT = 443;

/**
 * One way out of a process: whom it may connect to, and on which port.
 *
 * @example
 * const egress = [
 *   Egress.https(),
 *   Egress.tcp(587, 'SMTP of the mail provider', ec2.Peer.ipv4('203.0.113.0/24')),
 * ];
 *
 * @see https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html
 */
export class Egress {
  /**
   * HTTPS: TCP port 443.
   *
   * @param peer whom; anywhere unless given
   */
  public static https(peer?: IPeer): Egress {
    return Egress.tcp(HTTPS_PORT, 'HTTPS: APIs of AWS, images, and whatever else speaks it', peer);
  }

  /**
   * One TCP port, for example 587 for SMTP.
   *
   * @param port number of the port
   * @param description what it is for; the security group shows it
   * @param peer whom; anywhere unless given
   */
  public static tcp(port: number, description: string, peer?: IPeer): Egress {
    new Checks('Egress.tcp')
      .integer('port', port, { min: 1, max: 65_535, remedy: 'Give the number of the port, for example 587.' })
      .throwIfAny();
    return new Egress(peer ?? Peer.anyIpv4(), Port.tcp(port), description);
  }

  /**
   * Any protocol and range of ports.
   *
   * @param peer whom
   * @param port protocol and ports
   * @param description what it is for; the security group shows it
   */
  public static to(peer: IPeer, port: Port, description: string): Egress {
    return new Egress(peer, port, description);
  }

  private constructor(
    /** Whom the process may connect to. */
    public readonly peer: IPeer,
    /** Protocol and ports. */
    public readonly port: Port,
    /** What it is for. */
    public readonly description: string,
  ) {}
}

/** Properties of a security group for processes. */
export interface ProcessSecurityGroupProps {
  readonly vpc: IVpc;
  readonly description: string;
  /**
   * Ways out of the processes.
   *
   * @default - HTTPS to anywhere
   */
  readonly egress?: Egress[];
}

/**
 * A security group for processes that lets nobody in, and out only what is listed.
 *
 * What a process is given (database, cache) adds its own way.
 */
export function processSecurityGroup(scope: Construct, id: string, props: ProcessSecurityGroupProps): ISecurityGroup {
  const { vpc, description, egress = [Egress.https()] } = props;
  const securityGroup = new SecurityGroup(scope, id, { vpc, description, allowAllOutbound: false });
  for (const way of egress) {
    securityGroup.addEgressRule(way.peer, way.port, way.description);
  }
  return securityGroup;
}

/** Validates the ways out of a process. */
export function checkEgress(checks: Checks, egress: Egress[] | undefined): void {
  checks.that('egress', egress?.map(shown), egress?.some(isHttps) ?? true, {
    must: 'include HTTPS',
    remedy:
      'Add `Egress.https()`: Fargate pulls the image, reads the secrets and writes the logs from the network of the task, and SQS speaks HTTPS too.',
  });
  for (const way of egress ?? []) {
    const everything = way.port.toRuleJson().ipProtocol === '-1';
    checks.that('egress', shown(way), !everything, {
      must: 'name a protocol',
      remedy: 'List the ports; if all of them must be open, bring a `securityGroup` of your own.',
    });
    // The characters that EC2 takes in the description of a rule.
    checks.matches('egress', way.description, /^[a-zA-Z0-9. _:/()#,@[\]+=&;{}!$*-]{1,255}$/, {
      must: 'have a description of 1 to 255 letters, digits, spaces and ._-:/()#,@[]+=&;{}!$*',
      remedy: 'Say in plain letters what the way is for.',
    });
  }
}

/** Ports that are only known at deployment may well be that of HTTPS. */
function isHttps({ port }: Egress): boolean {
  const { ipProtocol, fromPort, toPort } = port.toRuleJson();
  return (
    ipProtocol === '-1' ||
    (ipProtocol === 'tcp' &&
      (isUnknown(fromPort) || isUnknown(toPort) || (fromPort <= HTTPS_PORT && toPort >= HTTPS_PORT)))
  );
}

function shown({ port, peer }: Egress): string {
  return `${port} to ${peer.uniqueId}`;
}
