import { ContainerInsights } from 'aws-cdk-lib/aws-ecs';
import { Profile } from 'cdk-django-fargate';
import { complianceOf, pairsOf } from '../../scripts/compliance';
import { auroraExample } from '../../scripts/production-example';
import { only, templateOf } from '../support';

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
