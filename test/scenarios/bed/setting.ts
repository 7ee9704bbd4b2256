import type { BlueGreenStrategy, RolloutSpec } from "../../../src/api/rollout.ts";
import type { BehaviourRule } from "../../../src/cluster/node/simulated-behaviour.ts";

/** One Rollout with its Services, before it is applied. */
export interface Application {
  readonly name: string;
  readonly strategy: BlueGreenStrategy;
  readonly spec: RolloutSpec;
}

/** What is given at the beginning of a scenario. */
export interface Setting {
  readonly applications: readonly Application[];
  /** The version that all applications run, healthy and at rest; undefined: nothing is applied yet. */
  readonly running: string | undefined;
  readonly behaviours: readonly BehaviourRule[];
  /** How long the traffic process takes to route by a changed EndpointSlice. */
  readonly routesAfterSeconds: number | "never";
}

/** One line of what is given. */
export type Given = (setting: Setting) => Setting;

export const mainApplication = "web";

export const bareSetting: Setting = {
  applications: [],
  running: undefined,
  behaviours: [],
  routesAfterSeconds: 0,
};

/** The Rollout `web` with two pods and the Services `web` and `web-preview`; fields set to undefined are left out. */
export function blueGreen(
  strategy: { readonly [Field in keyof BlueGreenStrategy]?: BlueGreenStrategy[Field] | undefined } = {},
  spec: RolloutSpec = {},
): Given {
  return another(mainApplication, strategy, spec);
}

/** A further Rollout, like `web` but for its name. */
export function another(
  name: string,
  strategy: { readonly [Field in keyof BlueGreenStrategy]?: BlueGreenStrategy[Field] | undefined } = {},
  spec: RolloutSpec = {},
): Given {
  const all = { activeService: name, previewService: `${name}-preview`, ...strategy };
  const set = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  const application = { name, strategy: set, spec: { replicas: 2, ...spec } };
  return (setting) => ({ ...setting, applications: [...setting.applications, application] });
}

/** All Rollouts are at rest in this version. */
export function running(version: string): Given {
  return (setting) => ({ ...setting, running: version });
}

/** How the pods of a version behave. */
export function pods(version: string, behaviour: BehaviourRule): Given {
  return (setting) => ({
    ...setting,
    behaviours: [...setting.behaviours, { image: imageOf("*", version), ...behaviour }],
  });
}

export function routesAfter(routesAfterSeconds: number | "never"): Given {
  return (setting) => ({ ...setting, routesAfterSeconds });
}

export function imageOf(application: string, version: string): string {
  return `${application}:${version}`;
}

export function versionOf(image: string | undefined): string {
  return image?.split(":")[1] ?? "";
}
