// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are a Dockerfile's
import type { BuildOptions, ImageDefaults } from '../../../../rehearsal/image/dockerfile/plan';

/** A form of a Dockerfile, and what is made of it. */
export interface Form {
  readonly name: string;
  readonly text: string;
  readonly options?: BuildOptions;
  /** Steps, as `shown` shows them. The line with FROM is left out where it is `1 from python 3.12`. */
  readonly steps?: string[];
  /** Lines without an effect here, with a part of the reason. */
  readonly announced?: [number, string][];
  /** Lines that cannot be followed, with a part of the reason. */
  readonly refused?: [number, string][];
  readonly defaults?: Partial<ImageDefaults>;
}

const PYTHON = 'FROM python:3.12-slim\n';
/** A Dockerfile that begins with Python 3.12. */
const on = (text: string) => PYTHON + text;

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const GRAMMAR: Form[] = [
  { name: 'a continued line', text: on('RUN a \\\n  b\n'), steps: ['2 run /$ a   b'] },
  {
    name: 'comments and empty lines within a continued line',
    text: on('RUN a && \\\n# no\n\n  # nor this\n b\n'),
    steps: ['2 run /$ a &&  b'],
  },
  { name: 'blanks after the backslash', text: on('RUN a \\  \n b\nRUN c\n'), steps: ['2 run /$ a  b', '4 run /$ c'] },
  {
    name: 'lines that end with CR and LF',
    text: 'FROM python:3.12-slim\r\nRUN a \\\r\n b\r\nCMD ["x"]\r\n',
    steps: ['2 run /$ a  b'],
    defaults: { command: ['x'] },
  },
  { name: 'a byte order mark', text: `\ufeff${on('RUN a\n')}`, steps: ['2 run /$ a'] },
  {
    name: 'another escape character',
    text: `# escape=\`\n${on('RUN a `\n b\nWORKDIR C\\d\n')}`,
    steps: ['2 from python 3.12', '3 run /$ a  b', '5 folder /C\\d'],
  },
  {
    name: '# escape that is too late',
    text: on('# escape=`\nRUN a `\nRUN b\n'),
    steps: ['3 run /$ a `', '4 run /$ b'],
  },
  {
    name: '# syntax and # check',
    text: `# syntax=docker/dockerfile:1\n# check=skip=all\n${on('RUN a\n')}`,
    steps: ['3 from python 3.12', '4 run /$ a'],
  },
  { name: 'small letters', text: 'from python:3.12-slim as x\nrun a\n', steps: ['2 run /$ a'] },
  { name: 'no end of the last line', text: 'FROM python:3.12-slim\nRUN a', steps: ['2 run /$ a'] },
  { name: 'a backslash at the end of the file', text: on('RUN a \\\n'), steps: ['2 run /$ a'] },
  {
    name: 'a directive that is given twice',
    text: `# escape=\`\n# escape=\`\n${PYTHON}`,
    refused: [[2, 'given twice']],
  },
  { name: 'an escape character that is none', text: `# escape=x\n${PYTHON}`, refused: [[1, 'escape may be']] },
  { name: 'an unknown instruction', text: on('RUNN a\n'), refused: [[2, 'no instruction is named RUNN']] },
  { name: 'nothing but comments', text: '# nothing\n', refused: [[1, 'no instruction']] },
  { name: 'no FROM', text: 'RUN a\n', refused: [[1, 'only ARG may stand before']] },
  { name: 'an unknown flag', text: on('COPY --form=x a b\n'), refused: [[2, 'no flag --form']] },
  { name: 'a flag without its value', text: on('COPY --from a b\n'), refused: [[2, '--from needs a value']] },
  {
    name: 'a flag of an instruction that has none',
    text: on('WORKDIR --x /a\n'),
    refused: [[2, 'WORKDIR has no flag --x']],
  },
];

