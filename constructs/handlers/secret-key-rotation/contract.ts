/** The secret of a SecretKey, as Django reads it from DJANGO_SECRET_KEYS. */
export interface SecretKeyValue {
  /** What Django signs with. */
  readonly key: string;
  /**
   * What it will sign with after the next rotation: accepted already, so that tasks of both versions
   * understand each other.
   */
  readonly next?: string;
  /** What it signed with before, newest first. */
  readonly fallbacks: string[];
  /** When each fallback stopped being the key, in seconds since 1970; same order. Django does not need it. */
  readonly retired?: number[];
}

/** Environment variables of the function; both in seconds. */
export const SECRET_KEY_ROTATION = {
  sessionCookieAge: 'SESSION_COOKIE_AGE',
  rotationPeriod: 'ROTATION_PERIOD',
} as const;

/** How many old keys stay valid: enough for a session that began just before its key was replaced. */
export function fallbackLimit(sessionCookieAgeSeconds: number, rotationPeriodSeconds: number): number {
  return Math.ceil(sessionCookieAgeSeconds / rotationPeriodSeconds) + 1;
}
