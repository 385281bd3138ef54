import { rmSync } from 'node:fs';
import type { Image } from '../image/image';
import type { Sandbox } from '../task/sandbox';
import type { MountPoint, TaskDefinition } from '../template/task-definition';
import { type Cover, Entrance } from './entrance';
import type { TaskUser } from './process-host';

export interface FilesProps {
  readonly id: string;
  readonly definition: TaskDefinition;
  readonly image: Image;
  readonly sandbox: Sandbox;
  readonly user: TaskUser;
  /** As in `ContainerProps`. */
  readonly volumes?: ReadonlyMap<string, string>;
}

/**
 * What one task can write to: folders in the place of /tmp, of other file systems in memory, and of volumes.
 */
export class Files {
  /** Stands for /tmp. */
  readonly temporary: string;
  /** The folder of each mount in the application's container, by its path there. */
  readonly inside: ReadonlyMap<string, string>;
  /** Whether file systems in memory cover folders. */
  readonly isCovered: boolean;
  /** The way into the application's container. */
  readonly entrance: Entrance;
  private readonly volumes: Map<string, string>;
  private readonly folders: string[] = [];

  constructor(private readonly props: FilesProps) {
    const { definition, user, image, sandbox } = props;
    this.volumes = new Map(props.volumes);
    this.temporary = this.folder('tmp', user.uid);
    const covers: Cover[] = [];
    const others = new Map<string, string>();
    for (const each of definition.tmpfs) {
      const folder = each.path === '/tmp' ? this.temporary : this.folder(`tmpfs-${covers.length}`, user.uid);
      covers.push({ ...each, folder });
      others.set(each.path, folder);
    }
    this.inside = new Map([...others, ...this.mounted(definition.mountPoints)]);
    this.isCovered = user.mounts && covers.length > 0;
    this.entrance = this.isCovered ? Entrance.covering(covers, [sandbox.directory, ...image.folders]) : Entrance.OPEN;
  }

  /**
   * The folders of volumes, by their paths in a container. As on Fargate, a volume is not the application's.
   */
  mounted(points: readonly MountPoint[]): Map<string, string> {
    return new Map(
      points.map(({ volume, path }) => {
        const folder = this.volumes.get(volume) ?? this.folder(`volume-${volume}`, this.props.user.owner.uid);
        this.volumes.set(volume, folder);
        return [path, folder];
      }),
    );
  }

  remove(): void {
    for (const folder of this.folders) {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  private folder(kind: string, uid?: number): string {
    const folder = this.props.sandbox.folder(`${kind}-${this.props.id.replaceAll('/', '-')}`, uid);
    this.folders.push(folder);
    return folder;
  }
}
