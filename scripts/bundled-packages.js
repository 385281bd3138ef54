// What esbuild's metafiles say of the packages in the bundles: their licences in full, and a bill of
// materials in CycloneDX.
const { existsSync, readFileSync, readdirSync } = require('node:fs');
const path = require('node:path');
const { Enums, Models, Serialize, Spec } = require('@cyclonedx/cyclonedx-library');
const { PackageURL } = require('packageurl-js');

const LEGAL_FILE = /^(licen[cs]e|copying|notice)/i;
const LICENCE_IN_README = /^#+ *licen[cs]e\b.*\n([\s\S]+)/im;

/**
 * Every package that gave a file to a bundle: name, version, licence, and the texts of its licence and
 * notice.
 */
function packagesOf(metafiles, root) {
  const inputs = metafiles.flatMap(({ outputs }) =>
    Object.values(outputs).flatMap((output) => Object.keys(output.inputs)),
  );
  const folders = new Set(inputs.map(folderOf).filter((folder) => folder !== undefined));
  return [...folders]
    .map((folder) => describe(path.join(root, folder)))
    .sort((one, other) => (one.id < other.id ? -1 : 1));
}

/** `node_modules/a/node_modules/@b/c` of a file in it; undefined for a file of ours. */
function folderOf(file) {
  return /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file)?.[0];
}

function describe(folder) {
  const { name, version, license } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const text = legalText(folder);
  if (typeof license !== 'string' || text === '') {
    throw new Error(`${name} ${version} is bundled, but does not say its licence, or not its text`);
  }
  return { id: `${name} ${version}`, name, version, license, text };
}

/** Some packages have their licence only at the end of the README. */
function legalText(folder) {
  const read = (file) => readFileSync(path.join(folder, file), 'utf8').replaceAll('\r\n', '\n');
  const texts = readdirSync(folder)
    .filter((file) => LEGAL_FILE.test(file))
    .sort()
    .map(read);
  const readme = path.join(folder, 'README.md');
  if (texts.length === 0 && existsSync(readme)) {
    texts.push(LICENCE_IN_README.exec(read('README.md'))?.[1] ?? '');
  }
  return texts.map((text) => text.replace(/^(\s*\n)+|\s+$/g, '')).join('\n\n');
}

/** Packages with the same text share it. */
function notice(packages) {
  const texts = new Map();
  for (const { id, license, text } of packages) {
    texts.set(text, [...(texts.get(text) ?? []), `${id} (${license})`]);
  }
  const line = '-'.repeat(80);
  const parts = [...texts].map(([text, names]) => `${line}\n${names.join('\n')}\n${line}\n\n${text}\n`);
  return `The files assets/*/index.js contain code of these packages, minified.\n\n${parts.join('\n')}`;
}

/** Without time and serial number: the same bundles give the same bill. */
function billOfMaterials(packages) {
  const bom = new Models.Bom();
  for (const { name, version, license } of packages) {
    const [, group, short] = /^(?:(@[^/]+)\/)?(.+)$/.exec(name);
    const purl = new PackageURL('npm', group, short, version, undefined, undefined).toString();
    bom.components.add(
      new Models.Component(Enums.ComponentType.Library, short, {
        bomRef: purl,
        group,
        version,
        purl,
        licenses: new Models.LicenseRepository([new Models.SpdxLicense(license)]),
      }),
    );
  }
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
  return `${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`;
}

module.exports = { billOfMaterials, notice, packagesOf };
