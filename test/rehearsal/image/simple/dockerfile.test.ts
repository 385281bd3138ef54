import { imageDefaults, instructionsOf, pipArguments } from '../../../../rehearsal/image/simple/dockerfile';

const DOCKERFILE = `
# syntax=docker/dockerfile:1
FROM python:3.13 AS base
ENV PYTHONUNBUFFERED=1 NAME="two words"
WORKDIR /app
FROM base AS build
WORKDIR /build
CMD ["never"]
FROM base
COPY --from=build --chown=10001 /build \\
     /opt
WORKDIR src
STOPSIGNAL SIGINT
ENTRYPOINT ["python"]
CMD ["-m", "http.server"]
`;

test('the final stage, and those it is built upon, say what a container starts with', () => {
  expect(imageDefaults(instructionsOf(DOCKERFILE))).toEqual({
    workingDirectory: '/app/src',
    environment: { PYTHONUNBUFFERED: '1', NAME: 'two words' },
    entryPoint: ['python'],
    command: ['-m', 'http.server'],
    stopSignal: 'SIGINT',
  });
});

test('flags are apart from what is copied, and lines that go on are one', () => {
  const copy = instructionsOf(DOCKERFILE).find(({ name }) => name === 'COPY');
  expect(copy).toMatchObject({ flags: { from: 'build', chown: '10001' }, rest: '/build /opt', stage: 2 });
});

test('requirements are told from flags about where to install', () => {
  expect(pipArguments('pip install --no-cache-dir --prefix /opt -r requirements.txt ./vendor/x[y]')).toEqual([
    ['-r', 'requirements.txt', './vendor/x[y]'],
  ]);
  expect(pipArguments('apt-get install curl && /venv/bin/pip install Django')).toEqual([['Django']]);
  expect(pipArguments('python manage.py collectstatic')).toEqual([]);
});