const STAGES: Form[] = [
  {
    name: 'FROM an earlier stage, whose name is written otherwise',
    text: 'FROM python:3.12 AS Base\nENV A=1\nWORKDIR /b\nFROM BASE\nRUN x\n',
    steps: ['1 from python 3.12', '3 folder /b', '4 from stage 0', '5 run /b$ x'],
    defaults: { workingDirectory: '/b', environment: { PATH, A: '1' } },
  },
  {
    name: 'a stage that the target does not need',
    text: 'FROM python:3.12 AS a\nFROM golang:1 AS b\nRUN go build\nFROM a\nRUN x\n',
    steps: ['1 from python 3.12', '4 from stage 0', '5 run /$ x'],
    announced: [[2, 'the target does not need it: stage b']],
  },
  {
    name: 'a target by name',
    text: 'FROM python:3.12 AS a\nRUN x\nFROM a AS Prod\nRUN y\nFROM a AS test\nRUN z\n',
    options: { target: 'prod' },
    steps: ['1 from python 3.12', '2 run /$ x', '3 from stage 0', '4 run /$ y'],
    announced: [[5, 'stage test']],
  },
  {
    name: 'a target by number',
    text: 'FROM python:3.12 AS a\nRUN x\nFROM a\nRUN y\n',
    options: { target: '0' },
    steps: ['1 from python 3.12', '2 run /$ x'],
    announced: [[3, 'stage 1']],
  },
  {
    name: 'a target that is not there',
    text: 'FROM python:3.12 AS a\n',
    options: { target: 'prod' },
    refused: [[1, 'no stage is named prod, only: a']],
  },
  {
    name: 'COPY --from a name and a number',
    text: 'FROM python:3.12 AS a\nFROM node:20 AS b\nFROM python:3.12\nCOPY --from=A /x /x\nCOPY --from=1 /y /y/\n',
    steps: [
      '1 from python 3.12',
      '2 from node',
      '3 from python 3.12',
      '4 copy stage 0:/x -> /x',
      '5 copy stage 1:/y -> /y/',
    ],
  },
  {
    name: 'COPY --from a later stage',
    text: 'FROM python:3.12\nCOPY --from=1 /x /x\nFROM python:3.12\n',
    options: { target: '0' },
    refused: [[2, 'only earlier stages have a number']],
    announced: [[3, 'stage 1']],
  },
  {
    name: 'COPY --from uv',
    text: on('COPY --from=ghcr.io/astral-sh/uv:0.9 /uv /uvx /bin/\n'),
    steps: ['2 copy ghcr.io/astral-sh/uv:0.9:/uv ghcr.io/astral-sh/uv:0.9:/uvx -> /bin/'],
  },
  {
    name: 'COPY --from an image that is not here',
    text: on('COPY --from=nginx:1 /etc/nginx /etc/nginx\n'),
    refused: [[2, 'no files of that image: nginx:1']],
  },
  {
    name: 'COPY --from with a variable',
    text: on('ARG X=a\nCOPY --from=$X /a /a\n'),
    refused: [[3, 'may hold no variable']],
  },
  {
    name: 'FROM an unknown image',
    text: 'FROM company/django:7\nRUN x\n',
    refused: [[1, 'it counts as an image with that Python: company/django:7']],
  },
  {
    name: 'FROM an unknown image with --python',
    text: 'FROM company/django:7\nRUN x\n',
    options: { python: '3.12' },
    steps: ['1 from python 3.12', '2 run /$ x'],
    announced: [[1, 'is taken for an image with Python 3.12']],
  },
  {
    name: 'FROM with a platform',
    text: 'FROM --platform=$BUILDPLATFORM python:3.12\n',
    steps: ['1 from python 3.12'],
    announced: [[1, '--platform=linux/']],
  },
  { name: 'FROM scratch', text: 'FROM scratch\nCOPY a /a\n', steps: ['1 from scratch', '2 copy a -> /a'] },
  { name: 'FROM two words', text: 'FROM python:3.12 x\n', refused: [[1, 'FROM takes an image']] },
  { name: 'a name that is none', text: 'FROM python:3.12 AS 1x\n', refused: [[1, '1x is no name for a stage']] },
  { name: 'ONBUILD', text: on('ONBUILD COPY . /app\n'), steps: [], announced: [[2, 'built upon this one']] },
  {
    name: 'FROM a stage with ONBUILD',
    text: 'FROM python:3.12 AS a\nONBUILD RUN x\nFROM a\n',
    refused: [[3, 'does not replay']],
    announced: [[2, 'built upon']],
  },
  { name: 'ONBUILD of ONBUILD', text: on('ONBUILD ONBUILD RUN x\n'), refused: [[2, 'ONBUILD may not hold ONBUILD']] },
  {
    name: 'a named context',
    text: on('COPY --from=assets x /x\n'),
    options: { contexts: { assets: '/srv/assets' } },
    steps: ['2 copy /srv/assets:x -> /x'],
  },
];

