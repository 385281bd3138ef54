import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import type { App } from 'aws-cdk-lib';
import * as ts from 'typescript';
import { contractDocument, requirementsBlock, withBlock } from '../scripts/docs';

const ROOT = join(__dirname, '..');
/** Every page of the repository; folders of dependencies are not entered. */
const PAGES = [
  ...['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md', 'rehearsal/README.md', 'runtime/README.md'],
  ...['constructs', 'docs', 'examples'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.md') && !file.includes('node_modules') && !file.includes('vendor'))
      .map((file) => join(folder, file)),
  ),
].sort();

/** A piece of TypeScript in the documentation, and where it stands. */
interface Snippet {
  readonly at: string;
  readonly code: string;
}

describe('the documentation', () => {
  test('contains only TypeScript that compiles, and a mistake in it is noticed', () => {
    const mistake = { at: 'a mistake', code: "new TaskQueue(this, 'Queue', { colour: 'red' });" };
    const snippets = [...PAGES.flatMap(snippetsOfPage), ...sources().flatMap(examplesOfSource)];
    expect(snippets.length).toBeGreaterThan(20);
    expect(problemsOf([...snippets, mistake])).toEqual([expect.stringContaining('a mistake.ts')]);
  }, 60_000);

  test.each(
    PAGES.flatMap(snippetsOfPage)
      .filter(({ code }) => code.includes('new App()'))
      .map(({ at, code }) => [at, code]),
  )('contains only apps that synthesize: %s', (_, code) => {
    expect(synthesized(code).length).toBeGreaterThan(0);
  });

  test('has links that lead somewhere, anchors included', () => {
    expect(PAGES.flatMap(brokenLinks)).toEqual([]);
  });

  test('describes the contract with the container as the code keeps it; otherwise run `npm run docs`', () => {
    expect(read('docs/contract.md')).toBe(contractDocument());
  });
});

describe('README.md', () => {
  test('has a row for every construct', () => {
    const constructs = sources()
      .filter((file) => file.startsWith('constructs/') && !file.startsWith('constructs/core/'))
      .filter((file) => {
        const [, name] = /^export class (\w+) extends \w*(?:Construct|Service|Base)\b/m.exec(read(file)) ?? [];
        return name !== undefined && publicNames().includes(name);
      });
    expect(constructs.length).toBeGreaterThanOrEqual(18);
    expect(constructs.filter((file) => !read('README.md').includes(`](${file})`))).toEqual([]);
  });

  test('lists the versions that package.json and runtime/pyproject.toml declare; otherwise run `npm run docs`', () => {
    const readme = read('README.md');
    expect(requirementsBlock()).toMatch(/Django \| \d+\.\d+ or later.*Celery.* \d+\.\d+ or later/s);
    expect(withBlock(readme, 'requirements', requirementsBlock())).toBe(readme);
  });

  test('says in its first 60 lines what it makes, what that costs, what it needs and what to type', () => {
    const screen = read('README.md').split('\n').slice(0, 60).join('\n');
    expect(screen).toMatch(/architecture\.svg/);
    expect(screen).toMatch(/\| \$\d+ \|/);
    expect(screen).toContain(requirementsBlock());
    expect(screen).toMatch(/^npm ci && npm start/m);
    expect(screen).toMatch(/^npm test/m);
    expect(screen).toMatch(/^npx cdk deploy/m);
  });

  test('deploys with the lines that it shows: they synthesize a web, an ASGI and two worker services, beat and a database', () => {
    const [{ Resources }] = synthesized(snippetsOfPage('README.md')[0].code);
    const types = Object.values(Resources).map(({ Type }) => Type);
    expect(types.filter((type) => type === 'AWS::ECS::Service')).toHaveLength(5);
    expect(types).toContain('AWS::RDS::DBInstance');
    expect(types).toContain('AWS::CertificateManager::Certificate');
  });

  test('gives a path of another site to an application: the origin shows the secret that every rule asks for', () => {
    const recipe = snippetsOfPage('docs/edge.md').find(({ code }) => code.includes("'/shop/*'"));
    const [{ Resources }] = synthesized(recipe?.code ?? '');
    const of = (type: string) => Object.values(Resources).filter((resource) => resource.Type === type);
    const [{ Properties: { DistributionConfig: site } = {} }] = of('AWS::CloudFront::Distribution');
    const { TargetOriginId } = site.CacheBehaviors.find(
      ({ PathPattern }: { PathPattern: string }) => PathPattern === '/shop/*',
    );
    const { OriginCustomHeaders } = site.Origins.find(({ Id }: { Id: string }) => Id === TargetOriginId);
    const rules = of('AWS::ElasticLoadBalancingV2::ListenerRule').flatMap(
      ({ Properties }) => Properties?.Conditions ?? [],
    );
    const secrets = rules
      .filter(({ Field }) => Field === 'http-header')
      .map(({ HttpHeaderConfig }) => HttpHeaderConfig);
    expect(secrets).toEqual([
      { HttpHeaderName: OriginCustomHeaders[0].HeaderName, Values: [OriginCustomHeaders[0].HeaderValue] },
    ]);
    expect(of('AWS::CloudFront::VpcOrigin')).toHaveLength(1);
  });

  test('deploys with about twenty lines', () => {
    const lines = snippetsOfPage('README.md')[0]
      .code.split('\n')
      .filter((line) => line.trim() !== '');
    expect(lines.length).toBeLessThanOrEqual(22);
  });
});

function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

function sources(): string[] {
  return ['constructs', 'lib'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.startsWith('handlers/'))
      .map((file) => `${folder}/${file}`),
  );
}

