import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import type { Clock } from "../../../time/clock.ts";
import { commandOf, viewOf } from "../images/image-command.ts";
import { ImageError } from "../images/image-folder.ts";
import type { ImageStore, ResolvedImage } from "../images/image-store.ts";
import { ContainerError, type ContainerKey, type PodNetwork } from "../pod-driver.ts";
import { linkRoot, rewritePaths } from "../root/linked-root.ts";
import { type Mount, mountsOf, type VolumePlace } from "../root/mounts.ts";
import { inPrivateRoot, type Program, type RootPermission, rootPermission } from "../root/private-root.ts";
import { makeRoot } from "../root/root-folder.ts";
import { baseEnvironment, containerEnvironment } from "./container-environment.ts";
import { containerOf } from "./container-key.ts";
import type { ContainerMark } from "./container-mark.ts";
import type { ProcessPlan } from "./container-process.ts";
import { Expansion } from "./expand-variables.ts";
import type { PodFolder } from "./pod-folder.ts";
import type { ServiceVariables } from "./service-variables.ts";

export interface ContainerPlansOptions {
  readonly dataFolder: string;
  readonly clock: Clock;
  readonly images: ImageStore;
  readonly client: KubernetesClient;
  readonly services: ServiceVariables;
  readonly hostIp: string;
  /** Where the pod's volume of that name is. */
  readonly placeOfVolume: (key: ContainerKey, name: string) => VolumePlace | undefined;
  /** Whether containers may have roots of their own; found out when absent. */
  readonly roots?: RootPermission | undefined;
}

export interface ContainerSurroundings {
  readonly network: PodNetwork;
  readonly folder: PodFolder;
  readonly mark: ContainerMark;
}

const defaultTerminationPath = "/dev/termination-log";

/** Works out how each container is started: its program, variables and folder, and the root in which it sees what it mounts. */
export class ContainerPlans {
  readonly #options: ContainerPlansOptions;
  #roots: Promise<RootPermission> | undefined;

  constructor(options: ContainerPlansOptions) {
    this.#options = options;
  }

  /** Throws `ContainerError` with reason `ErrImagePull`. */
  async image(key: ContainerKey): Promise<ResolvedImage> {
    const { image = "" } = containerOf(key);
    try {
      return await this.#options.images.resolve(image);
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      throw new ContainerError("ErrImagePull", error.message, { cause: error });
    }
  }

  /** Whether containers have roots of their own on this machine, and by which means. */
  roots(): Promise<RootPermission> {
    this.#roots ??= this.#findOut();
    return this.#roots;
  }

  /** How the n-th run is started; its root is made by it. Throws `ContainerError`. */
  async planOf(key: ContainerKey, run: number, surroundings: ContainerSurroundings): Promise<ProcessPlan> {
    const { plan, mounts } = await this.programOf(key, surroundings);
    const { folder } = surroundings;
    const root = folder.rootPath(key.container);
    const permission = await this.roots();
    const terminationLog = {
      source: folder.terminationLogPath(key.container, run),
      target: containerOf(key).terminationMessagePath ?? defaultTerminationPath,
      isReadOnly: false,
    };
    writeFileSync(terminationLog.source, "");
    if (permission === "none") {
      linkRoot(root, [...mounts, terminationLog]);
      return plan;
    }
    const bindings = makeRoot(root, mounts, terminationLog);
    return { ...plan, wrapped: inPrivateRoot(permission, root, bindings, plan) };
  }