const VARIABLES: Form[] = [
  {
    name: 'ARG of a folder',
    text: on('ARG APP_HOME=/app\nWORKDIR ${APP_HOME}\nCOPY . ${APP_HOME}\n'),
    steps: ['3 folder /app', '4 copy . -> /app'],
  },
  {
    name: 'ARG before FROM, and again in the stage',
    text: 'ARG V=3.12\nARG T=$V-slim\nFROM python:$T\nRUN a$V\nARG V\nRUN b\nWORKDIR /w/$V\n',
    steps: ['3 from python 3.12', '4 run /$ a$V', '6 run /$ b', '7 folder /w/3.12'],
  },
  {
    name: 'ARG before FROM is not seen in a stage',
    text: 'ARG D=/x\nFROM python:3.12-slim\nWORKDIR /a$D\n',
    steps: ['2 from python 3.12', '3 folder /a'],
  },
  {
    name: 'a build argument instead of the default',
    text: on('ARG D=/x\nWORKDIR $D\n'),
    options: { buildArgs: { D: '/y' } },
    steps: ['3 folder /y'],
  },
  {
    name: 'a build argument of FROM',
    text: 'ARG V\nFROM python:$V\n',
    options: { buildArgs: { V: '3.13' } },
    steps: ['2 from python 3.13'],
  },
  {
    name: 'a build argument that no ARG names',
    text: on('WORKDIR /a$D\n'),
    options: { buildArgs: { D: 'x' } },
    steps: ['2 folder /a'],
  },
  { name: 'a FROM whose ARG has no value', text: 'ARG V\nFROM $V\n', refused: [[2, 'its ARG has no value']] },
  {
    name: 'predefined arguments',
    text: on(
      'ARG TARGETARCH\nARG TARGETPLATFORM\nWORKDIR /$TARGETARCH\nWORKDIR /$TARGETPLATFORM\nWORKDIR /x$TARGETOS\n',
    ),
    options: { platform: 'linux/arm64' },
    steps: ['4 folder /arm64', '5 folder /linux/arm64', '6 folder /x'],
  },
  { name: 'several ARG in a line', text: on('ARG A=a B="b c" C\nWORKDIR /$A/$B/$C\n'), steps: ['3 folder /a/b c'] },
  { name: 'the old form of ENV', text: on('ENV A b  c\n'), steps: [], defaults: { environment: { PATH, A: 'b  c' } } },
  {
    name: 'ENV with quotes, escapes and several variables',
    text: on('ENV A="b c" D=e\\ f G=\'$A h\' \\\n J=k\n'),
    steps: [],
    defaults: { environment: { PATH, A: 'b c', D: 'e f', G: '$A h', J: 'k' } },
  },
  {
    name: 'ENV reads before it sets',
    text: on('ENV A=1\nENV A=2 B=$A\n'),
    steps: [],
    defaults: { environment: { PATH, A: '2', B: '1' } },
  },
  {
    name: 'PATH of the base',
    text: on('ENV PATH="/opt/venv/bin:$PATH"\n'),
    steps: [],
    defaults: { environment: { PATH: `/opt/venv/bin:${PATH}` } },
  },
  {
    name: 'defaults and alternatives',
    text: on('ENV A=a E=\nWORKDIR /${A:-x}/${U:-y}/${E:-z}/${E-w}/${A:+v}/${U:+u}\n'),
    steps: ['3 folder /a/y/z/v'],
  },
  {
    name: 'prefixes and suffixes',
    text: on('ENV F=a/b.tar.gz\nWORKDIR /${F##*/}/${F#*/}/${F%.*}/${F%%.*}\n'),
    steps: ['3 folder /b.tar.gz/b.tar.gz/a/b.tar/a/b'],
  },
  { name: 'replacements', text: on('ENV F=a-b-c\nWORKDIR /${F/-/_}/${F//-/_}\n'), steps: ['3 folder /a_b-c/a_b_c'] },
  { name: 'a variable that must be set', text: on('WORKDIR /${U:?give U}\n'), refused: [[2, 'U: give U']] },
  { name: 'a dollar that is escaped', text: on('WORKDIR /\\$A\n'), steps: ['2 folder /$A'] },
  { name: 'a substitution that is none', text: on('WORKDIR /${A!x}\n'), refused: [[2, 'is no substitution']] },
  { name: 'a quote that does not close', text: on('WORKDIR "/a\n'), refused: [[2, 'is not closed']] },
  { name: 'ENV without a value', text: on('ENV A\n'), refused: [[2, 'needs a name and a value']] },
  { name: 'ENV with a word between', text: on('ENV A=1 B\n'), refused: [[2, 'B is not of the form NAME=VALUE']] },
];

