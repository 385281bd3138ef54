import { App, Stack } from 'aws-cdk-lib';
import { InventoryStack } from './stack';

const app = new App();
new Stack(app, 'Empty');
new InventoryStack(app, 'Inventory');
