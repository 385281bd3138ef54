import type { IUrlStore } from '../../constructs/handlers/database-roles/url';
import type { ISecretStore } from '../../constructs/handlers/shared/rotation';
import type { Invocation } from './chaos';

interface Version {
  readonly id: string;
  value?: string;
  readonly stages: Set<string>;
}

/**
 * One secret with the staging rules of AWS (UpdateSecretVersionStage and PutSecretValue in the API reference): a label is on one version at
 * most; it moves only away from the version that is named; moving AWSCURRENT moves AWSPREVIOUS to where it was; the value of a version
 * cannot be changed; a version without labels is kept but not listed by DescribeSecret.
 */
export class FakeSecret {
  private readonly versions: Version[] = [];

  /** Without a value it has no version, as one that CloudFormation makes empty. */
  public constructor(
    public readonly arn: string,
    value?: string,
  ) {
    if (value !== undefined) {
      this.versions.push({ id: 'v0', value, stages: new Set(['AWSCURRENT']) });
    }
  }

  public withStage(stage: string): Version[] {
    return this.versions.filter((version) => version.stages.has(stage));
  }

  /** Every value that was ever stored. */
  public values(): string[] {
    return this.versions.flatMap((version) => version.value ?? []);
  }

  /** RotateSecret: the token to rotate with. A version that is pending and not current is tried again instead. */
  public startRotation(token: string): string {
    const [pending] = this.withStage('AWSPENDING');
    if (pending !== undefined && !pending.stages.has('AWSCURRENT')) {
      return pending.id;
    }
    this.attach('AWSPENDING', this.versionOf(token) ?? this.add(token));
    return token;
  }

  public stages(): { [id: string]: string[] } {
    const listed = this.versions.filter((version) => version.stages.size > 0);
    return Object.fromEntries(listed.map((version) => [version.id, [...version.stages]]));
  }

  public read(id: string): string | undefined {
    return this.versionOf(id)?.value;
  }

  public put(id: string, value: string, stage: string): boolean {
    const version = this.versionOf(id) ?? this.add(id);
    if (version.value !== undefined && version.value !== value) {
      return false;
    }
    version.value = value;
    this.attach(stage, version);
    return true;
  }

  public move(stage: string, from: string, to?: string): void {
    const holder = this.versionOf(from);
    const target = to === undefined ? undefined : this.versionOf(to);
    if (!holder?.stages.has(stage) || (to !== undefined && target === undefined)) {
      throw Object.assign(new Error(`label not on ${from}`), { name: 'InvalidParameterException' });
    }
    if (stage === 'AWSCURRENT' && target === undefined) {
      throw Object.assign(new Error('AWSCURRENT cannot be taken away'), { name: 'InvalidParameterException' });
    }
    holder.stages.delete(stage);
    if (target !== undefined) {
      this.attach(stage, target, holder);
    }
  }

  public versionIds(): string[] {
    return this.versions.map((version) => version.id).reverse();
  }

  private attach(stage: string, target: Version, from = this.withStage(stage)[0]): void {
    from?.stages.delete(stage);
    target.stages.add(stage);
    if (stage === 'AWSCURRENT' && from !== undefined && from !== target) {
      this.withStage('AWSPREVIOUS')[0]?.stages.delete('AWSPREVIOUS');
      from.stages.add('AWSPREVIOUS');
    }
  }

  private versionOf(id: string): Version | undefined {
    return this.versions.find((version) => version.id === id);
  }

  private add(id: string): Version {
    const version: Version = { id, stages: new Set() };
    this.versions.push(version);
    return version;
  }
}

/** Several secrets behind the interface of the handlers; every call can be made to fail. */
export function storeOf(secrets: FakeSecret[], invocation: Invocation): ISecretStore & IUrlStore {
  const find = (arn: string): FakeSecret => {
    const secret = secrets.find((candidate) => candidate.arn === arn);
    if (secret === undefined) {
      throw Object.assign(new Error('no such secret'), { name: 'ResourceNotFoundException' });
    }
    return secret;
  };
  return {
    stages: (arn) => invocation.call(() => find(arn).stages()),
    read: (arn, id) => invocation.call(() => find(arn).read(id)),
    putPending: (arn, id, value) => invocation.call(() => find(arn).put(id, value, 'AWSPENDING')),
    putLabelled: (arn, id, value, label) => invocation.call(() => void find(arn).put(id, value, label)),
    moveStage: (arn, stage, from, to) => invocation.call(() => find(arn).move(stage, from, to)),
    versionIds: (arn) => invocation.call(() => find(arn).versionIds()),
  };
}