const COPIES: Form[] = [
  {
    name: 'globs',
    text: on('WORKDIR /app\nCOPY requirements*.txt ./\n'),
    steps: ['2 folder /app', '3 copy requirements*.txt -> /app/'],
  },
  { name: 'the JSON form with blanks', text: on('COPY ["a b", "c d/"]\n'), steps: ['2 copy a b -> /c d/'] },
  { name: 'several sources and no slash', text: on('COPY a b /x\n'), refused: [[2, 'ends with /']] },
  { name: 'one word', text: on('COPY a\n'), refused: [[2, 'needs a source and a destination']] },
  {
    name: 'owner, mode and link',
    text: on('COPY --chown=app:app --chmod=755 --link a /b\n'),
    steps: ['2 copy a -> /b mode 755'],
    announced: [
      [2, '--chown'],
      [2, '--link'],
    ],
  },
  { name: 'a mode that is none', text: on('COPY --chmod=9 a /b\n'), refused: [[2, '--chmod=9 is no mode']] },
  {
    name: 'what is left out, with parents',
    text: on('COPY --exclude=*.pyc --exclude=tests --parents a/./b /c/\n'),
    steps: ['2 copy a/./b -> /c/ without *.pyc without tests with parents'],
  },
  {
    name: 'documents',
    text: on('ENV V=1\nCOPY <<a.txt <<"b.txt" /x/\n$V "q"\na.txt\n$V\nb.txt\nRUN x\n'),
    steps: ['3 copy <<a.txt="1 \\"q\\"\\n" <<b.txt="$V\\n" -> /x/', '8 run /$ x'],
  },
  { name: 'a document whose tabs are cut', text: on('COPY <<-E /x\n\ta\n\tE\n'), steps: ['2 copy <<E="a\\n" -> /x'] },
  { name: 'a document without an end', text: on('COPY <<E /x\na\n'), refused: [[2, 'the heredoc E does not end']] },
  { name: 'ADD of an archive', text: on('ADD a.tar.gz /x/\n'), steps: ['2 add a.tar.gz -> /x/'] },
  {
    name: 'ADD of an address',
    text: on('ADD --checksum=sha256:0 --chmod=444 https://example.com/a /a\n'),
    steps: ['2 download https://example.com/a -> /a mode 444'],
  },
  {
    name: "ADD of RDS's certificates",
    text: on('ADD https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem /a\n'),
    steps: [],
    announced: [[2, 'certificate authority of its own']],
  },
  { name: 'ADD of a repository', text: on('ADD https://github.com/a/b.git /b\n'), refused: [[2, 'clones nothing']] },
  { name: 'COPY of an address', text: on('COPY https://example.com/a /a\n'), refused: [[2, 'COPY takes no address']] },
];

