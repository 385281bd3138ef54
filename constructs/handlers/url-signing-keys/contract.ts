/** The secret of a signer: the private key, and under which id CloudFront knows its public key. */
export interface SigningSecret {
  /** RSA private key in PEM, PKCS #1: the one form that every RSA library of Python reads. */
  readonly key: string;
  /** Id of the public key, which every signed address names. */
  readonly keyId: string;
  /** When the key was made, in seconds since 1970. */
  readonly made: number;
  /** Longest life of an address that is signed with the key, in seconds. */
  readonly lifetime: number;
  /** Keys that signed before, newest first. */
  readonly previous: readonly PreviousKey[];
  /** Whatever else is there is kept as it is. */
  readonly [name: string]: unknown;
}

export interface PreviousKey {
  readonly keyId: string;
  /** Until when an address that is signed with it may be valid, in seconds since 1970. */
  readonly until: number;
}

/** Properties of `Custom::UrlSigningKeys`: the key group, and the first key in it. */
export interface UrlSigningKeysProperties {
  readonly SecretArn: string;
  /** In seconds. The function has it from its environment: a change here lets it look after the group. */
  readonly LongestLifetime: string;
}

export const URL_SIGNING_KEYS_TYPE = 'Custom::UrlSigningKeys';
/** Attribute of the resource: the id of the key group. */
export const KEY_GROUP_ID = 'KeyGroupId';

/** What the daily schedule sends, and, with `revoke`, an operator whose private key has leaked. */
export interface RetireEvent {
  readonly retire: true;
  /** Whether keys of before leave at once, although addresses that they signed are still valid. */
  readonly revoke?: boolean;
}

/** Environment variables of the function. */
export const URL_SIGNING_KEYS = {
  keyGroupName: 'KEY_GROUP_NAME',
  secretArn: 'SECRET_ARN',
  /** In seconds. */
  longestLifetime: 'LONGEST_LIFETIME',
} as const;

/** Longest run of the function, in seconds: a rotation waits for the edge, a deletion for a distribution. */
export const HANDLER_TIMEOUT = 900;
/** How long a new key is in the group before anything is signed with it, in seconds. */
export const PROPAGATION_SECONDS = 10 * 60;
/** How many keys of before may be valid at once. CloudFront takes five keys in a group, one of them new. */
export const MOST_PREVIOUS = 3;
/** Younger keys that no version of the secret has are not touched: a rotation may be about to store one. */
export const ORPHAN_SECONDS = 24 * 60 * 60;
