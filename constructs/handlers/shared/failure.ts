/**
 * An error whose message this project wrote, so that it holds no secret and may be logged. Anything else — an
 * SDK error that echoes the request, a JSON.parse error that quotes what it read — is reduced to its name
 * before it leaves a handler.
 */
export class Failure extends Error {
  public constructor(message: string) {
    super(message);
    this.name = 'Failure';
  }
}

/**
 * The error to throw out of a handler: never with the message, the stack or the cause of somebody else's
 * error.
 */
export function safeFailure(context: string, error: unknown): Failure {
  return new Failure(`${context}: ${error instanceof Failure ? error.message : nameOf(error)}`);
}

/** Whether an AWS client says that the same call may work later. */
export function isTransient(error: unknown): boolean {
  const { name, $retryable, $metadata } = asFields(error);
  return (
    $retryable !== undefined ||
    TRANSIENT.test(String(name)) ||
    Number((($metadata ?? {}) as { httpStatusCode?: number }).httpStatusCode) >= 500
  );
}

/** The name or code of an error: what is known of it without its message. */
export function nameOf(error: unknown): string {
  const { name, code } = asFields(error);
  const known = [name, code].filter(
    (part) => typeof part === 'string' && /^[\w.]{1,64}$/.test(part) && part !== 'error',
  );
  return known.length > 0 ? known.join(' ') : 'Error';
}

const TRANSIENT =
  /Throttl|TooManyRequests|RequestLimitExceeded|ServerException|ServiceUnavailable|InternalService|InternalFailure|Timeout|ECONNRESET|NetworkingError/;

function asFields(error: unknown): { [name: string]: unknown } {
  return typeof error === 'object' && error !== null ? (error as { [name: string]: unknown }) : {};
}
