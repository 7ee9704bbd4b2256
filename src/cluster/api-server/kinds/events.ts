import type { KubernetesObject } from "../../../api/core.ts";
import { fieldsOf, textOf } from "../json.ts";
import { fieldError } from "../refusal.ts";
import { plainRules } from "./plain.ts";
import type { ApiObject, Rules } from "./rules.ts";

const involved = ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"];

export const eventRules: Rules = {
  ...plainRules,
  createsOnUpdate: true,
  selectable: {
    own: true,
    paths: {
      ...Object.fromEntries(involved.map((field) => [`involvedObject.${field}`, ["involvedObject", field]])),
      reason: ["reason"],
      reportingComponent: ["reportingComponent"],
      source: ["source", "component"],
      type: ["type"],
    },
  },
  validate: (event) => {
    const place = textOf(fieldsOf(event.involvedObject).namespace);
    const { namespace } = event.metadata;
    // Events about objects without a namespace are kept in `default`.
    const isPlaced = place === "" ? namespace === "default" || namespace === "" : place === namespace;
    return isPlaced
      ? []
      : [fieldError.invalid("involvedObject.namespace", place, "does not match event.namespace")];
  },
};

// The same event as events.k8s.io/v1 calls its fields. Events are kept as core v1.
const renamed: Readonly<Record<string, string>> = {
  involvedObject: "regarding",
  message: "note",
  reportingComponent: "reportingController",
  source: "deprecatedSource",
  firstTimestamp: "deprecatedFirstTimestamp",
  lastTimestamp: "deprecatedLastTimestamp",
  count: "deprecatedCount",
};
const renamedBack = Object.fromEntries(Object.entries(renamed).map(([core, events]) => [events, core]));

/** A core v1 event as events.k8s.io/v1 shows it. */
export function eventAsEventsApi(event: KubernetesObject): KubernetesObject {
  return { ...rename(event, renamed), apiVersion: "events.k8s.io/v1" };
}

/** The other way round. */
export function eventAsCore(event: ApiObject): ApiObject {
  return { ...rename(event, renamedBack), apiVersion: "v1" } as ApiObject;
}

function rename<T extends object>(object: T, names: Readonly<Record<string, string>>): T {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [names[key] ?? key, value])) as T;
}