function snippetsOfPage(page: string): Snippet[] {
  const blocks = read(page).matchAll(/^```(?:ts|typescript)\n([\s\S]*?)^```/gm);
  return [...blocks].map((block, index) => ({ at: `${page} snippet ${index + 1}`, code: block[1] }));
}

/** What stands behind `@example` in the comments of a file. */
function examplesOfSource(file: string): Snippet[] {
  const comments = [...read(file).matchAll(/\/\*\*[\s\S]*?\*\//g)].map(([comment]) =>
    comment.slice(3, -2).replace(/^[ \t]*\* ?/gm, ''),
  );
  const examples = comments.flatMap((comment) => [...comment.matchAll(/^@example\b([\s\S]*?)(?=^@\w|$(?![\s\S]))/gm)]);
  return examples.map((example, index) => ({ at: `${file} @example ${index + 1}`, code: example[1] }));
}

/**
 * Compiles every snippet as a module of its own. One without imports finds all names of the package and the usual ones of the
 * CDK. By the native compiler, in a folder of ours so that the package finds itself: the compiler's API takes many times longer.
 */
function problemsOf(snippets: Snippet[]): string[] {
  mkdirSync(join(ROOT, '.cache'), { recursive: true });
  const folder = mkdtempSync(join(ROOT, '.cache', 'snippets-'));
  try {
    const nameOf = (snippet: Snippet) => `${snippet.at.replaceAll('/', ' ')}.ts`;
    for (const snippet of snippets) {
      writeFileSync(
        join(folder, nameOf(snippet)),
        /^import /m.test(snippet.code) ? snippet.code : wrapped(snippet.code),
      );
    }
    const settings = { extends: '../../tsconfig.json', compilerOptions: { noUnusedLocals: false }, include: ['*.ts'] };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings));
    const compiler = join(ROOT, 'node_modules', 'tsnative', 'bin', 'tsc');
    const { stdout } = spawnSync(process.execPath, [compiler, '--noEmit', '--pretty', 'false', '-p', '.'], {
      cwd: folder,
      encoding: 'utf8',
    });
    return stdout.split('\n').filter((line) => snippets.some((snippet) => line.startsWith(nameOf(snippet))));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const SERVICES = {
  acm: 'aws-certificatemanager',
  backup: 'aws-backup',
  cloudfront: 'aws-cloudfront',
  ec2: 'aws-ec2',
  ecr: 'aws-ecr',
  ecs: 'aws-ecs',
  events: 'aws-events',
  kms: 'aws-kms',
  origins: 'aws-cloudfront-origins',
  rds: 'aws-rds',
  route53: 'aws-route53',
  s3: 'aws-s3',
  scheduler: 'aws-scheduler',
  secretsmanager: 'aws-secretsmanager',
  sns: 'aws-sns',
};

function wrapped(code: string): string {
  const declarations = code.split('\n').filter((line) => line.startsWith('declare '));
  const statements = code.split('\n').filter((line) => !line.startsWith('declare '));
  return [
    "import { Annotations, App, CfnOutput, Duration, RemovalPolicy, Size, Stack, Stage, TimeZone } from 'aws-cdk-lib';",
    ...Object.entries(SERVICES).map(([name, module]) => `import * as ${name} from 'aws-cdk-lib/${module}';`),
    `import { ${publicNames().join(', ')} } from 'cdk-django-fargate';`,
    "import { Construct } from 'constructs';",
    ...['app: App']
      .filter((name) => !declarations.some((line) => line.includes(name)))
      .map((name) => `declare const ${name};`),
    ...declarations,
    'class Example extends Construct {',
    '  constructor(scope: Construct, id: string) {',
    '    super(scope, id);',
    ...statements,
    '  }',
    '}',
  ].join('\n');
}

function publicNames(): string[] {
  const index = ts.createSourceFile('index.ts', read('lib/index.ts'), ts.ScriptTarget.ES2022);
  return index.statements.flatMap((statement) =>
    ts.isExportDeclaration(statement) && statement.exportClause && ts.isNamedExports(statement.exportClause)
      ? statement.exportClause.elements.map(({ name }) => name.text)
      : [],
  );
}

/** Runs an app as somebody would who pasted it, in a folder with the images to build; the templates of its stacks. */
// biome-ignore lint/suspicious/noExplicitAny: a template is free-form JSON
function synthesized(code: string): { Resources: { [logicalId: string]: { Type: string; Properties?: any } } }[] {
  const folder = mkdtempSync(join(tmpdir(), 'docs-'));
  const before = process.cwd();
  try {
    for (const image of ['app', 'shop', 'blog']) {
      mkdirSync(join(folder, image));
      writeFileSync(join(folder, image, 'Dockerfile'), 'FROM scratch\n');
    }
    process.chdir(folder);
    const { outputText } = ts.transpileModule(`${code}\nexport { app };`, {
      compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
    });
    const module = { exports: {} as { app: App } };
    new Function('require', 'module', 'exports', outputText)(require, module, module.exports);
    return module.exports.app.synth().stacks.map(({ template }) => template);
  } finally {
    process.chdir(before);
    rmSync(folder, { recursive: true });
  }
}

function brokenLinks(page: string): string[] {
  const text = read(page).replace(/^```[\s\S]*?^```/gm, '');
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target);
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => {
      const [path, anchor] = target.split('#');
      const file = path === '' ? join(ROOT, page) : resolve(ROOT, dirname(page), path);
      return !existsSync(file) || (anchor !== undefined && !anchorsOf(relative(ROOT, file)).includes(anchor));
    })
    .map((target) => `${page}: ${target}`);
}

/** As GitHub makes them from headings. */
function anchorsOf(page: string): string[] {
  const headings = [...read(page).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) => heading);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replace(/\s/g, '-'),
  );
}
