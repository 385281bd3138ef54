/** The secret of a cache: whom processes connect as and, once the cache is there, where. */
export interface CacheSecret {
  readonly username: string;
  readonly password: string;
  readonly host?: string;
  readonly port?: number;
  /** All of it in one: `rediss://…`. */
  readonly url?: string;
  /** When the password was made by a rotation, in seconds since 1970. The first one has none. */
  readonly rotated?: number;
  /** Whatever else is there is kept as it is. */
  readonly [name: string]: unknown;
}

/** Properties of `Custom::CacheUser`: the user that processes connect as. */
export interface CacheUserProperties {
  readonly SecretArn: string;
  readonly UserId: string;
  /** What the user may do, in the words of ACL SETUSER, without passwords. */
  readonly AccessString: string;
}

/** Properties of `Custom::CacheAddress`: where the cache is, which its secret says, too. */
export interface CacheAddressProperties {
  readonly SecretArn: string;
  readonly Host: string;
  readonly Port: string;
}

export const CACHE_USER_TYPE = 'Custom::CacheUser';
export const CACHE_ADDRESS_TYPE = 'Custom::CacheAddress';

/** What the daily schedule sends: the password of before the last rotation is to leave. */
export interface RetireEvent {
  readonly retire: true;
}

/** Environment variables of the function. */
export const CACHE_USER = {
  userId: 'USER_ID',
  secretArn: 'SECRET_ARN',
} as const;

/** Longest run of the function, in seconds. */
export const HANDLER_TIMEOUT = 300;

/** The address of a cache with the login in it, for clients that read one variable. */
export function cacheUrl({ username, password, host, port }: CacheSecret): string {
  return `rediss://${encodeURIComponent(username)}:${encodeURIComponent(password)}@${host}:${port}/0`;
}
