import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import { listenAsApi } from '../aws/api-server';
import { LOOPBACK } from '../edge/ports';
import type { Sandbox } from '../task/sandbox';
import type { ValkeyServer } from './valkey-server';

/** A user of ElastiCache. */
interface CacheUser {
  readonly name: string;
  readonly access: string;
  readonly passwords: readonly string[];
}

/** ElastiCache's limit. */
const MOST_PASSWORDS = 2;

/** What ElastiCache calls an error, which its client throws. */
class Fault extends Error {
  constructor(
    readonly code: string,
    readonly status = 400,
  ) {
    super(code);
  }
}

/**
 * The users of ElastiCache, as its API makes, changes and deletes them: what a call changes holds in the
 * servers at once.
 *
 * A change is complete when the call is answered, so nobody ever sees the status `modifying`.
 */
export class CacheUsers {
  private readonly users = new Map<string, CacheUser>();

  /** `serversOf` gives the servers that admit a user of an id. */
  constructor(private readonly serversOf: (userId: string) => readonly ValkeyServer[]) {}

  /** Answers the API on loopback for whoever knows the address; gives it. */
  async listen(sandbox: Sandbox): Promise<string> {
    const token = randomBytes(16).toString('hex');
    const server = createServer(async (request, response) => {
      if (request.method !== 'POST' || request.url?.startsWith(`/${token}`) !== true) {
        response.writeHead(403).end();
        return;
      }
      const parameters = new URLSearchParams(await bodyOf(request));
      const action = parameters.get('Action') ?? '';
      try {
        const result = await this.call(action, parameters);
        response.writeHead(200, { 'content-type': 'text/xml' });
        response.end(`<${action}Response><${action}Result>${result}</${action}Result></${action}Response>`);
      } catch (error) {
        const { code, status } = error instanceof Fault ? error : new Fault('InternalFailure', 500);
        response.writeHead(status, { 'content-type': 'text/xml' });
        response.end(`<ErrorResponse><Error><Code>${code}</Code><Message>${code}</Message></Error></ErrorResponse>`);
      }
    });
    const port = await listenAsApi(server, sandbox);
    return `http://${LOOPBACK}:${port}/${token}`;
  }

  /** Makes one call; gives the inside of its result. */
  async call(action: string, parameters: URLSearchParams): Promise<string> {
    const id = parameters.get('UserId') ?? '';
    const user = this.users.get(id);
    if (action === 'CreateUser') {
      if (user !== undefined) {
        throw new Fault('UserAlreadyExists');
      }
      return this.set(id, {
        name: parameters.get('UserName') ?? '',
        access: parameters.get('AccessString') ?? 'off',
        passwords: passwordsIn(parameters),
      });
    }
    if (user === undefined) {
      throw new Fault('UserNotFound', 404);
    }
    switch (action) {
      case 'DescribeUsers':
        return `<Users><member>${described(id, user)}</member></Users>`;
      case 'ModifyUser': {
        const passwords = passwordsIn(parameters);
        const access = parameters.get('AccessString') ?? user.access;
        return this.set(id, { ...user, access, passwords: passwords.length === 0 ? user.passwords : passwords });
      }
      case 'DeleteUser':
        this.users.delete(id);
        await Promise.all(this.serversOf(id).map((server) => server.administer(['ACL', 'DELUSER', user.name])));
        return described(id, user);
      default:
        throw new Fault('InvalidAction');
    }
  }

  private async set(id: string, user: CacheUser): Promise<string> {
    const { name, access, passwords } = user;
    if (passwords.length > MOST_PASSWORDS) {
      throw new Fault('InvalidParameterValue');
    }
    this.users.set(id, user);
    const rules = ['reset', ...access.split(/\s+/), ...passwords.map((password) => `>${password}`)];
    await Promise.all(this.serversOf(id).map((server) => server.administer(['ACL', 'SETUSER', name, ...rules])));
    return described(id, user);
  }
}

function described(id: string, { name, access, passwords }: CacheUser): string {
  const authentication = `<Type>password</Type><PasswordCount>${passwords.length}</PasswordCount>`;
  return `<UserId>${id}</UserId><UserName>${name}</UserName><Status>active</Status><AccessString>${escaped(access)}</AccessString><Authentication>${authentication}</Authentication>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

function passwordsIn(parameters: URLSearchParams): string[] {
  return [...parameters].flatMap(([name, value]) => (/^AuthenticationMode\.Passwords\./.test(name) ? [value] : []));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) {
    body += chunk;
  }
  return body;
}
