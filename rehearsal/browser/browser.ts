import { type ChildProcess, spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { isRoot, type Sandbox } from '../task/sandbox';

/** What the browsers are called that speak the DevTools protocol. */
export const BROWSERS = ['google-chrome', 'google-chrome-stable', 'chromium', 'chromium-browser', 'chrome'];

const MAC = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';
const SECONDS = 60;

/**
 * A browser of this machine, if it has one that says its version.
 *
 * A browser from the snap store is left alone: it may not write into the folder of the run.
 */
export function findBrowser(searchPath = process.env.PATH ?? ''): string | undefined {
  const folders = searchPath.split(path.delimiter).filter((folder) => folder !== '');
  const candidates = BROWSERS.flatMap((name) => folders.map((folder) => path.join(folder, name)));
  return [...candidates, MAC].find((program) => {
    if (!existsSync(program)) {
      return false;
    }
    const { status, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8', timeout: 20_000 });
    return status === 0 && !/snap/i.test(stdout);
  });
}

/** A page that somebody else serves: its document, and where its own server redirects to. */
export interface Page {
  readonly url: string;
  readonly headers?: Record<string, string>;
  /** A path of the page's own server, and where it redirects to. */
  readonly redirects?: Record<string, string>;
}

type Parameters = Record<string, unknown>;

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Parameters;
  readonly sessionId?: string;
  readonly result?: Parameters;
  readonly error?: { readonly message: string };
}

interface Answer {
  readonly resolve: (result: Parameters) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A browser without a window, a profile or protections that a visitor could switch off.
 *
 * Every name means this machine, so it reaches nothing else. It is driven through pipes: no port is open.
 */
export class Browser {
  static async start(sandbox: Sandbox, program: string): Promise<Browser> {
    const folder = sandbox.folder('browser');
    const log = path.join(folder, 'browser.log');
    const file = openSync(log, 'a');
    const child = sandbox.spawn(program, argumentsFor(path.join(folder, 'profile')), {
      stdio: ['ignore', file, file, 'pipe', 'pipe'],
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: folder },
    });
    closeSync(file);
    const browser = new Browser(child);
    try {
      const { product } = await browser.send('Browser.getVersion');
      browser.name = String(product);
    } catch (error) {
      browser.close();
      const said = readFileSync(log, 'utf8').trim().split('\n').at(-1);
      throw new Error(`${program} does not start: ${(error as Error).message}; it said: ${said}`);
    }
    return browser;
  }

  /** Name and version. */
  name = '';
  private readonly answers = new Map<number, Answer>();
  private readonly pages = new Map<string, Page>();
  private readonly input: Writable;
  private last = 0;
  private rest = '';

  private constructor(private readonly child: ChildProcess) {
    const [, , , input, output] = child.stdio as [null, null, null, Writable, Readable];
    this.input = input;
    input.on('error', () => undefined);
    output.setEncoding('utf8');
    output.on('data', (text: string) => this.read(text));
    child.once('error', (error) => this.end(error));
    child.once('exit', () => this.end(new Error('the browser has ended')));
  }

  /**
   * Opens a page, runs a script in it, and gives what the script returns.
   *
   * Each page has a window of its own: a tab behind another loads little.
   */
  async run<T>(page: Page, script: string): Promise<T> {
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank', newWindow: true });
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
    const tab = String(sessionId);
    this.pages.set(tab, page);
    const patterns = [page.url, ...Object.keys(page.redirects ?? {})].map((urlPattern) => ({ urlPattern }));
    await this.send('Fetch.enable', { patterns }, tab);
    const { errorText } = await this.send('Page.navigate', { url: page.url }, tab);
    if (errorText !== undefined) {
      throw new Error(`${page.url}: ${errorText}`);
    }
    const { result, exceptionDetails } = await this.send(
      'Runtime.evaluate',
      { expression: script, awaitPromise: true, returnByValue: true },
      tab,
    );
    if (exceptionDetails !== undefined) {
      throw new Error(`the script of ${page.url} failed: ${JSON.stringify(exceptionDetails).slice(0, 500)}`);
    }
    return (result as { value: T }).value;
  }

  close(): void {
    this.child.kill('SIGKILL');
  }

  private send(method: string, params: Parameters = {}, sessionId?: string): Promise<Parameters> {
    this.last += 1;
    const id = this.last;
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`${method}: no answer within ${SECONDS} s`)), SECONDS * 1000);
      const settled = () => {
        clearTimeout(late);
        this.answers.delete(id);
      };
      this.answers.set(id, {
        resolve: (result) => {
          settled();
          resolve(result);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      });
      this.input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  }

  /** Messages end with a zero. */
  private read(text: string): void {
    const messages = (this.rest + text).split('\0');
    this.rest = messages.pop() ?? '';
    for (const message of messages) {
      this.take(JSON.parse(message) as Message);
    }
  }

  private take({ id, method, params, sessionId, result, error }: Message): void {
    const answer = id === undefined ? undefined : this.answers.get(id);
    if (answer !== undefined) {
      error === undefined ? answer.resolve(result ?? {}) : answer.reject(new Error(error.message));
    } else if (method === 'Fetch.requestPaused') {
      this.serve(params ?? {}, String(sessionId));
    }
  }

  /** Answers in the place of the page's server, whatever its name and port stand for otherwise. */
  private serve({ requestId, request }: Parameters, tab: string): void {
    const page = this.pages.get(tab);
    const location = page?.redirects?.[(request as { url: string }).url];
    const headers =
      location === undefined
        ? { 'content-type': 'text/html', ...page?.headers }
        : { location, 'access-control-allow-origin': '*' };
    const answer = {
      requestId,
      responseCode: location === undefined ? 200 : 307,
      responseHeaders: Object.entries(headers).map(([name, value]) => ({ name, value })),
      body: Buffer.from('<!doctype html><title>A page</title><body></body>').toString('base64'),
    };
    this.send('Fetch.fulfillRequest', answer, tab).catch(() => undefined);
  }

  private end(error: Error): void {
    for (const answer of [...this.answers.values()]) {
      answer.reject(error);
    }
  }
}

/** What a browser protects by itself is switched off: the doubles must hold without it. */
function argumentsFor(profile: string): string[] {
  return [
    '--headless=new',
    '--remote-debugging-pipe',
    `--user-data-dir=${profile}`,
    '--host-resolver-rules=MAP * 127.0.0.1',
    '--no-proxy-server',
    '--ignore-certificate-errors',
    '--disable-features=LocalNetworkAccessChecks,PrivateNetworkAccessSendPreflights,HttpsUpgrades',
    '--disable-popup-blocking',
    '--disable-background-networking',
    '--disable-backgrounding-occluded-windows',
    '--disable-renderer-backgrounding',
    '--disable-component-update',
    '--disable-dev-shm-usage',
    '--disable-extensions',
    '--disable-gpu',
    '--disable-sync',
    '--no-default-browser-check',
    '--no-first-run',
    '--password-store=basic',
    '--use-mock-keychain',
    // Its sandbox refuses to run as root. The only page that it opens is ours.
    ...(isRoot() ? ['--no-sandbox'] : []),
    'about:blank',
  ];
}
