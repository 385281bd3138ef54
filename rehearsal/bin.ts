#!/usr/bin/env node
import './supported-node';

import { command } from './cli';
import { assemblyOf, userCache } from './installed';

/** The command of the installed package, typed in the folder of somebody's CDK app. */
command(process.argv.slice(2), {
  typed: 'npx cdk-django-fargate rehearse',
  cache: userCache(),
  mode: 'image where an engine answers',
  otherwise: 'that of the app in this folder',
  assembly: async () => assemblyOf(process.cwd()),
});
