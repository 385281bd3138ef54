/** What an image of a registry gives to a stage, as far as its name tells. */
export interface Base {
  readonly image: string;
  readonly kind: 'scratch' | 'python' | 'node' | 'system' | 'uv' | 'unknown';
  /** `3.12`; undefined when the tag names no minor version. */
  readonly python?: string;
  /** The whole of what the tag says: `3.12.4`. */
  readonly exactPython?: string;
  /** Major version of Node. */
  readonly node?: string;
  /** Version of uv, which is then on PATH (`latest`, `0.9`, `0.9.1`). */
  readonly uv?: string;
  /** @default - none, as the official images of Python have it */
  readonly entryPoint?: readonly string[];
  /** Whether the image only has the name of an official one, and may have an ENTRYPOINT. @default false */
  readonly isAssumed?: boolean;
}

/** Images whose documentation says that Python is their ENTRYPOINT, by their repositories. */
const PYTHON_ENTRY: readonly RegExp[] = [
  // https://github.com/GoogleContainerTools/distroless/blob/main/python3/README.md
  /(?:^|\/)distroless\/python3(?:-debian\d+)?$/,
  // https://images.chainguard.dev/directory/image/python/overview
  /^(?:cgr\.dev\/[^/]+|chainguard)\/python$/,
];
/** The official images: of Docker Hub, of mirrors that keep its paths, and of AWS's registry. */
const OFFICIAL =
  /^(?:(?:(?:index\.)?docker\.io|registry-1\.docker\.io)\/)?[^/]+$|(?:^|\/)library\/[^/]+$|^public\.ecr\.aws\/(?:amazonlinux|debian|ubuntu|lts)\/[^/]+$/;

/** Python of the distributions, where a Dockerfile installs it by the package manager. */
const DISTRIBUTIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  debian: { bullseye: '3.9', '11': '3.9', bookworm: '3.11', '12': '3.11', trixie: '3.13', '13': '3.13' },
  ubuntu: {
    ...{ focal: '3.8', '20.04': '3.8', jammy: '3.10', '22.04': '3.10', noble: '3.12', '24.04': '3.12' },
    ...{ questing: '3.13', '25.10': '3.13' },
  },
  alpine: { '3.18': '3.11', '3.19': '3.11', '3.20': '3.12', '3.21': '3.12', '3.22': '3.12' },
  amazonlinux: { '2023': '3.9' },
};
const LATEST_RELEASE: Readonly<Record<string, string>> = {
  debian: '13',
  ubuntu: '24.04',
  alpine: '3.22',
  amazonlinux: '2023',
};

/** Reads the name of an image. */
export function baseOf(image: string): Base {
  const base = named(image);
  const { repository } = partsOf(image);
  if (PYTHON_ENTRY.some((form) => form.test(repository))) {
    return { ...base, kind: 'python', entryPoint: ['python3'] };
  }
  const isOfItsOwn = base.uv !== undefined || repository.endsWith('/python-nodejs');
  const hasName = /^(?:python|node|system)$/.test(base.kind) && !isOfItsOwn;
  return hasName && !OFFICIAL.test(repository) ? { ...base, isAssumed: true } : base;
}

function named(image: string): Base {
  if (image.toLowerCase() === 'scratch') {
    return { image, kind: 'scratch' };
  }
  const { name, tag } = partsOf(image);
  if (name === 'uv') {
    const python = /^python(\d+\.\d+)/.exec(tag)?.[1];
    const uv = /^\d+\.\d+(\.\d+)?$/.exec(tag)?.[0] ?? /^(\d+\.\d+(\.\d+)?)-/.exec(tag)?.[1] ?? 'latest';
    const named = python ?? /-python(\d+\.\d+)/.exec(tag)?.[1];
    const system = named === undefined && /debian|alpine|bookworm|trixie/.test(tag);
    return named === undefined && !system ? { image, kind: 'uv', uv } : { image, kind: 'python', python: named, uv };
  }
  const both = /^python(\d+\.\d+)-nodejs(\d+)/.exec(tag);
  if (name === 'python-nodejs' && both !== null) {
    return { image, kind: 'python', python: both[1], node: both[2] };
  }
  const distroless = /^python3-debian(\d+)$/.exec(name);
  if (distroless !== null) {
    return { image, kind: 'python', python: DISTRIBUTIONS.debian[distroless[1]] };
  }
  if (name === 'python') {
    return { image, kind: 'python', ...pythonOf(tag) };
  }
  if (name === 'node') {
    return { image, kind: 'node', node: /^(\d+)/.exec(tag)?.[1] };
  }
  if (DISTRIBUTIONS[name] !== undefined) {
    const release = tag === 'latest' || tag.startsWith('stable') ? LATEST_RELEASE[name] : tag.replace(/-.*$/, '');
    const [major, minor] = release.split('.');
    const known = DISTRIBUTIONS[name];
    return { image, kind: 'system', python: known[release] ?? known[`${major}.${minor}`] ?? known[major] };
  }
  return { image, kind: 'unknown' };
}

function pythonOf(tag: string): Pick<Base, 'python' | 'exactPython'> {
  const [, exact, minor] = /^(?:1-)?((\d+\.\d+)(?:\.\d+)?(?:(?:a|b|rc)\d+)?)(?:$|-)/.exec(tag) ?? [];
  return exact === undefined ? {} : { python: minor, exactPython: exact };
}

function partsOf(image: string): { repository: string; name: string; tag: string } {
  const [withoutDigest] = image.split('@');
  const start = withoutDigest.lastIndexOf('/') + 1;
  const [name, tag = 'latest'] = withoutDigest.slice(start).split(':');
  return { repository: `${withoutDigest.slice(0, start)}${name}`.toLowerCase(), name: name.toLowerCase(), tag };
}
