/** What the rehearsal does with a part of a Dockerfile. */
export type Verdict = 'followed' | 'announced' | 'refused';

export interface Rule {
  /** As in a Dockerfile, for the table in rehearsal/README.md. */
  readonly form: string;
  readonly verdict: Verdict;
  /** What is done, or why it has no effect or cannot be followed. */
  readonly what: string;
}

const FOLLOWED = 'followed' as const;
const ANNOUNCED = 'announced' as const;
const REFUSED = 'refused' as const;

/** Programs that a step of a build calls without an effect here, by the rule that says why. */
export const STAND_INS = {
  packages: ['apt-get', 'apt', 'apk', 'yum', 'dnf', 'microdnf', 'zypper', 'dpkg', 'add-apt-repository'],
  users: ['useradd', 'adduser', 'groupadd', 'addgroup', 'usermod', 'userdel', 'groupdel', 'deluser', 'passwd'],
  chown: ['chown', 'chgrp'],
  system: [
    ...['ldconfig', 'locale-gen', 'update-locale', 'update-ca-certificates', 'update-alternatives', 'setcap'],
    ...['sysctl', 'systemctl', 'service', 'dpkg-reconfigure', 'debconf-set-selections'],
  ],
};

const named = (programs: string[]) => programs.map((program) => `\`${program}\``).join(', ');

/**
 * The one table of what is followed and what is not: the reader takes its reasons from here, and
 * rehearsal/README.md shows it.
 */
