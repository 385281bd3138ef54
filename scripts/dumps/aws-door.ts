import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

// biome-ignore lint/suspicious/noExplicitAny: what a command of AWS sends and is answered
export type Json = any;

/** What answers an action of a service, such as `ecs.UpdateService`, by its input. */
export type Actions = { readonly [action: string]: (input: Json) => Promise<Json> | Json };

/** The services with the protocol `query`, by their versions. */
const QUERY: Readonly<Record<string, string>> = { '2010-05-15': 'cloudformation', '2014-10-31': 'rds' };
/** Those with JSON, by what their targets begin with. */
const TARGETS: Readonly<Record<string, string>> = {
  AmazonEC2ContainerServiceV20141113: 'ecs',
  AnyScaleFrontendService: 'application-autoscaling',
};

/** APIs of AWS for the command line: answers the actions that are given, and no other. */
export class AwsDoor {
  static async open(actions: Actions): Promise<AwsDoor> {
    const calls: string[] = [];
    const server = createServer((request, response) => {
      void answer(request, actions, calls).then(({ status, type, body }) => {
        response.writeHead(status, { 'content-type': type });
        response.end(body);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new AwsDoor(server, calls);
  }

  private constructor(
    private readonly server: Server,
    /** Every action that was asked for. */
    readonly calls: readonly string[],
  ) {}

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

async function answer(request: IncomingMessage, actions: Actions, calls: string[]): Promise<Answer> {
  const body = await bodyOf(request);
  const { action, input, isQuery } = asked(request, body);
  calls.push(action);
  const type = isQuery ? 'text/xml' : 'application/x-amz-json-1.1';
  try {
    const act = actions[action];
    if (act === undefined) {
      throw new Error(`nobody answers ${action}`);
    }
    const output = await act(input);
    const name = action.split('.')[1];
    const inner = isQuery ? `<${name}Response><${name}Result>${xml(output)}</${name}Result></${name}Response>` : '';
    return { status: 200, type, body: isQuery ? inner : JSON.stringify(output) };
  } catch (error) {
    const { message } = error as Error;
    const said = `<ErrorResponse><Error><Code>Refused</Code><Message>${escaped(message)}</Message></Error></ErrorResponse>`;
    return { status: 400, type, body: isQuery ? said : JSON.stringify({ __type: 'Refused', message }) };
  }
}

function asked({ url = '', headers }: IncomingMessage, body: string) {
  const target = headers['x-amz-target'];
  if (typeof target === 'string') {
    const [prefix, name] = target.split('.');
    return { action: `${TARGETS[prefix] ?? prefix}.${name}`, input: JSON.parse(body), isQuery: false };
  }
  const [, schedule] = /^\/schedules\/([^/?]+)/.exec(url) ?? [];
  if (schedule !== undefined) {
    return { action: 'scheduler.GetSchedule', input: { Name: decodeURIComponent(schedule) }, isQuery: false };
  }
  const input = Object.fromEntries(new URLSearchParams(body));
  return { action: `${QUERY[input.Version] ?? 'unknown'}.${input.Action}`, input, isQuery: true };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** A value as the protocol `query` has it: the items of a list are `member`, or what the list says. */
function xml(value: Json): string {
  if (Array.isArray(value)) {
    return value.map((each) => `<member>${xml(each)}</member>`).join('');
  }
  return value !== null && typeof value === 'object'
    ? Object.entries(value)
        .map(([name, each]) => `<${name}>${xml(each)}</${name}>`)
        .join('')
    : escaped(String(value));
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
