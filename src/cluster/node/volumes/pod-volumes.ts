import { chmodSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Pod } from "../../../api/core.ts";
import type { Volume } from "../../../api/volumes.ts";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { type Cancel, type Clock, type Instant, later } from "../../../time/clock.ts";
import type { VolumePlace } from "../root/mounts.ts";
import { ApiObjects } from "./api-objects.ts";
import { writeAtomically } from "./atomic-files.ts";
import { prepareHostPath } from "./host-path.ts";
import { VolumeError } from "./volume-error.ts";
import { filesOf, isMadeOfFiles, isMadeOfPod, objectsOf, type VolumeSources } from "./volume-files.ts";

export interface PodVolumesOptions {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly hostIp: string;
  /** The folder of a pod's volumes, one folder in it for each. */
  readonly folderOf: (podUid: string) => string;
  readonly onProblem: (text: string) => void;
}

interface KnownPod {
  pod: Pod;
  /** By volume: when its files have to be made anew. */
  readonly renewals: Map<string, Cancel>;
  /** Told when what a volume needs may have come. */
  readonly waiting: Set<() => void>;
}

const retrySeconds = 30;

/**
 * The volumes of the node's pods: folders of this machine. Files that are made of objects of the API are made anew when
 * those change, as soon as that is told, and a token before it expires.
 */
export class PodVolumes {
  readonly #options: PodVolumesOptions;
  readonly #objects: ApiObjects;
  readonly #pods = new Map<string, KnownPod>();

  constructor(options: PodVolumesOptions) {
    this.#options = options;
    this.#objects = new ApiObjects({ ...options, changed: (object) => this.#objectChanged(object) });
  }

