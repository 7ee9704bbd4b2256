import { ImageError } from "../cluster/node/images/image-folder.ts";
import { ApiError } from "../kubernetes/errors.ts";
import { KubeconfigError } from "../kubernetes/kubeconfig-file.ts";
import { CommandError } from "./errors.ts";

/** Whether it is told in one line; anything else is a bug. Loaded when something has gone wrong, and not before. */
export function isExpected(error: unknown): error is Error {
  return [CommandError, ApiError, KubeconfigError, ImageError].some((kind) => error instanceof kind);
}
