import { Annotations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { type Checks, inWordsOf } from './checks';

/** One way in which a prop can have no effect: how to notice it, and how to say it. */
export interface NoEffect<Props> {
  /** Whether the prop has no effect beside what else was given. */
  readonly when: (props: Props) => boolean;
  /** As in `Rule`: completes “`prop` must …”. */
  readonly must: string;
  /** As in `Rule`: what to do instead. */
  readonly remedy: string;
}

/** For props of a part: each way in which one of them can have no effect. */
export type Effects<Props> = { readonly [Prop in keyof Props]?: readonly NoEffect<Props>[] };

/** The prop has no effect beside another one that is given. */
export function voidBeside<Props>(other: keyof Props & string, reason: string): NoEffect<Props> {
  return {
    when: (props) => props[other] !== undefined,
    must: `be left out with \`${other}\``,
    remedy: `It would have no effect: ${reason}.`,
  };
}

/** The prop has no effect beside a value of another one, written as `code`. */
export function voidWith<Props>(code: string, when: (props: Props) => boolean, reason: string): NoEffect<Props> {
  return { when, must: `be left out with \`${code}\``, remedy: `It would have no effect: ${reason}.` };
}

/** The prop has no effect unless one of others is given. */
export function needsOneOf<Props>(others: readonly (keyof Props & string)[], remedy: string): NoEffect<Props> {
  return {
    when: (props) => others.every((other) => props[other] === undefined),
    must: `come with ${others.map((other) => `\`${other}\``).join(' or ')}`,
    remedy,
  };
}

/** Refuses every given prop that has no effect. */
export function checkEffects<Props extends object>(checks: Checks, props: Props, effects: Effects<Props>): void {
  for (const prop of Object.keys(effects) as (keyof Props & string)[]) {
    for (const { when, must, remedy } of effects[prop] ?? []) {
      checks.optional(prop, props[prop], () => !when(props), { must, remedy });
    }
  }
}

/**
 * Warns of a prop that has no effect because of a default, not because of another prop that the user wrote:
 * the same code may well serve an environment in which it has one.
 */
export function warnOfNoEffect(scope: IConstruct, prop: string, given: unknown, reason: string): void {
  if (given !== undefined) {
    Annotations.of(scope).addWarningV2(
      `cdk-django-fargate:${prop.replace(/\.(\w)/g, (_, letter: string) => letter.toUpperCase())}WithoutEffect`,
      inWordsOf(scope, `\`${prop}\` has no effect: ${reason}.`),
    );
  }
}