  /** Makes the pod's volumes, or what of them can be made; answers why which ones are not there. */
  async setUp(pod: Pod): Promise<readonly VolumeError[]> {
    const known = this.#known(pod);
    known.pod = pod;
    const volumes = pod.spec.volumes ?? [];
    if (volumes.some((volume) => objectsOf(volume).length > 0)) this.#objects.follow();
    const problems = await Promise.all(volumes.map((volume) => this.#setUp(known, volume)));
    return problems.filter((problem) => problem !== undefined);
  }

  /** Where the volume's files are on this machine. What is made of objects of the API is not for programs to write to. */
  placeOf(pod: Pod, volumeName: string): VolumePlace | undefined {
    const volume = (pod.spec.volumes ?? []).find(({ name }) => name === volumeName);
    if (volume === undefined) return undefined;
    const path = volume.hostPath?.path ?? this.#folder(pod, volume);
    return { path, isReadOnly: isMadeOfFiles(volume) };
  }

  /** Calls `listener` when what a volume of the pod needs may have come. */
  follow(pod: Pod, listener: () => void): Cancel {
    const { waiting } = this.#known(pod);
    waiting.add(listener);
    return () => waiting.delete(listener);
  }

  /** Labels and annotations can be files. */
  podChanged(pod: Pod): void {
    const known = this.#pods.get(pod.metadata.uid ?? "");
    if (known === undefined) return;
    const isSame = isDeepStrictEqual(writtenByPeople(known.pod), writtenByPeople(pod));
    known.pod = pod;
    if (isSame) return;
    for (const volume of pod.spec.volumes ?? []) if (isMadeOfPod(volume)) this.#refreshIfMade(known, volume);
  }

  /** Looks no more after the pod's volumes. Their folders go with the pod's. */
  forget(podUid: string): void {
    const known = this.#pods.get(podUid);
    if (known === undefined) return;
    this.#pods.delete(podUid);
    for (const cancel of known.renewals.values()) cancel();
    this.#objects.forget(podUid);
  }

  close(): void {
    this.#objects.close();
    for (const uid of this.#pods.keys()) this.forget(uid);
  }

  #known(pod: Pod): KnownPod {
    const uid = pod.metadata.uid ?? "";
    const known = this.#pods.get(uid) ?? { pod, renewals: new Map(), waiting: new Set() };
    this.#pods.set(uid, known);
    return known;
  }

  async #setUp(known: KnownPod, volume: Volume): Promise<VolumeError | undefined> {
    const { pod } = known;
    try {
      if (isMadeOfFiles(volume)) await this.#makeFiles(known, volume);
      else if (volume.emptyDir !== undefined) makeEmpty(this.#folder(pod, volume));
      else if (volume.hostPath !== undefined)
        prepareHostPath(volume.name, volume.hostPath.path, volume.hostPath.type ?? "");
      else throw notOffered(volume);
      return undefined;
    } catch (error) {
      if (error instanceof VolumeError) return error;
      const message = error instanceof Error ? error.message : String(error);
      return new VolumeError(volume.name, message, { cause: error });
    }
  }

  async #makeFiles(known: KnownPod, volume: Volume): Promise<void> {
    const { clock, hostIp } = this.#options;
    const { pod } = known;
    const sources: VolumeSources = {
      pod,
      hostIp,
      // Files are there before the pod has its address.
      podIp: "",
      data: (kind, name) => this.#objects.data(kind, pod.metadata.namespace, name),
      token: (audience, seconds) => this.#objects.token(pod, audience, seconds),
    };
    const { files, renewAt } = await filesOf(volume, sources);
    if (this.#pods.get(pod.metadata.uid ?? "") !== known) return;
    const folder = this.#folder(pod, volume);
    makeEmpty(folder);
    writeAtomically(folder, files, clock.now());
    this.#renewAt(known, volume, renewAt);
  }

  #renewAt(known: KnownPod, volume: Volume, at: Instant | undefined): void {
    known.renewals.get(volume.name)?.();
    known.renewals.delete(volume.name);
    if (at === undefined) return;
    const cancel = this.#options.clock.at(at, () => void this.#refresh(known, volume));
    known.renewals.set(volume.name, cancel);
  }

  /** What cannot be made anew stays as it was, and is tried again. */
  async #refresh(known: KnownPod, volume: Volume): Promise<void> {
    const { clock, onProblem } = this.#options;
    const problem = await this.#setUp(known, volume);
    const { namespace, name, uid = "" } = known.pod.metadata;
    if (problem === undefined || this.#pods.get(uid) !== known) return;
    onProblem(`volume ${volume.name} of pod ${namespace}/${name} stays as it was: ${problem.message}`);
    this.#renewAt(known, volume, later(clock.now(), retrySeconds));
  }

  #objectChanged(object: string): void {
    const [kind, namespace, name] = object.split("/");
    for (const known of this.#pods.values()) {
      if (known.pod.metadata.namespace !== namespace) continue;
      const concerned = (known.pod.spec.volumes ?? []).filter((volume) =>
        objectsOf(volume).includes(`${kind}/${name}`),
      );
      if (concerned.length === 0) continue;
      if (known.waiting.size > 0) for (const listener of known.waiting) listener();
      else for (const volume of concerned) this.#refreshIfMade(known, volume);
    }
  }

  #refreshIfMade(known: KnownPod, volume: Volume): void {
    const folder = this.#folder(known.pod, volume);
    if (statSync(folder, { throwIfNoEntry: false }) !== undefined) void this.#refresh(known, volume);
  }

  #folder(pod: Pod, volume: Volume): string {
    return join(this.#options.folderOf(pod.metadata.uid ?? ""), volume.name);
  }
}

function writtenByPeople({ metadata: { labels, annotations } }: Pod): readonly unknown[] {
  return [labels, annotations];
}

// Programs of any user write there, as on other nodes.
function makeEmpty(folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false }) !== undefined) return;
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o777);
}

function notOffered(volume: Volume): VolumeError {
  const kind = Object.keys(volume).find((field) => field !== "name") ?? "none";
  return new VolumeError(
    volume.name,
    `volumes of the kind ${kind} do not exist on the embedded cluster: use emptyDir, hostPath, configMap, secret, downwardAPI or projected`,
  );
}