  /** The container's program as it sees itself, and what it mounts. */
  async programOf(
    key: ContainerKey,
    surroundings: ContainerSurroundings,
  ): Promise<{ readonly plan: ProcessPlan; readonly mounts: readonly Mount[] }> {
    const { client, services, hostIp, placeOfVolume } = this.#options;
    const { network, folder: podFolder, mark } = surroundings;
    const { pod } = key;
    const container = containerOf(key);
    const image = await this.image(key);
    const workingDir = container.workingDir ?? image.workingDir;
    const folder = join(image.root ?? image.folder, workingDir);
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
      const message = `working directory ${folder} does not exist (workingDir is taken inside the image's folder)`;
      throw new ContainerError("CreateContainerError", message);
    }
    const home = podFolder.containerPath(container.name);
    const expansion = new Expansion();
    const base = baseEnvironment(home);
    const environment = await containerEnvironment({
      expansion,
      client,
      serviceVariables: await services.of(pod),
      pod,
      container,
      network,
      hostIp,
      imageEnvironment: image.env,
      mark,
      base,
    });
    const mounts = mountsOf(
      container,
      (name) => placeOfVolume(key, name),
      (text) => expansion.expand(text, environment),
    );
    const targets = mounts.map(({ target }) => target);
    const view = viewOf(image, base["PATH"] ?? "", targets);
    const words = commandOf(image, container).map((word) => expansion.expand(word, environment));
    const own = { command: view.command(words), folder, environment: view.variables(environment), view };
    if ((await this.roots()) !== "none") return placeImage(own, image, workingDir, mounts, home);
    const termination = container.terminationMessagePath ?? defaultTerminationPath;
    const rewrite = rewritePaths(podFolder.rootPath(container.name), [...targets, termination]);
    return { plan: rewritten(own, podFolder.rootPath(container.name), rewrite), mounts };
  }

  async #findOut(): Promise<RootPermission> {
    const { dataFolder, clock, roots } = this.#options;
    if (roots !== undefined) return roots;
    const scratch = join(dataFolder, "trial-root");
    const volume = join(dataFolder, "trial-volume");
    mkdirSync(volume, { recursive: true });
    try {
      const mounts = [{ source: volume, target: "/teal-trial/volume", isReadOnly: true }];
      const program: Program = {
        command: ["sh", "-c", "test -d /teal-trial/volume"],
        folder: "/",
        environment: { PATH: "/usr/bin:/bin" },
      };
      return await rootPermission(
        (permission) => inPrivateRoot(permission, scratch, makeRoot(scratch, mounts), program),
        clock,
      );
    } finally {
      for (const path of [scratch, `${scratch}.mounts`, volume])
        rmSync(path, { recursive: true, force: true });
    }
  }
}

/** Where no root can be: the texts of the manifest name the places below `root`, which is in the variable `TEAL_ROOT`. */
function rewritten(plan: ProcessPlan, root: string, rewrite: (text: string) => string): ProcessPlan {
  const { command, environment, view } = plan;
  const variables = Object.entries(environment).map(([name, text]) => [name, rewrite(text)]);
  return {
    ...plan,
    command: command.map(rewrite),
    environment: { ...Object.fromEntries(variables), TEAL_ROOT: root },
    view: { ...view, command: (words) => view.command(words).map(rewrite) },
  };
}

/**
 * The image's folder as the program sees it: an absolute working directory at that path, as in a container; and at `/image`
 * what a mount would hide. What is mounted in a folder of the image is seen there, too.
 */
function placeImage(
  plan: ProcessPlan,
  image: ResolvedImage,
  workingDir: string,
  mounts: readonly Mount[],
  home: string,
): { readonly plan: ProcessPlan; readonly mounts: readonly Mount[] } {
  const base = image.root ?? image.folder;
  const isHidden = (path: string): boolean =>
    mounts.some(({ target }) => path === target || path.startsWith(target === "/" ? "/" : `${target}/`));
  const environment = isHidden(home)
    ? { ...plan.environment, HOME: "/tmp", TMPDIR: "/tmp" }
    : plan.environment;
  const within = mounts
    .filter(({ target }) => image.root !== undefined && existsSync(join(base, dirname(target))))
    .map((mount) => ({ ...mount, target: join(base, mount.target) }));
  const wanted = posix.normalize(workingDir).replace(/(.)\/$/, "$1");
  if (wanted.startsWith("/") && wanted !== "/") {
    const target = firstMissing(wanted);
    const image = { source: join(base, target), target, isReadOnly: false };
    const already = mounts.some((mount) => mount.target === target);
    return {
      plan: { ...plan, environment, folder: wanted },
      mounts: [...(already ? [] : [image]), ...mounts, ...within],
    };
  }
  if (!isHidden(plan.folder)) return { plan: { ...plan, environment }, mounts: [...mounts, ...within] };
  const target = "/image";
  return {
    plan: { ...plan, environment, folder: join(target, wanted) },
    mounts: [{ source: base, target, isReadOnly: false }, ...mounts],
  };
}

/** The first folder on the way to `path` that the machine has not; the path itself when it has all. */
function firstMissing(path: string): string {
  const parts = path.slice(1).split("/");
  const folders = parts.map((_part, index) => `/${parts.slice(0, index + 1).join("/")}`);
  return folders.find((folder) => statSync(folder, { throwIfNoEntry: false }) === undefined) ?? path;
}
