/** A service whose tasks read secrets when they start. */
export interface RefreshedService {
  readonly cluster: string;
  readonly service: string;
  /** ARNs of the secrets it reads. */
  readonly secrets: string[];
}

/**
 * Services of one cluster that read the same secrets, by name: Lambda allows 4 KB for all variables together.
 */
export interface RefreshedServices {
  readonly cluster: string;
  readonly services: string[];
  readonly secrets: string[];
}

/** Environment variables of the function. */
export const REFRESH = {
  /** JSON: a list of RefreshedServices. */
  services: 'SERVICES',
  /** The stack of the services: while CloudFormation changes it, they are left alone. */
  stackId: 'STACK_ID',
} as const;

/**
 * How long changes are collected before the first is looked at, in seconds: those that come together make one
 * deployment.
 */
export const COLLECT_SECONDS = 60;
/** How long until a change that has to wait is looked at again, in seconds. */
export const RETRY_SECONDS = 300;
/** How often: three hours in all, then it goes to the dead-letter queue. */
export const MAX_RETRIES = 36;
