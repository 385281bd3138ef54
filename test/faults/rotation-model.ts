import { type RotationEvent, versionWith } from '../../constructs/handlers/shared/rotation';
import { Chaos, Crash, type Fault, Invocation, randomFrom } from './chaos';
import type { FakeSecret } from './fake-secrets-manager';

export const STEPS = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const;
export const DAY = 24 * 60 * 60;

/** One secret, the handler that rotates it and what must always hold of it. Built anew for every case. */
export interface Subject {
  readonly secret: FakeSecret;
  deliver(event: RotationEvent, invocation: Invocation, log: (message: string) => void): Promise<void>;
  /** After every call that had an effect: what is violated, as `kind: detail`. */
  check(): string[];
  /** After a rotation that succeeded. */
  checkRotated(): string[];
  /** An operator stores a new current value by hand. */
  changeByHand(): void;
  /** Something else that goes on beside this rotation. */
  disturb?(invocation: Invocation): Promise<void>;
  /** After everything, when only time passes: what is still violated. */
  atEnd?(): Promise<string[]>;
  /** Everything that must never be logged. */
  material(): string[];
}

export interface Clock {
  seconds: number;
}

export interface RotationCase {
  readonly faults: ReadonlyMap<number, Fault>;
  /** Given: deliveries side by side, replays, cancelled rotations, changes by hand, jumps in time, all by chance. */
  readonly seed?: number;
  /** After an error: the failed step again, or all four. */
  readonly restart: 'step' | 'all';
}

export interface Outcome {
  readonly violations: string[];
  readonly calls: number;
}

export interface ModelOptions {
  readonly period: number;
  readonly rotations: number;
}

/** Runs one case: rotations with faults, then rotations without, one of which must succeed. */
export async function runRotationCase(
  subjectFor: (clock: Clock, random: () => number) => Subject,
  plan: RotationCase,
  options: ModelOptions,
): Promise<Outcome> {
  return new Run(subjectFor, plan, options).run();
}

class Run {
  private readonly violations = new Set<string>();
  private readonly written: string[] = [];
  private readonly delivered: RotationEvent[] = [];
  private readonly wereCurrent = new Set<string>();
  private replaced = new Set<string>();
  private readonly clock: Clock = { seconds: 1_800_000_000 };
  private readonly random: () => number;
  private readonly subject: Subject;
  private readonly chaos: Chaos;

  public constructor(
    subjectFor: (clock: Clock, random: () => number) => Subject,
    private readonly plan: RotationCase,
    private readonly options: ModelOptions,
  ) {
    this.random = randomFrom(plan.seed ?? 1);
    this.subject = subjectFor(this.clock, this.random);
    this.chaos = new Chaos({
      faults: plan.faults,
      afterCall: () => this.check(),
      echo: () => this.subject.material().join(' '),
    });
  }

  public async run(): Promise<Outcome> {
    const isDisturbed = this.plan.seed !== undefined;
    for (let index = 0; index < this.options.rotations * (isDisturbed ? 2 : 1); index++) {
      const isHasty = isDisturbed && this.random() < 0.5;
      this.clock.seconds += isHasty ? 3600 : this.options.period;
      await this.rotate(`t${index}`, isDisturbed);
    }
    const { calls } = this.chaos;
    await this.mustRotate();
    this.add((await this.subject.atEnd?.()) ?? []);
    this.add(this.leaks());
    return { violations: [...this.violations], calls };
  }

  private async mustRotate(): Promise<void> {
    // The first may still have to give an old version up; then the schedule brings the next.
    for (const token of ['last0', 'last1']) {
      this.clock.seconds += this.options.period;
      const before = this.currentValue();
      if ((await this.rotate(token, false)) && this.currentValue() !== before) {
        return;
      }
    }
    this.violations.add('wedged: no rotation succeeds any more');
  }

  private currentValue(): string | undefined {
    return this.subject.secret.withStage('AWSCURRENT')[0]?.value;
  }

  /** As Secrets Manager does it. True when the version became current. */
  private async rotate(wanted: string, disturbed: boolean): Promise<boolean> {
    const token = this.subject.secret.startRotation(wanted);
    let failures = 0;
    for (let step = 0; step < STEPS.length && failures < 8; ) {
      const event = { Step: STEPS[step], SecretId: this.subject.secret.arn, ClientRequestToken: token };
      const ok = disturbed ? await this.deliverWithin(event) : await this.deliver(event);
      failures += ok ? 0 : 1;
      step = ok ? step + 1 : this.plan.restart === 'all' ? 0 : step;
    }
    const done = this.subject.secret.stages()[token]?.includes('AWSCURRENT') ?? false;
    if (done) {
      this.add(this.subject.checkRotated());
    }
    return done;
  }

  /** A delivery, and what else may happen around it. */
  private async deliverWithin(event: RotationEvent): Promise<boolean> {
    let ok = false;
    const once = async (): Promise<void> => {
      ok = (await this.deliver(event)) || ok;
    };
    if (this.random() < 0.25) {
      await this.chaos.sideBySide([once, once], this.random);
    } else {
      await once();
    }
    const dice = this.random();
    if (dice < 0.2) {
      await this.deliver(this.delivered[Math.floor(this.random() * this.delivered.length)]);
    } else if (dice < 0.24) {
      this.cancel();
    } else if (dice < 0.28) {
      this.change();
    } else if (dice < 0.36) {
      this.clock.seconds += Math.floor(this.random() * 3 * DAY);
    } else if (dice < 0.42) {
      await this.subject.disturb?.(new Invocation(this.chaos)).catch(() => undefined);
    }
    this.check();
    return ok;
  }

  /** CancelRotateSecret and the advice of its documentation: take AWSPENDING away from the half-made version. */
  private cancel(): void {
    const [pending] = this.subject.secret.withStage('AWSPENDING');
    pending?.stages.delete('AWSPENDING');
  }

  private change(): void {
    this.subject.changeByHand();
    this.replaced = new Set(this.wereCurrent);
    this.check();
  }

  private check(): void {
    this.add(this.subject.check());
    const id = versionWith(this.subject.secret.stages(), 'AWSCURRENT') ?? '';
    this.wereCurrent.add(id);
    if (this.replaced.has(id)) {
      this.violations.add('undone: what was changed by hand must not come back by itself');
    }
  }

  private async deliver(event: RotationEvent): Promise<boolean> {
    this.delivered.push(event);
    try {
      await this.subject.deliver(event, new Invocation(this.chaos), (message) => this.written.push(message));
      return true;
    } catch (error) {
      if (!(error instanceof Crash)) {
        this.written.push(String((error as Error).stack));
      }
      return false;
    }
  }

  private leaks(): string[] {
    const text = this.written.join('\n');
    return this.subject.material().some((secret) => text.includes(secret)) ? ['leak: secret material was written'] : [];
  }

  private add(found: string[]): void {
    for (const violation of found) {
      this.violations.add(violation);
    }
  }
}
