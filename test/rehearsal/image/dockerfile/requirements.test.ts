import { readDockerfile } from '../../../../rehearsal/image/dockerfile/read';
import { withRequirements } from '../../../../rehearsal/image/dockerfile/requirements';
import { shown } from './shown';

test('with --requirements, copies and calls of Django remain, and each other line is named', () => {
  const text = [
    'FROM company/base AS build',
    'RUN weird --install',
    'FROM python:3.12',
    'WORKDIR /app',
    'COPY --from=build /venv /venv',
    'COPY . .',
    'RUN pip install -r r.txt',
    'RUN python manage.py collectstatic',
  ];
  const plan = withRequirements(readDockerfile(text.join('\n')), '/srv/own.txt', undefined);
  expect(plan.refused).toEqual([]);
  expect(plan.announced.map(({ line }) => line)).toEqual([1, 2, 5, 7]);
  expect(shown(plan)).toEqual([
    '3 from python 3.12',
    '3 run /$ ["/usr/local/bin/pip","install","--requirement","/.machine-requirements.txt"] [/srv:own.txt at /.machine-requirements.txt]',
    '4 folder /app',
    '6 copy . -> /app/',
    '8 run /app$ python manage.py collectstatic',
  ]);
});
