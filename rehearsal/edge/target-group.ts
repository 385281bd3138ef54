import http from 'node:http';
import type { Announce } from '../announce';
import { AttentiveAgent } from './attentive-agent';
import { matchesCodes, TargetHealth, type TargetState } from './target-health';

/** One registered task, with its own connections so that they can be closed when it is drained. */
export class Target {
  readonly agent: http.Agent;
  inFlight = 0;
  requests = 0;
  draining = false;
  /** What its latest health check got. */
  answered = 'no health check yet';
  /** When a draining target has nothing in flight. */
  onIdle?: () => void;
  readonly upgraded = new Set<{ destroy(): void }>();

  constructor(
    readonly id: string,
    readonly port: number,
    readonly health: TargetHealth,
    localAddress: string | undefined,
  ) {
    this.agent = new AttentiveAgent({ keepAlive: true, maxFreeSockets: 1024, localAddress } as http.AgentOptions);
  }

  begin(): void {
    this.inFlight++;
    this.requests++;
  }

  end(): void {
    this.inFlight--;
    if (this.draining && this.inFlight === 0) {
      this.onIdle?.();
    }
  }

  /** Connections that nobody waits on go at once: a server counts them as work when it is told to stop. */
  closeIdleConnections(): void {
    this.agent.maxFreeSockets = 0;
    for (const sockets of Object.values(this.agent.freeSockets)) {
      for (const socket of sockets ?? []) {
        socket.destroy();
      }
    }
  }

  close(): void {
    this.agent.destroy();
    for (const socket of this.upgraded) {
      socket.destroy();
    }
  }
}

interface Settings {
  readonly path: string;
  readonly matcher: string;
  readonly interval: number;
  readonly timeout: number;
  readonly healthyThresholdCount: number;
  readonly unhealthyThresholdCount: number;
  readonly deregistrationDelay: number;
  readonly leastOutstanding: boolean;
}

export interface TargetGroupProps {
  /** What listener rules call it. */
  readonly arn: string;
  // biome-ignore lint/suspicious/noExplicitAny: as CloudFormation has it
  readonly properties: Record<string, any>;
  readonly announce: Announce;
  /** Where health checks and requests come from, if the load balancer has an address of its own. */
  readonly localAddress?: string;
}

/** An AWS::ElasticLoadBalancingV2::TargetGroup with the tasks that are registered in it. */
export class TargetGroup {
  readonly arn: string;
  readonly settings: Settings;
  private readonly registered = new Map<string, Target>();
  private turn = 0;

  constructor(private readonly props: TargetGroupProps) {
    this.arn = props.arn;
    this.settings = settingsOf(props.properties);
  }

  get targets(): Target[] {
    return [...this.registered.values()];
  }

  get deregistrationDelay(): number {
    return this.settings.deregistrationDelay;
  }

  register(id: string, port: number): Target {
    const target = new Target(id, port, new TargetHealth(this.settings), this.props.localAddress);
    this.registered.set(id, target);
    void this.watch(target);
    return target;
  }

  /** No new requests from here on; what is in flight goes on. */
  deregister(target: Target): void {
    target.draining = true;
    target.closeIdleConnections();
  }

  /** Forgets a target, with its connections. */
  remove(target: Target): void {
    target.draining = true;
    this.registered.delete(target.id);
    target.close();
  }

  /**
   * Chooses a target for the next request.
   *
   * It is a healthy one. When none is healthy it is any, because the load balancer fails open.
   */
  choose(): Target | undefined {
    const open = this.targets.filter((target) => !target.draining);
    const healthy = open.filter((target) => target.health.state === 'healthy');
    const candidates = healthy.length > 0 ? healthy : open;
    const start = this.turn++;
    const rotated = candidates.map((_, index) => candidates[(start + index) % candidates.length]);
    return this.settings.leastOutstanding
      ? rotated.reduce<Target | undefined>(
          (best, one) => (best && best.inFlight <= one.inFlight ? best : one),
          undefined,
        )
      : rotated[0];
  }

  private async watch(target: Target): Promise<void> {
    while (this.registered.has(target.id) && !target.draining) {
      const before: TargetState = target.health.state;
      const started = Date.now();
      // A path that no request may have is refused before anything is sent.
      const result = await this.check(target).catch(({ message }: Error) => ({ passed: false, reason: message }));
      if (target.draining) {
        return;
      }
      target.answered = result.reason;
      const after = target.health.record(result.passed);
      if (after !== before) {
        this.props.announce.event(`target ${target.id} is ${after}${result.passed ? '' : ` (${result.reason})`}`);
      }
      const rest = this.settings.interval * 1000 - (Date.now() - started);
      await new Promise((resolve) => setTimeout(resolve, Math.max(rest, 50)).unref());
    }
  }

  private check(target: Target): Promise<{ passed: boolean; reason: string }> {
    return new Promise((resolve) => {
      const request = http.get(
        {
          host: '127.0.0.1',
          port: target.port,
          path: this.settings.path,
          localAddress: this.props.localAddress,
          agent: false,
          timeout: this.settings.timeout * 1000,
          headers: { host: `127.0.0.1:${target.port}`, 'user-agent': 'ELB-HealthChecker/2.0', connection: 'close' },
        },
        (response) => {
          response.resume();
          const status = response.statusCode ?? 0;
          resolve({ passed: matchesCodes(this.settings.matcher, status), reason: `status ${status}` });
        },
      );
      request.once('timeout', () => request.destroy(new Error('timed out')));
      request.once('error', (error) => resolve({ passed: false, reason: error.message }));
    });
  }
}

// biome-ignore lint/suspicious/noExplicitAny: as CloudFormation has it
function settingsOf(properties: Record<string, any>): Settings {
  const attributes = Object.fromEntries(
    // biome-ignore lint/suspicious/noExplicitAny: as CloudFormation has it
    (properties.TargetGroupAttributes ?? []).map((one: any) => [one.Key, one.Value]),
  );
  return {
    path: properties.HealthCheckPath ?? '/',
    matcher: properties.Matcher?.HttpCode ?? '200',
    interval: Number(properties.HealthCheckIntervalSeconds ?? 30),
    timeout: Number(properties.HealthCheckTimeoutSeconds ?? 5),
    healthyThresholdCount: Number(properties.HealthyThresholdCount ?? 5),
    unhealthyThresholdCount: Number(properties.UnhealthyThresholdCount ?? 2),
    deregistrationDelay: Number(attributes['deregistration_delay.timeout_seconds'] ?? 300),
    leastOutstanding: attributes['load_balancing.algorithm.type'] === 'least_outstanding_requests',
  };
}
