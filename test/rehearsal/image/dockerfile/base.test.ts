import { baseOf } from '../../../../rehearsal/image/dockerfile/base';

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
