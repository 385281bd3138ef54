import { join, relative } from 'node:path';
import {
  type CompilerHost,
  createCompilerHost,
  createProgram,
  displayPartsToString,
  getCombinedModifierFlags,
  ModifierFlags,
  resolveModuleName,
  ScriptTarget,
  SymbolFlags,
  type Symbol as TsSymbol,
  type TypeChecker,
} from 'typescript';

const root = join(__dirname, '..');

/** Every public name that a program gives to its users, `Class.member` for members, with its summary. */
function summaries(index: string, files?: { [path: string]: string }): Map<string, string> {
  const options = { target: ScriptTarget.ES2022, noLib: true };
  const host = createCompilerHost(options);
  const read = host.readFile.bind(host);
  const sources: CompilerHost = Object.assign(host, {
    fileExists: (path: string) => (files === undefined ? read(path) !== undefined : path in files),
    readFile: (path: string) => (files === undefined ? read(path) : files[path]),
    directoryExists: undefined,
    realpath: undefined,
  });
  // Our own files alone: what comes from the CDK is documented there, and takes seconds to read.
  sources.resolveModuleNameLiterals = (literals, containing) =>
    literals.map(({ text }) =>
      text.startsWith('.') ? resolveModuleName(text, containing, options, sources) : { resolvedModule: undefined },
    );
  const program = createProgram([index], options, sources);
  const checker = program.getTypeChecker();
  const file = program.getSourceFile(index);
  const module = file && checker.getSymbolAtLocation(file);
  if (module === undefined) {
    throw new Error(`${relative(root, index)} exports nothing`);
  }
  return new Map(checker.getExportsOfModule(module).flatMap((exported) => namesOf(checker, exported)));
}

function namesOf(checker: TypeChecker, exported: TsSymbol): [string, string][] {
  const symbol = exported.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
  const instance = checker.getDeclaredTypeOfSymbol(symbol).getProperties();
  const statics = [...(symbol.exports?.values() ?? [])].filter(({ name }) => name !== 'prototype');
  const members = [...instance, ...statics].filter(isPublic).map((member): [string, string] => {
    return [`${symbol.name}.${member.name}`, summaryOf(checker, member)];
  });
  return [[symbol.name, summaryOf(checker, symbol)], ...members];
}

function isPublic(member: TsSymbol): boolean {
  const declaration = member.valueDeclaration;
  const hidden = ModifierFlags.Private | ModifierFlags.Protected;
  return !/^(_|#)/.test(member.name) && declaration !== undefined && !(getCombinedModifierFlags(declaration) & hidden);
}

/** The first paragraph; of a member without one, that of the interface or the base class. */
function summaryOf(checker: TypeChecker, symbol: TsSymbol): string {
  return displayPartsToString(symbol.getDocumentationComment(checker)).split('\n\n')[0].trim();
}

/** Comes with a summary from the CDK's `IConnectable`, which is not read here. */
const OF_THE_CDK = /\.connections$/;

const undocumented = (found: Map<string, string>) =>
  [...found].filter(([name, text]) => text === '' && !OF_THE_CDK.test(name)).map(([name]) => name);

test('every public name says in a sentence what it is', () => {
  const found = summaries(join(root, 'lib', 'index.ts'));
  expect(undocumented(found)).toEqual([]);
  expect(found.size).toBeGreaterThan(400);
  expect(found.get('PostgresDatabase.maxConnections')).toBe(found.get('IPostgresDatabase.maxConnections'));
});

test('a name without a summary is noticed, wherever it stands', () => {
  const found = summaries('/index.ts', {
    '/index.ts': "export { A, type P, E } from './room/a';",
    '/room/a.ts': `
      /** Documented. */
      export interface P {
        readonly plain: string;
        /** @default - none */
        readonly tagged?: string;
        /** Yes. */
        readonly ok: number;
      }
      interface Base {
        /** From the interface. */
        readonly inherited: string;
      }
      export class A implements Base {
        static make(): A { return new A(); }
        readonly inherited = 'x';
        readonly own = 1;
        private readonly hidden = 2;
        readonly _internal = 3;
      }
      /** Choices. */
      export enum E {
        ONE = 1,
        /** Two. */
        TWO = 2,
      }
    `,
  });
  expect(undocumented(found).sort()).toEqual(['A', 'A.make', 'A.own', 'E.ONE', 'P.plain', 'P.tagged']);
  expect(found.get('A.inherited')).toBe('From the interface.');
});
