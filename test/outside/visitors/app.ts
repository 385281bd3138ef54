import { App } from 'aws-cdk-lib';
import { VisitorsStack } from './stack';

new VisitorsStack(new App(), 'Visitors');
