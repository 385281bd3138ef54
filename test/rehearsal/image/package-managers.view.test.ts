import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { findInterpreter, minorOf } from '../../../rehearsal/image/interpreters';
import { Building } from './building';

/** Locks of Django and a package for development, as each tool writes them. */
const LOCKS = path.join(__dirname, '..', '..', 'fixtures', 'package-managers');
const PYTHON = minorOf(findInterpreter(undefined)?.version ?? '');

const MANAGE = `import os, sys
from django.core.management import execute_from_command_line
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
execute_from_command_line(sys.argv)
`;
const SETTINGS =
  'SECRET_KEY = "x" * 60\nINSTALLED_APPS = ["django.contrib.staticfiles"]\nSTATIC_URL = "static/"\nSTATIC_ROOT = "/srv/static"\n';

const COLLECT = ['COPY . .', 'RUN python manage.py collectstatic --noinput && python manage.py check'];

/** Dockerfiles as the documentation of each tool has them. */
const DOCKERFILES: { readonly [way: string]: readonly [tool: string, steps: readonly string[]] } = {
  'poetry, into the environment of the image': [
    'poetry',
    [
      'ENV POETRY_VIRTUALENVS_CREATE=false POETRY_NO_INTERACTION=1',
      'RUN pip install poetry==2.5.1',
      'WORKDIR /app',
      'COPY pyproject.toml poetry.lock ./',
      'RUN poetry install --only main --no-root --no-ansi',
      ...COLLECT,
    ],
  ],
  'poetry, as configured in a step before': [
    'poetry',
    [
      'RUN pip install poetry==2.5.1 && poetry config virtualenvs.create false',
      'WORKDIR /app',
      'COPY pyproject.toml poetry.lock ./',
      'RUN poetry install --only main --no-root --no-interaction',
      ...COLLECT,
    ],
  ],
  'poetry, into an environment of its own beside the project': [
    'poetry',
    [
      'ENV POETRY_VIRTUALENVS_IN_PROJECT=true PATH="/app/.venv/bin:$PATH"',
      'RUN python -m venv /opt/poetry && /opt/poetry/bin/pip install poetry==2.5.1',
      'WORKDIR /app',
      'COPY pyproject.toml poetry.lock ./',
      'RUN --mount=type=cache,target=/root/.cache/pypoetry /opt/poetry/bin/poetry install --only=main --no-root',
      ...COLLECT,
    ],
  ],
  'pipenv, into the system': [
    'pipenv',
    [
      'RUN pip install pipenv==2026.10.3',
      'WORKDIR /app',
      'COPY Pipfile Pipfile.lock ./',
      'RUN pipenv install --system --deploy',
      ...COLLECT,
    ],
  ],
  'pipenv, beside the project': [
    'pipenv',
    [
      'ENV PIPENV_VENV_IN_PROJECT=1',
      'RUN pip install pipenv==2026.10.3',
      'WORKDIR /app',
      'COPY Pipfile Pipfile.lock ./',
      'RUN pipenv sync',
      'ENV PATH="/app/.venv/bin:$PATH"',
      ...COLLECT,
    ],
  ],
  'pdm, in a stage of its own': [
    'pdm',
    [
      'RUN pip install pdm==2.29.4 "hishel<2"', // pdm 2.29.4 does not start with hishel 2.
      'ENV PDM_CHECK_UPDATE=false',
      'WORKDIR /app',
      'COPY pyproject.toml pdm.lock ./',
      'RUN pdm install --check --prod --no-editable',
      `FROM python:${PYTHON}-slim`,
      'WORKDIR /app',
      'COPY --from=0 /app/.venv/ /app/.venv',
      'ENV PATH="/app/.venv/bin:$PATH"',
      ...COLLECT,
    ],
  ],
};

let place: Building;

beforeEach(() => {
  place = new Building();
});

afterEach(() => place.end());

test.each(Object.entries(DOCKERFILES))(
  'a lock is installed by %s',
  async (_, [tool, steps]) => {
    cpSync(path.join(LOCKS, tool), place.context, { recursive: true });
    writeFileSync(path.join(place.context, 'manage.py'), MANAGE);
    writeFileSync(path.join(place.context, 'settings.py'), SETTINGS);
    const { root, python } = await place.build(`FROM python:${PYTHON}\n${steps.join('\n')}\n`);
    const ask =
      'import django, importlib.util as u; print(django.__version__, django.__file__, u.find_spec("iniconfig"))';
    const [version, file, development] = execFileSync(python, ['-c', ask], { encoding: 'utf8' }).trim().split(' ');
    expect({ version, development, inImage: file.startsWith(root) }).toEqual({
      version: '5.2.19',
      development: 'None',
      inImage: true,
    });
    expect(readdirSync(path.join(root, 'app'))).toContain('manage.py');
    expect(existsSync(path.join(root, 'srv'))).toBe(true);
  },
  600_000,
);