const RUNS: Form[] = [
  { name: 'the exec form', text: on('RUN ["pip", "install", "x y"]\n'), steps: ['2 run /$ ["pip","install","x y"]'] },
  { name: 'a test that looks like JSON', text: on('RUN [ -f x ] && y\n'), steps: ['2 run /$ [ -f x ] && y'] },
  { name: 'a list that holds a number', text: on('RUN ["a", 1]\n'), refused: [[2, 'texts alone']] },
  {
    name: 'a heredoc',
    text: on('RUN <<EOF\nset -e\n# a comment\nfor i in 1 2; do echo $i; done\nEOF\nRUN x\n'),
    steps: ['2 run /$ set -e\n# a comment\nfor i in 1 2; do echo $i; done\n', '7 run /$ x'],
  },
  {
    name: 'a heredoc for another program',
    text: on('RUN python <<EOF > /x\nprint(1)\nEOF\n'),
    steps: ['2 run /$ python <<EOF > /x\nprint(1)\nEOF'],
  },
  {
    name: 'a heredoc with an interpreter',
    text: on('RUN <<EOF\n#!/usr/bin/env python\nprint(1)\nEOF\n'),
    steps: ['2 run /$ script #!/usr/bin/env python\nprint(1)\n'],
  },
  {
    name: 'variables are left to the shell',
    text: on('ARG REQ=prod\nRUN pip install -r requirements/$REQ.txt\n'),
    steps: ['3 run /$ pip install -r requirements/$REQ.txt'],
  },
  {
    name: 'another shell',
    text: on('SHELL ["/bin/bash", "-o", "pipefail", "-c"]\nRUN a | b\nCMD x\n'),
    steps: ['3 run /$ ["/bin/bash","-o","pipefail","-c","a | b"]'],
    defaults: { command: ['/bin/bash', '-o', 'pipefail', '-c', 'x'] },
  },
  { name: 'PowerShell', text: on('SHELL ["powershell", "-command"]\n'), refused: [[2, 'not a shell of Linux']] },
  { name: 'SHELL without a list', text: on('SHELL /bin/bash -c\n'), refused: [[2, 'takes a list in JSON']] },
  {
    name: 'packages of the system',
    text: on('RUN apt-get update && apt-get install -y --no-install-recommends gcc && rm -rf /var/lib/apt/lists/*\n'),
    steps: ['2 run /$ apt-get update && apt-get install -y --no-install-recommends gcc && rm -rf /var/lib/apt/lists/*'],
    announced: [[2, "apt-get: packages of the operating system are this machine's own"]],
  },
  {
    name: 'packages and users of Alpine',
    text: on('RUN apk add --no-cache gcc; adduser -D app\n'),
    steps: ['2 run /$ apk add --no-cache gcc; adduser -D app'],
    announced: [
      [2, 'apk: '],
      [2, 'adduser: '],
    ],
  },
  {
    name: 'owners, in a loop',
    text: on('RUN for d in a b; do mkdir $d && chown app $d; done\n'),
    steps: ['2 run /$ for d in a b; do mkdir $d && chown app $d; done'],
    announced: [[2, 'chown: ']],
  },
  {
    name: 'a cache, a file and a secret',
    text: on(
      'RUN --mount=type=cache,target=/root/.cache/pip --mount=type=bind,source=r.txt,target=/r.txt --mount=type=secret,id=x pip install -r /r.txt\n',
    ),
    steps: ['2 run /$ pip install -r /r.txt [cache at /root/.cache/pip] [r.txt at /r.txt]'],
    announced: [[2, '--mount=type=secret']],
  },
  {
    name: 'a bind of a stage and a file system in memory',
    text: 'FROM python:3.12 AS a\nFROM python:3.12-slim\nRUN --mount=from=a,src=/wheels,dst=/w --mount=type=tmpfs,target=/t --mount=type=cache,id=c,target=/c x\n',
    steps: [
      '1 from python 3.12',
      '2 from python 3.12',
      '3 run /$ x [stage 0:/wheels at /w] [tmpfs at /t] [cache at /c as c]',
    ],
  },
  {
    name: 'a secret that is required',
    text: on('RUN --mount=type=secret,id=x,required x\n'),
    refused: [[2, 'no secret for a build']],
  },
  { name: 'a mount without a place', text: on('RUN --mount=type=cache x\n'), refused: [[2, 'needs a target']] },
  {
    name: 'a mount of an unknown type',
    text: on('RUN --mount=type=npipe,target=/x x\n'),
    refused: [[2, 'no type npipe']],
  },
  {
    name: 'network and security',
    text: on('RUN --network=none --security=sandbox x\n'),
    steps: ['2 run /$ x'],
    announced: [[2, '--network=none']],
  },
  { name: 'more powers', text: on('RUN --security=insecure x\n'), refused: [[2, 'no step more powers']] },
  { name: 'nothing to run', text: on('RUN\n'), refused: [[2, 'RUN needs a command']] },
];

