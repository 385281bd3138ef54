import { baseOf } from '../../../../rehearsal/image/dockerfile/base';
import { readDockerfile } from '../../../../rehearsal/image/dockerfile/read';

test.each([
  ['python:3.12', { kind: 'python', python: '3.12' }],
  ['python:3.13.2-slim-bookworm', { kind: 'python', python: '3.13', exactPython: '3.13.2' }],
  ['docker.io/library/python:3.14-alpine@sha256:abc', { kind: 'python', python: '3.14' }],
  ['localhost:5000/python:3.12-slim', { kind: 'python', python: '3.12' }],
  ['python:3.14.0rc1', { kind: 'python', python: '3.14', exactPython: '3.14.0rc1' }],
  ['python', { kind: 'python', python: undefined }],
  ['python:3-slim', { kind: 'python', python: undefined }],
  ['ghcr.io/astral-sh/uv:python3.12-bookworm-slim', { kind: 'python', python: '3.12', uv: 'latest' }],
  ['ghcr.io/astral-sh/uv:0.9.1-python3.13-alpine', { kind: 'python', python: '3.13', uv: '0.9.1' }],
  ['ghcr.io/astral-sh/uv:0.9', { kind: 'uv', uv: '0.9' }],
  ['ghcr.io/astral-sh/uv', { kind: 'uv', uv: 'latest' }],
  ['debian:bookworm-slim', { kind: 'system', python: '3.11' }],
  ['debian:12.5', { kind: 'system', python: '3.11' }],
  ['ubuntu:24.04', { kind: 'system', python: '3.12' }],
  ['alpine:3.21.3', { kind: 'system', python: '3.12' }],
  ['gcr.io/distroless/python3-debian12', { kind: 'python', python: '3.11' }],
  ['nikolaik/python-nodejs:python3.12-nodejs20-slim', { kind: 'python', python: '3.12', node: '20' }],
  ['node:20-slim', { kind: 'node', node: '20' }],
  ['node:lts', { kind: 'node', node: undefined }],
  ['scratch', { kind: 'scratch' }],
  ['nginx:1', { kind: 'unknown' }],
])('%s', (image, base) => {
  expect({ python: undefined, node: undefined, ...baseOf(image) }).toMatchObject(base);
});

test.each([
  'python:3.13',
  'docker.io/python:3.13',
  'docker.io/library/python:3.13@sha256:abc',
  'public.ecr.aws/docker/library/python:3.13',
  'registry.example:5000/hub/library/python:3.13',
  'public.ecr.aws/amazonlinux/amazonlinux:2023',
  'ghcr.io/astral-sh/uv:python3.12-bookworm-slim',
  'debian:12',
  'nginx:1',
])('%s has no ENTRYPOINT of its own', (image) => {
  expect(baseOf(image)).not.toHaveProperty('entryPoint');
  expect(baseOf(image)).not.toHaveProperty('isAssumed');
});

test.each([
  'gcr.io/distroless/python3',
  'gcr.io/distroless/python3-debian12:nonroot',
  'mirror.example/distroless/python3-debian12',
  'cgr.dev/chainguard/python:latest-dev',
  'cgr.dev/example.com/python:3.12',
  'chainguard/python',
])('%s has Python as its ENTRYPOINT', (image) => {
  expect(baseOf(image)).toMatchObject({ kind: 'python', entryPoint: ['python3'] });
  const { target } = readDockerfile(`FROM ${image}\nCMD ["manage.py"]\n`);
  expect(target?.defaults).toMatchObject({ entryPoint: ['python3'], command: ['manage.py'] });
  const { target: bare } = readDockerfile(`FROM ${image}\n`);
  expect(bare?.defaults).toMatchObject({ entryPoint: ['python3'], command: [] });
  const { target: own } = readDockerfile(`FROM ${image}\nENTRYPOINT ["gunicorn"]\n`);
  expect(own?.defaults).toMatchObject({ entryPoint: ['gunicorn'], command: [] });
});

test.each(['registry.example/team/python:3.13', 'localhost:5000/python:3.13', 'bitnami/python', 'team/debian:12'])(
  '%s is taken as the official image, and a line says so',
  (image) => {
    expect(baseOf(image)).toMatchObject({ isAssumed: true });
    expect(readDockerfile(`FROM ${image}\nCMD ["x"]\n`).announced).toEqual([
      {
        line: 1,
        text: `FROM ${image}`,
        why: expect.stringMatching(/is taken as the official image: ENTRYPOINT of the base is not known/),
      },
    ]);
  },
);
