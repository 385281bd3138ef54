import type { Stack } from 'aws-cdk-lib';

/** One wrong input: what is wrong, how to make it, and which prop the message must name. */
export interface InvalidCase {
  readonly name: string;
  readonly prop: string;
  readonly make: (stack: Stack) => unknown;
}

/** The form that every line of every message has. */
export const MESSAGE_FORM = /^\S+: `(?<prop>[^`]+)` must (?<allowed>.+), got (?<given>.+?)\. (?<remedy>.+\.)$/;
