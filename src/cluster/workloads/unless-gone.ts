import { ApiError } from "../../kubernetes/errors.ts";

/** For `catch`: an object that is gone needs nothing more, its deletion is on the way to the caches. */
export function unlessGone(error: unknown): undefined {
  if (error instanceof ApiError && error.kind === "notFound") return undefined;
  throw error;
}
