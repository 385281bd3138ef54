/** What to do about a file that a process writes. */
export const READ_ONLY_ADVICE =
  'in AWS the file system is read-only. Log to standard output, make the file when the image is built, write to /tmp what is small and may go with the task, to `temporaryStorage` what is large, and to S3 what must stay';

/** How static files come into the image. */
export const COLLECTSTATIC = 'run collectstatic in the Dockerfile, after the files of the project are copied';

/** What an error of a process means here, and what to do. */
const ADVICE: readonly (readonly [error: RegExp, advice: (found: string) => string])[] = [
  [
    /KeyError: '([A-Z][A-Z0-9_]+)'|Set the ([A-Z][A-Z0-9_]+) environment variable/,
    (name) =>
      `Nothing sets ${name}: give it with \`environment\` or \`secrets\` of the stack, where it may be misspelt, or let the settings do without it`,
  ],
  [
    /ModuleNotFoundError: No module named '([\w.]+)'/,
    (module) =>
      `The image has no module ${module}: \`settingsModule\` of the stack may be misspelt, or the Dockerfile does not install or copy it`,
  ],
  [
    /OperationalError: (unable to open database file|attempt to write a readonly database)/,
    () =>
      'The settings use SQLite, whose file no task can write to: read the variables of the database into DATABASES, with the engine django.db.backends.postgresql',
  ],
  [
    /(?:PermissionError: \[Errno 13\][^']*|Read-only file system: )'([^']+)'/,
    (file) => `It writes to ${file}: ${READ_ONLY_ADVICE}`,
  ],
  [
    /'([\d.]+\/\d+)' does not appear to be an IPv4 or IPv6 address/,
    (network) =>
      `gunicorn before 24.1 takes no network in FORWARDED_ALLOW_IPS (here ${network}): install gunicorn 27.0.1 or later in the image`,
  ],
  [
    // Of uvicorn, gunicorn and Node.js, with the port; of the others without.
    /(?:address |in use: |connect to )\('[^']*', (\d+)\)(?=: address already in use|$|\n)|address already in use [\w.:[\]]*:(\d+)|[Aa]ddress already in use|port is already in use/,
    (port) =>
      `Its command, its ENTRYPOINT or a configuration of its server has a fixed port${port === '' ? '' : `, ${port}`}, and the tasks of the rehearsal share the network of one machine: let the server listen on the variable PORT, which is another one for each task here and 8000 on AWS`,
  ],
  [/Missing staticfiles manifest entry/, () => `The image has no such static file: ${COLLECTSTATIC}`],
];

/** The message of a failed check; its first line ends with what to do about the error, where it is known. */
export function advised(message: string): string {
  const found = ADVICE.flatMap(([error, advice]) => {
    const match = error.exec(message);
    return match === null ? [] : [advice(match.slice(1).find((part) => part !== undefined) ?? '')];
  });
  const [first, ...more] = message.split('\n');
  return [[first, ...found.slice(0, 1)].join('. '), ...more].join('\n');
}
