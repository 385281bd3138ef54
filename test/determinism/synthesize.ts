import { productionExample } from '../../scripts/production-example';

/** Synthesizes the production example into the folder of its argument, and says in which time zone and language it did so. */
productionExample({ outdir: process.argv[2] }).app.synth();
const { timeZone, locale } = Intl.DateTimeFormat().resolvedOptions();
process.stdout.write(JSON.stringify({ timeZone, locale, folder: process.cwd() }));
