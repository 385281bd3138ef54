import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as ts from 'typescript';

/**
 * `npm run kinds`: writes the table of what every prop may hold, which wrong values are refused by
 * (constructs/core/kinds.ts), from the types of the sources.
 */
const ROOT = join(__dirname, '..');
export const TABLE = join(ROOT, 'constructs', 'core', 'private', 'kind-table.ts');
/** Members that tell one type from another: the first few that every object of it has. */
const TELLING = 2;
/** Structs that a user hands over. Options are found where one of these takes them. */
const MADE_OF =
  /^(?!(Process|Service|LoadBalancedService)Props$).*(Props|Attributes|ProfileOptions|LockOptions|GunicornOptions|GunicornProcessOptions|VariableNames)$/;

/** The table as it must be. */
export function kindTable(): string {
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile).config,
    ts.sys,
    ROOT,
  );
  const program = ts.createProgram([join(ROOT, 'lib', 'index.ts')], { ...options, noEmit: true });
  const reader = new Reader(program);
  const index = program.getSourceFile(join(ROOT, 'lib', 'index.ts')) as ts.SourceFile;
  const checker = program.getTypeChecker();
  const names = checker.getExportsOfModule(checker.getSymbolAtLocation(index) as ts.Symbol);
  for (const name of names) {
    const symbol = name.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(name) : name;
    const type = checker.getDeclaredTypeOfSymbol(symbol);
    if (MADE_OF.test(name.name) && reader.isStruct(type)) {
      reader.addStruct(type);
    }
  }
  return formatted(reader.text());
}

class Reader {
  private readonly checker: ts.TypeChecker;
  private readonly structs = new Map<string, { [prop: string]: string }>();
  private readonly objects = new Map<string, string[]>();
  private readonly enums = new Map<string, (string | number)[]>();

  constructor(program: ts.Program) {
    this.checker = program.getTypeChecker();
  }

  /** An interface of values only, which users write as a literal. */
  public isStruct(type: ts.Type): boolean {
    const { symbol } = type;
    return (
      symbol !== undefined &&
      (symbol.flags & ts.SymbolFlags.Interface) !== 0 &&
      !/^I[A-Z]/.test(symbol.name) &&
      this.checker.getPropertiesOfType(type).every((member) => (member.flags & ts.SymbolFlags.Property) !== 0)
    );
  }

  public addStruct(type: ts.Type): void {
    const { name } = type.symbol;
    if (this.structs.has(name)) {
      return;
    }
    const kinds: { [prop: string]: string } = {};
    this.structs.set(name, kinds);
    for (const prop of this.checker.getPropertiesOfType(type)) {
      const declaration = prop.valueDeclaration as ts.PropertySignature;
      const kind = isOurs(declaration)
        ? this.kindOf(this.checker.getNonNullableType(this.checker.getTypeOfSymbol(prop)))
        : 'anything'; // For the CDK to check.
      kinds[prop.name] = declaration.questionToken === undefined ? kind : `${kind}?`;
    }
  }

  public text(): string {
    const sorted = <T>(map: Map<string, T>) => Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
    return [
      '// Written by `npm run kinds` from the types of the sources.\n',
      '/** What every prop of every struct may hold; `?` may be left out. */',
      `export const STRUCTS = ${JSON.stringify(sorted(this.structs))} as const;\n`,
      '/** Members that every object of a type has. */',
      `export const OBJECTS: { readonly [type: string]: readonly string[] } = ${JSON.stringify(sorted(this.objects))};\n`,
      '/** Values of the enums of this library. */',
      `export const ENUMS: { readonly [type: string]: readonly (string | number)[] } = ${JSON.stringify(sorted(this.enums))};\n`,
    ].join('\n');
  }

  private kindOf(type: ts.Type): string {
    const name = type.aliasSymbol?.name ?? type.symbol?.name;
    if (type.flags & ts.TypeFlags.EnumLike) {
      return this.enumKind(type);
    }
    if (type.flags & ts.TypeFlags.StringLike) {
      return 'string';
    }
    if (type.flags & ts.TypeFlags.NumberLike) {
      return 'number';
    }
    if (type.flags & ts.TypeFlags.BooleanLike) {
      return 'boolean';
    }
    if (this.checker.isArrayType(type)) {
      return `list of ${this.kindOf(this.checker.getTypeArguments(type as ts.TypeReference)[0])}`;
    }
    const values = this.checker.getIndexTypeOfType(type, ts.IndexKind.String);
    if (values !== undefined) {
      return `map of ${this.kindOf(values)}`;
    }
    if (this.isStruct(type)) {
      if (!isOurs(type.symbol.declarations?.[0])) {
        return 'literal';
      }
      this.addStruct(type);
      return `struct ${name}`;
    }
    return this.objectKind(type, name);
  }

  private enumKind(type: ts.Type): string {
    const { symbol } = type;
    if (isOurs(symbol.declarations?.[0])) {
      const members = [...(symbol.exports?.values() ?? [])].map(({ valueDeclaration }) => {
        return this.checker.getConstantValue(valueDeclaration as ts.EnumMember) as string | number;
      });
      this.enums.set(symbol.name, members);
    }
    return `enum ${symbol.name} ${type.flags & ts.TypeFlags.NumberLike || isNumeric(this.checker, type) ? 'number' : 'string'}`;
  }

  private objectKind(type: ts.Type, name: string): string {
    const isOwn = (member: ts.Symbol) =>
      member.declarations?.some(({ parent }) => type.symbol.declarations?.includes(parent as ts.Declaration));
    const told = this.checker.getPropertiesOfType(type).filter((member) => {
      const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected | ts.ModifierFlags.Static;
      const { valueDeclaration } = member;
      return (
        (member.flags & ts.SymbolFlags.Optional) === 0 &&
        member.name !== 'toString' &&
        /^[a-z]/i.test(member.name) &&
        (valueDeclaration === undefined || (ts.getCombinedModifierFlags(valueDeclaration) & hidden) === 0)
      );
    });
    const own = told.filter(isOwn);
    this.objects.set(
      name,
      (own.length > 0 ? own : told).slice(0, TELLING).map((member) => member.name),
    );
    return `object ${name}`;
  }
}

function isNumeric(checker: ts.TypeChecker, type: ts.Type): boolean {
  const first = [...(type.symbol.exports?.values() ?? [])][0];
  return typeof checker.getConstantValue(first.valueDeclaration as ts.EnumMember) === 'number';
}

function isOurs(declaration: ts.Declaration | undefined): boolean {
  return declaration !== undefined && !declaration.getSourceFile().fileName.includes('/node_modules/');
}

function formatted(text: string): string {
  const biome = join(ROOT, 'node_modules', '.bin', 'biome');
  const { stdout, stderr, status } = spawnSync(biome, ['format', '--stdin-file-path', TABLE], {
    cwd: ROOT,
    input: text,
    encoding: 'utf8',
  });
  if (status !== 0) {
    throw new Error(stderr);
  }
  return stdout;
}

if (require.main === module) {
  const table = kindTable();
  if (table !== readFileSync(TABLE, { encoding: 'utf8', flag: 'a+' })) {
    writeFileSync(TABLE, table);
  }
}
