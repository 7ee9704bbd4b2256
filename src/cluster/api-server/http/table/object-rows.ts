import { selectorText } from "../../../../api/label-selector.ts";
import { type Fields, fieldsIn, fieldsOf, listOf, textOf } from "../../json.ts";
import { ageOf } from "./age.ts";
import { type Cell, containerCells, labelText, none, orNone, printerOf, type RowPrinter } from "./cells.ts";

// Rows of kinds that are only kept here: what is in them is what somebody has written.

type ObjectFields = Parameters<RowPrinter>[0] & Fields;

/** Name, then what `cells` tells of the object's fields, its age in the place of `age`. */
function row(cells: (object: ObjectFields, age: string) => readonly Cell[]): RowPrinter {
  return printerOf<ObjectFields>((object, now) => [
    object.metadata.name,
    ...cells(object, ageOf(object.metadata.creationTimestamp, now)),
  ]);
}

const specOf = (object: Fields): Fields => fieldsOf(object.spec);
const textOr = (value: unknown, absent: string): string =>
  value === undefined || value === null || value === "" ? absent : String(value as string | number);

export const printHorizontalPodAutoscaler = row((object, age) => {
  const { scaleTargetRef, metrics, minReplicas, maxReplicas } = specOf(object);
  const { kind, name } = fieldsOf(scaleTargetRef);
  const { currentMetrics, currentReplicas } = fieldsOf(object.status);
  const all = fieldsIn(metrics);
  const targets = all.slice(0, 2).map((metric, index) => metricText(metric, fieldsIn(currentMetrics)[index]));
  const more = all.length > 2 ? [`${all.length - 2} more...`] : [];
  return [
    `${textOf(kind)}/${textOf(name)}`,
    all.length === 0 ? none : [targets.join(", "), ...more].join(" + "),
    textOr(minReplicas, "<unset>"),
    Number(maxReplicas ?? 0),
    Number(currentReplicas ?? 0),
    age,
  ];
});

function metricText(metric: Fields, current: Fields | undefined): string {
  const source = ["resource", "containerResource", "pods", "object", "external"].find(
    (name) => metric[name] !== undefined,
  );
  const { name, target } = fieldsOf(metric[source ?? ""]);
  const wanted = fieldsOf(target);
  const now = fieldsOf(fieldsOf(current?.[source ?? ""]).current);
  const isShare = wanted.averageUtilization !== undefined && wanted.averageUtilization !== null;
  const text = isShare
    ? `${textOr(now.averageUtilization, "<unknown>")}${now.averageUtilization === undefined ? "" : "%"}/${String(wanted.averageUtilization as number)}%`
    : `${textOr(now.averageValue ?? now.value, "<unknown>")}/${textOr(wanted.averageValue ?? wanted.value, "<auto>")}`;
  const isAverage = !isShare && wanted.averageValue !== undefined && source !== "resource";
  return source === "resource" ? `${textOf(name)}: ${text}` : `${text}${isAverage ? " (avg)" : ""}`;
}

export const printIngress = row((object, age) => {
  const { ingressClassName, rules, tls } = specOf(object);
  const hosts = [...new Set(fieldsIn(rules).flatMap(({ host }) => textOf(host) || []))];
  const shown =
    hosts.length > 3 ? `${hosts.slice(0, 3).join(",")} + ${hosts.length - 3} more...` : hosts.join(",");
  const addresses = fieldsIn(fieldsOf(fieldsOf(object.status).loadBalancer).ingress);
  return [
    textOr(ingressClassName, none),
    shown || "*",
    addresses.map(({ ip, hostname }) => textOf(ip ?? hostname)).join(","),
    fieldsIn(tls).length > 0 ? "80, 443" : "80",
    age,
  ];
});

export const printIngressClass = row((object, age) => {
  const { controller, parameters } = specOf(object);
  const { apiGroup, kind, name } = fieldsOf(parameters);
  const group = textOf(apiGroup) === "" ? "" : `.${textOf(apiGroup)}`;
  return [
    textOf(controller),
    parameters === undefined ? none : `${textOf(kind)}${group}/${textOf(name)}`,
    age,
  ];
});

export const printNetworkPolicy = row((object, age) => [
  orNone(selectorText(fieldsOf(specOf(object).podSelector))),
  age,
]);

export const printPriorityClass = row(({ value, globalDefault, preemptionPolicy }, age) => [
  Number(value ?? 0),
  globalDefault === true,
  age,
  textOf(preemptionPolicy),
]);

export const printStorageClass = row((object, age) => [
  textOf(object.provisioner),
  textOf(object.reclaimPolicy),
  textOf(object.volumeBindingMode),
  object.allowVolumeExpansion === true,
  age,
]);

const shortModes: Readonly<Record<string, string>> = {
  ReadWriteOnce: "RWO",
  ReadOnlyMany: "ROX",
  ReadWriteMany: "RWX",
  ReadWriteOncePod: "RWOP",
};
const modesText = (modes: unknown): string =>
  listOf(modes)
    .map((mode) => shortModes[textOf(mode)] ?? "")
    .join(",");

export const printClaim = row((object, age) => {
  const { volumeName, storageClassName, volumeMode, volumeAttributesClassName } = specOf(object);
  const { phase, capacity, accessModes } = fieldsOf(object.status);
  const isBound = textOf(volumeName) !== "";
  return [
    object.metadata.deletionTimestamp === undefined ? textOf(phase) : "Terminating",
    textOf(volumeName),
    isBound ? textOf(fieldsOf(capacity).storage) : "",
    isBound ? modesText(accessModes) : "",
    textOf(storageClassName),
    textOr(volumeAttributesClassName, "<unset>"),
    age,
    textOr(volumeMode, "<unset>"),
  ];
});

export const printVolume = row((object, age) => {
  const spec = specOf(object);
  const { namespace, name } = fieldsOf(spec.claimRef);
  const { phase, reason } = fieldsOf(object.status);
  return [
    textOf(fieldsOf(spec.capacity).storage),
    modesText(spec.accessModes),
    textOf(spec.persistentVolumeReclaimPolicy),
    object.metadata.deletionTimestamp === undefined ? textOf(phase) : "Terminating",
    spec.claimRef === undefined ? "" : `${textOf(namespace)}/${textOf(name)}`,
    textOf(spec.storageClassName),
    textOr(spec.volumeAttributesClassName, "<unset>"),
    textOf(reason),
    age,
    textOr(spec.volumeMode, "<unset>"),
  ];
});

export const printResourceQuota = row((object, age) => {
  const { hard, used } = fieldsOf(object.status);
  const texts = (isLimit: boolean): string =>
    Object.keys(fieldsOf(hard))
      .sort()
      .filter((name) => name.startsWith("limits.") === isLimit)
      .map((name) => `${name}: ${textOr(fieldsOf(used)[name], "0")}/${textOf(fieldsOf(hard)[name])}`)
      .join(", ");
  return [texts(false), texts(true), age];
});

export const printPodTemplate = row((object) => {
  const { metadata, spec } = fieldsOf(object.template);
  const containers = fieldsIn(fieldsOf(spec).containers).map(({ name, image }) => ({
    name: textOf(name),
    image: textOf(image),
  }));
  return [
    ...containerCells(containers),
    labelText(fieldsOf(fieldsOf(metadata).labels) as Record<string, string>),
  ];
});

export const printScale = row((object, age) => [
  Number(specOf(object).replicas ?? 0),
  Number(fieldsOf(object.status).replicas ?? 0),
  age,
]);
