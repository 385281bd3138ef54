import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as ts from 'typescript';

/** An interface as its source declares it. */
export interface DeclaredInterface {
  /** Names of the interfaces that it extends. */
  readonly extended: string[];
  /** Its own props, without those that it inherits: the type of each, as written. */
  readonly props: { readonly [name: string]: string };
}

/** Every interface that a source file declares, by name. Parsed only: types of other files stay names. */
export function interfacesOf(file: string): { [name: string]: DeclaredInterface } {
  const text = readFileSync(join(__dirname, '..', '..', 'constructs', file), 'utf8');
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
  return Object.fromEntries(
    source.statements.filter(ts.isInterfaceDeclaration).map((declaration) => [
      declaration.name.text,
      {
        extended: (declaration.heritageClauses ?? []).flatMap(({ types }) =>
          types.map(({ expression }) => expression.getText()),
        ),
        props: Object.fromEntries(
          declaration.members
            .filter(ts.isPropertySignature)
            .map((member) => [member.name.getText(), member.type?.getText() ?? '']),
        ),
      },
    ]),
  );
}
