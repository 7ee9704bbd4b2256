import type { Strategy as Parameters } from "../api/strategy.ts";
import { blueGreen } from "./blue-green/blue-green.ts";
import { type Course, course } from "./pass.ts";

/**
 * Every way to bring out a new version: another one is a folder beside this file and a case here. Undefined where Teal does not
 * carry out what the Rollout asks for.
 */
export function courseOf(parameters: Parameters): Course | undefined {
  switch (parameters.kind) {
    case "blueGreen":
      return course(blueGreen(parameters));
    case "canary":
    case "none":
      return undefined;
    default:
      return parameters satisfies never;
  }
}
