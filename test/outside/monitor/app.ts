import { App } from 'aws-cdk-lib';
import { MonitorStack } from './stack';

new MonitorStack(new App(), 'Monitor');
