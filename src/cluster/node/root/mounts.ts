import { chmodSync, mkdirSync, realpathSync, statSync } from "node:fs";
import { join, posix } from "node:path";
import type { Container } from "../../../api/core.ts";
import { ContainerError } from "../pod-driver.ts";
import { isInside } from "./inside.ts";

/** A folder or file of this machine, and where a container sees it. */
export interface Mount {
  readonly source: string;
  /** Absolute, without `.` and `..`. */
  readonly target: string;
  readonly isReadOnly: boolean;
}

/** Where a volume is on this machine. */
export interface VolumePlace {
  readonly path: string;
  readonly isReadOnly: boolean;
}

/**
 * What the container mounts. A part of a volume that is named by `subPath` is looked up now, and made where it is not there.
 * Throws `ContainerError` for what cannot be mounted.
 */
export function mountsOf(
  container: Container,
  placeOfVolume: (name: string) => VolumePlace | undefined,
  expand: (text: string) => string,
): readonly Mount[] {
  return (container.volumeMounts ?? []).map(
    ({ name, mountPath, readOnly = false, subPath = "", subPathExpr = "" }) => {
      const volume = placeOfVolume(name);
      if (volume === undefined) throw configError(`volume "${name}" is not there`);
      const part = subPathExpr === "" ? subPath : expand(subPathExpr);
      return {
        source: part === "" ? volume.path : partOf(volume.path, part, name, container.name),
        target: posix.join("/", mountPath).replace(/(.)\/$/, "$1"),
        isReadOnly: readOnly || volume.isReadOnly,
      };
    },
  );
}

function partOf(volume: string, part: string, name: string, container: string): string {
  const failed = (why: string): ContainerError =>
    configError(`failed to prepare subPath for volumeMount "${name}" of container "${container}": ${why}`);
  if (part.startsWith("/") || part.split("/").includes(".."))
    throw failed(`subPath "${part}" must be inside the volume`);
  const path = join(volume, part);
  try {
    const check = (): void => {
      if (!isInside(volume, path)) throw failed(`"${part}" leads out of the volume`);
    };
    check();
    if (statSync(path, { throwIfNoEntry: false }) === undefined) {
      mkdirSync(path, { recursive: true });
      chmodSync(path, 0o777);
    }
    // A program of another container may have put a link there meanwhile.
    check();
    return realpathSync(path);
  } catch (error) {
    if (error instanceof ContainerError) throw error;
    throw failed(error instanceof Error ? error.message : String(error));
  }
}

function configError(message: string): ContainerError {
  return new ContainerError("CreateContainerConfigError", message);
}
