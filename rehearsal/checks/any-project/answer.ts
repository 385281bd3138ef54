import type { Rehearsal } from '../../rehearsal';
import { expect } from '../check';
import { type Ended, manageOf, successful } from '../one-off';

/** What stands before the line that the rehearsal reads, among whatever a project prints. */
export const MARK = 'rehearsal:';

const QUESTION = `
import json
from django.conf import settings
from django.db import connection
from django.urls import NoReverseMatch, reverse
def path(name):
    try:
        return reverse(name)
    except NoReverseMatch:
        return None
def database():
    answer = {"vendor": connection.vendor, "name": str(connection.settings_dict["NAME"])}
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT inet_server_port()")
            [answer["port"]] = cursor.fetchone()
        driver = connection.connection  # psycopg 3, and psycopg2.
        answer["tls"] = bool((getattr(driver, "pgconn", None) or driver.info).ssl_in_use)
    return answer
try:
    answer = database()
except Exception as error:
    answer = {"error": f"{type(error).__name__}: {error}"}
print("${MARK}" + json.dumps({
    "debug": bool(settings.DEBUG), "login": path("admin:login"), "index": path("admin:index"), "database": answer,
}))
`;

/** What a project says about itself. */
export interface Answer {
  readonly debug: boolean;
  /** The path of the admin's login, where there is an admin. */
  readonly login: string | null;
  /** The first page of the admin. */
  readonly index: string | null;
  /** The default database of the settings. */
  readonly database: {
    readonly vendor?: string;
    readonly name?: string;
    readonly tls?: boolean;
    readonly port?: number;
    /** Why it could not be asked. */
    readonly error?: string;
  };
}

const answers = new WeakMap<Rehearsal, Promise<Answer>>();

/** Asks a project once, with the settings of a web task. */
export function askProject(rehearsal: Rehearsal): Promise<Answer> {
  const answer = answers.get(rehearsal) ?? evaluate<Answer>(rehearsal, QUESTION);
  answers.set(rehearsal, answer);
  return answer;
}

/** Runs Python in a web task's environment, and gives what it prints as JSON after the mark. */
export async function evaluate<T>(
  rehearsal: Rehearsal,
  python: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<T> {
  return answerOf(await successful(rehearsal, shell(rehearsal, python), environment));
}

/** The words that run Python with the settings of a project. */
export function shell(rehearsal: Rehearsal, python: string): string[] {
  return [...manageOf(rehearsal), 'shell', '-c', python];
}

/** What Python has printed as JSON after the mark. */
export function answerOf<T>({ lines }: Pick<Ended, 'lines'>): T {
  const line = lines.find((one) => one.startsWith(MARK));
  expect(line !== undefined, `manage.py shell printed nothing of what it was asked: ${lines.slice(-1)}`);
  return JSON.parse(line.slice(MARK.length)) as T;
}
