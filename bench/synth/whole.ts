import { App } from 'aws-cdk-lib';
import { productionStack } from '../../scripts/production-example';
import { reportUsage } from './usage';

/** Arguments: the folder to write to, and how many production examples the app has. */
const [outdir, count] = process.argv.slice(2);
reportUsage();
const app = new App({ outdir });
for (let index = 0; index < Number(count); index++) {
  productionStack(app, `Shop${index}`);
}
app.synth();
