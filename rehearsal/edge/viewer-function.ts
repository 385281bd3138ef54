import type http from 'node:http';
import { runInNewContext } from 'node:vm';

/** An answer of the distribution itself. */
export interface ViewerAnswer {
  readonly status: number;
  readonly headers?: http.IncomingHttpHeaders;
  readonly body?: string;
}

/** Milliseconds that a function may take. */
const LONGEST = 1000;

type Values = Record<string, { value: string }>;

/**
 * Runs a function of CloudFront for a viewer's request: sets the headers that it sets, or gives its answer.
 *
 * It sees method, path and headers, and may change the headers alone.
 */
export function runViewerFunction(
  code: string | undefined,
  { method, url = '/', headers }: Pick<http.IncomingMessage, 'method' | 'url' | 'headers'>,
  viewer: string,
): ViewerAnswer | undefined {
  if (code === undefined) {
    return undefined;
  }
  const [uri] = url.split('?');
  const request = { method, uri, querystring: {}, cookies: {}, headers: valuesOf(headers) };
  const event = JSON.stringify({ version: '1.0', context: {}, viewer: { ip: viewer }, request });
  const text: string = runInNewContext(`${code}\n;JSON.stringify(handler(${event}))`, {}, { timeout: LONGEST });
  const result = JSON.parse(text);
  if (result.statusCode !== undefined) {
    const { data } = result.body ?? {};
    return { status: result.statusCode, headers: textsOf(result.headers ?? {}), body: data };
  }
  const changed = textsOf(result.headers);
  for (const [name, value] of Object.entries(changed)) {
    if (value !== request.headers[name]?.value) {
      headers[name] = value;
    }
  }
  for (const name of Object.keys(request.headers).filter((each) => changed[each] === undefined)) {
    delete headers[name];
  }
  return undefined;
}

function valuesOf(headers: http.IncomingHttpHeaders): Values {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, { value: [value].flat().join(', ') }]),
  );
}

function textsOf(values: Values): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, { value }]) => [name, value]));
}