export const RULES = {
  syntax: {
    form: '`# syntax`, `# escape`, comments, continued lines, CRLF, a byte order mark, heredocs, JSON forms',
    verdict: FOLLOWED,
    what: "as BuildKit's parser reads them",
  },
  FROM: {
    form: '`FROM` an earlier stage, `scratch`, Python, Node, uv, Debian, Ubuntu, Alpine',
    verdict: FOLLOWED,
    what: 'an empty folder with the Python that the tag names, found on PATH, in pyenv or by uv; exit code 77 where this machine has none',
  },
  unknownBase: {
    form: '`FROM` another image',
    verdict: REFUSED,
    what: 'this machine has no files of that image; with `--python` it counts as an image with that Python',
  },
  assumedBase: {
    form: '`FROM` another image with the name of one of these, such as `registry.example/python`',
    verdict: ANNOUNCED,
    what: 'taken as the official image: ENTRYPOINT of the base is not known. Write your own, or its image as in `docker.io/library/python`',
  },
  platform: {
    form: '`--platform`',
    verdict: ANNOUNCED,
    what: 'programs and packages are those of this machine',
  },
  otherStage: {
    form: 'a stage that the target does not need',
    verdict: ANNOUNCED,
    what: 'the target does not need it',
  },
  ARG: {
    form: '`ARG` and `ENV`, before `FROM` and in a stage, predefined, build arguments of the asset, `$x` and its forms in braces',
    verdict: FOLLOWED,
    what: 'in the order of the lines',
  },
  COPY: {
    form: '`COPY`, `ADD` of files, globs, folders, heredocs; `--from`, `--chmod`, `--exclude`, `--parents`, `.dockerignore`',
    verdict: FOLLOWED,
    what: 'as BuildKit copies; ADD unpacks archives, without `--unpack=false`',
  },
  chown: {
    form: `\`--chown\`, ${named(STAND_INS.chown)}`,
    verdict: ANNOUNCED,
    what: "an image's files are read-only to a task, whoever owns them",
  },
  link: { form: '`--link`', verdict: ANNOUNCED, what: 'it changes how layers are stored, not what they hold' },
  addUrl: {
    form: '`ADD` of an address, with `--checksum`',
    verdict: FOLLOWED,
    what: 'it is downloaded',
  },
  unpackUrl: {
    form: '`ADD --unpack` of an address',
    verdict: REFUSED,
    what: 'the rehearsal unpacks archives of the build context alone: leave --unpack out, and unpack in a step of RUN',
  },
  rdsCertificates: {
    form: "`ADD` of RDS's certificate bundle",
    verdict: ANNOUNCED,
    what: 'the rehearsed PostgreSQL has a certificate authority of its own, which takes the place of that file',
  },
  addGit: { form: '`ADD` of a git repository', verdict: REFUSED, what: 'the rehearsal clones nothing' },
  imageFiles: {
    form: '`COPY --from` another image than Python, Node and uv',
    verdict: REFUSED,
    what: 'this machine has no files of that image',
  },
  RUN: {
    form: '`RUN` in each form: pip, uv, poetry, pipenv, pdm, npm, manage.py, loops, conditions, scripts',
    verdict: FOLLOWED,
    what: "run for real by the stage's shell, with the image's folder as `/`; its Python is a virtual environment, where `pip install --user` fails: leave `--user` out",
  },
  packages: {
    form: `${named(STAND_INS.packages)} in RUN`,
    verdict: ANNOUNCED,
    what: "packages of the operating system are this machine's own; install there what a step then misses",
  },
  users: {
    form: `${named(STAND_INS.users)} in RUN`,
    verdict: ANNOUNCED,
    what: "a name for /etc/passwd and a home folder; tasks run as the template's user",
  },
  system: {
    form: `${named(STAND_INS.system)} in RUN`,
    verdict: ANNOUNCED,
    what: 'settings of the operating system are those of this machine',
  },
  mounts: {
    form: '`RUN --mount` of type bind, cache, tmpfs',
    verdict: FOLLOWED,
    what: 'a cache is a folder that lasts',
  },
  secretMount: {
    form: '`RUN --mount` of type secret or ssh',
    verdict: ANNOUNCED,
    what: 'the rehearsal has no secret for a build: the file is absent, as BuildKit has it',
  },
  requiredMount: {
    form: '… with `required`',
    verdict: REFUSED,
    what: 'the rehearsal has no secret for a build',
  },
  network: { form: '`RUN --network`', verdict: ANNOUNCED, what: 'a step has the network of this machine' },
  security: {
    form: '`RUN --security=insecure`, `RUN --device`',
    verdict: REFUSED,
    what: 'the rehearsal gives no step more powers than your own user has',
  },
  SHELL: { form: '`SHELL` of a POSIX shell', verdict: FOLLOWED, what: 'it must be on this machine' },
  foreignShell: { form: '`SHELL` of PowerShell or cmd', verdict: REFUSED, what: 'it is not a shell of Linux' },
  WORKDIR: {
    form: '`WORKDIR`, `ENTRYPOINT`, `CMD`, `STOPSIGNAL`',
    verdict: FOLLOWED,
    what: 'a task starts with them unless its definition says otherwise',
  },
  USER: {
    form: '`USER`',
    verdict: ANNOUNCED,
    what: "steps of a build run as one user; a task runs as the template's",
  },
  LABEL: { form: '`LABEL`, `MAINTAINER`', verdict: ANNOUNCED, what: 'it has no effect on a process' },
  EXPOSE: { form: '`EXPOSE`', verdict: ANNOUNCED, what: 'the port is the one of the task definition' },
  VOLUME: { form: '`VOLUME`', verdict: ANNOUNCED, what: 'what a task may write to is in its definition' },
  HEALTHCHECK: { form: '`HEALTHCHECK`', verdict: ANNOUNCED, what: 'ECS looks at the one of the task definition alone' },
  ONBUILD: { form: '`ONBUILD`', verdict: ANNOUNCED, what: 'it concerns images that are built upon this one' },
  inheritedOnbuild: {
    form: '`FROM` a stage with `ONBUILD`',
    verdict: REFUSED,
    what: 'the rehearsal does not replay instructions of ONBUILD',
  },
  invalid: { form: 'what BuildKit refuses, too', verdict: REFUSED, what: 'no builder takes it' },
} satisfies Record<string, Rule>;

/** Ways to rehearse in spite of a line that is refused. */
export const WAYS_OUT =
  'Ways out: --prepared FOLDER (the folder of an image that is already built), --python VERSION (the Python of an ' +
  'image that is not known here), --requirements FILE (packages instead of those that the Dockerfile installs), ' +
  'or a machine with a container engine.';

/** The table in Markdown. */
export function rulesTable(): string {
  const rows = Object.values<Rule>(RULES).map(({ form, verdict, what }) => `| ${form} | ${verdict} | ${what} |`);
  return ['| in the Dockerfile | here | how, or why |', '|---|---|---|', ...rows].join('\n');
}

/** Those of the programs that do nothing here, by the rule that says why. */
export function standInsOf(called: Iterable<string>): { readonly programs: string[]; readonly why: string }[] {
  const names = new Set(called);
  return (Object.keys(STAND_INS) as (keyof typeof STAND_INS)[])
    .map((rule) => ({ programs: STAND_INS[rule].filter((program) => names.has(program)), why: RULES[rule].what }))
    .filter(({ programs }) => programs.length > 0);
}

/** Thrown while a line is read: the line is refused. */
export class Refused extends Error {}
