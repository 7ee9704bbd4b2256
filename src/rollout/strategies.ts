import type { Strategy as Parameters } from "../api/strategy.ts";
import { blueGreen } from "./blue-green/blue-green.ts";
import { type Course, course } from "./pass.ts";

/** Every way to bring out a new version. Another one is a folder beside this file and a line here. */
const strategies: {
  readonly [Kind in Parameters["kind"]]?: (parameters: Extract<Parameters, { kind: Kind }>) => Course;
} = {
  blueGreen: (parameters) => course(blueGreen(parameters)),
};

/** Undefined where Teal does not carry out what the Rollout asks for. */
export function courseOf(parameters: Parameters): Course | undefined {
  // Looked up by its own kind, so it takes these very parameters.
  const make = strategies[parameters.kind] as ((parameters: Parameters) => Course) | undefined;
  return make?.(parameters);
}