const SETTINGS: Form[] = [
  {
    name: 'WORKDIR below WORKDIR',
    text: on('WORKDIR /a\nWORKDIR b/../c\n'),
    steps: ['2 folder /a', '3 folder /a/c'],
    defaults: { workingDirectory: '/a/c' },
  },
  {
    name: 'ENTRYPOINT and CMD',
    text: on('ENTRYPOINT ["/e.sh"]\nCMD ["a", "b"]\n'),
    steps: [],
    defaults: { entryPoint: ['/e.sh'], command: ['a', 'b'] },
  },
  {
    name: "ENTRYPOINT takes away the base's CMD",
    text: on('ENTRYPOINT ["/e.sh"]\n'),
    steps: [],
    defaults: { entryPoint: ['/e.sh'], command: [] },
  },
  {
    name: 'ENTRYPOINT leaves a CMD of its own stage',
    text: on('CMD ["a"]\nENTRYPOINT ["/e.sh"]\n'),
    steps: [],
    defaults: { entryPoint: ['/e.sh'], command: ['a'] },
  },
  {
    name: 'the shell form of CMD',
    text: on('CMD gunicorn $X\n'),
    steps: [],
    defaults: { command: ['/bin/sh', '-c', 'gunicorn $X'] },
  },
  { name: 'a CMD that is nearly a list', text: on("CMD ['a', 'b']\n"), refused: [[2, 'looks like a list in JSON']] },
  {
    name: 'STOPSIGNAL by number, short name and name',
    text: on('STOPSIGNAL 3\nSTOPSIGNAL quit\nSTOPSIGNAL SIGINT\n'),
    steps: [],
    defaults: { stopSignal: 'SIGINT' },
  },
  { name: 'a signal that is none', text: on('STOPSIGNAL SIGNO\n'), refused: [[2, 'no signal of this machine']] },
  {
    name: 'what has no effect',
    text: on(
      'LABEL a="b c"\nMAINTAINER me\nEXPOSE 80 $P\nVOLUME /data\nUSER app:app\nHEALTHCHECK --interval=5s CMD curl x\n',
    ),
    steps: [],
    announced: [
      [2, 'no effect'],
      [3, 'no effect'],
      [4, 'port'],
      [5, 'write'],
      [6, 'user'],
      [7, 'ECS'],
    ],
    defaults: { user: 'app:app' },
  },
  { name: 'HEALTHCHECK NONE', text: on('HEALTHCHECK NONE\n'), steps: [], announced: [[2, 'ECS']] },
  { name: 'a HEALTHCHECK that is none', text: on('HEALTHCHECK curl x\n'), refused: [[2, 'HEALTHCHECK takes NONE']] },
  {
    name: 'instructions without their values',
    text: on('WORKDIR\nUSER\nEXPOSE\nLABEL\n'),
    refused: [
      [2, 'WORKDIR'],
      [3, 'USER'],
      [4, 'EXPOSE'],
      [5, 'LABEL'],
    ],
  },
];

export const FORMS: Form[] = [...GRAMMAR, ...STAGES, ...VARIABLES, ...COPIES, ...RUNS, ...SETTINGS];
