import { ContainerInsights } from 'aws-cdk-lib/aws-ecs';
import { Profile } from 'cdk-django-fargate';
import { complianceOf, pairsOf } from '../../scripts/compliance';
import { auroraExample } from '../../scripts/production-example';
import { CLUSTERS } from '../controls/cluster';
import { mutated } from '../controls/control';
import { only, templateOf } from '../support';
import { Graph } from '../wiring/graph';
import { unkeyed } from '../wiring/keys';
import { unmet } from '../wiring/order';
import { refused, refusedRoles } from '../wiring/senders';

const profile = Profile.production({ containerInsights: ContainerInsights.ENHANCED });
const packs = complianceOf((props) => auroraExample(profile, props).app);
const template = templateOf(auroraExample(profile).stack);
const ofDatabase = pairsOf(packs.flatMap(({ acknowledgements }) => acknowledgements)).filter((pair) =>
  pair.includes('/Database/Cluster'),
);

describe('an application on Aurora against four rule packs', () => {
  test.each(packs)('$pack finds nothing that is not acknowledged', ({ findings, acknowledgements }) => {
    expect(findings).toEqual([]);
    expect(acknowledgements.length).toBeGreaterThan(0);
  });

  test('acknowledges of the cluster that it is protected last, and that its instances hold no data', () => {
    const cluster = 'Orders/App/Database/Cluster';
    expect(ofDatabase).toEqual([
      `RDS10 ${cluster}/Resource`,
      `RDSInBackupPlan ${cluster}/Reader1/Resource`,
      `RDSInBackupPlan ${cluster}/Writer/Resource`,
      `RDSInstanceDeletionProtectionEnabled ${cluster}/Resource`,
    ]);
  });

  test('protects the cluster last, and backs it up', () => {
    const { id } = only(template, 'AWS::RDS::DBCluster');
    const { resource } = only(template, 'Custom::DeletionProtection');
    expect(resource.Properties).toMatchObject({ KeptClusters: [{ Ref: id }], Instances: [], KeptInstances: [] });
    const [[, selection]] = Object.entries(template.findResources('AWS::Backup::BackupSelection'));
    expect(JSON.stringify(selection.Properties.BackupSelection.Resources)).toContain(id);
    template.hasResourceProperties('AWS::Backup::RestoreTestingSelection', { ProtectedResourceType: 'Aurora' });
  });
});

const graph = new Graph(template.toJSON().Resources);

describe.each(CLUSTERS)('$ids: $sentence', ({ offenders, mutants }) => {
  test('holds in an application on Aurora', () => {
    expect(offenders(graph)).toEqual([]);
  });

  test.each(Object.keys(mutants))('and the test notices: %s', (name) => {
    expect(offenders(mutated(graph, mutants[name]))).not.toEqual([]);
  });
});

test.each([Profile.production(), Profile.development()])(
  'what only a deployment would show holds in $name: order, permissions to send, and keys',
  (each) => {
    const found = new Graph(templateOf(auroraExample(each).stack).toJSON().Resources);
    expect([unmet(found), refused(found), refusedRoles(found), unkeyed(found)]).toEqual([[], [], [], []]);
  },
);
