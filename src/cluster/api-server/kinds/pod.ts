import type { PodTemplateSpec } from "../../../api/core.ts";
import { equalJson } from "../../../api/equal-json.ts";
import { withPodOnlyDefaults, withPodTemplateDefaults } from "../../../api/pod-defaults.ts";
import { canonicalJson, type Fields, fieldsIn, fieldsOf, textOf, withFields } from "../json.ts";
import { type FieldError, fieldError } from "../refusal.ts";
import { finalizerErrors } from "./field-checks.ts";
import { plainRules, selectablePaths } from "./plain.ts";
import { podAnnotationErrors } from "./pod/annotation-errors.ts";
import { podSpecErrors } from "./pod/pod-spec-errors.ts";
import { podWarnings } from "./pod/pod-warnings.ts";
import { withServiceAccount } from "./pod/service-account.ts";
import type { ApiObject, Rules } from "./rules.ts";
import { podStatusErrors } from "./status-errors.ts";

export const podRules: Rules = {
  ...plainRules,
  hasGeneration: true,
  untouchedByStatus: [
    ["metadata", "deletionTimestamp"],
    ["metadata", "ownerReferences"],
  ],
  deletionAnswer: "object",
  selectable: {
    own: true,
    paths: selectablePaths(
      "spec.nodeName",
      "spec.restartPolicy",
      "spec.schedulerName",
      "spec.serviceAccountName",
      "spec.hostNetwork",
      "status.phase",
      "status.podIP",
      "status.nominatedNodeName",
    ),
  },
  withDefaults: (pod) => ({
    ...pod,
    spec: withPodOnlyDefaults(withTemplateDefaults(pod.spec)),
  }),
  beforeCreate: (pod, context) => {
    const spec = withAdmission(withPositiveGrace(withServiceAccount(pod, context)));
    return { ...pod, spec, status: { phase: "Pending", qosClass: qosClassOf(spec) } };
  },
  validateStatus: podStatusErrors,
  creationWarnings: ({ spec }) => podWarnings(fieldsOf(spec), "spec"),
  beforeStatusUpdate: (pod, old) => {
    const status = fieldsOf(pod.status);
    const podIPs = textOf(status.podIP) === "" ? undefined : [{ ip: status.podIP }];
    const addressChanged = status.podIP !== fieldsOf(old.status).podIP;
    return {
      ...pod,
      metadata: withFields(pod.metadata, { ownerReferences: old.metadata.ownerReferences }),
      status: {
        ...status,
        qosClass: status.qosClass ?? fieldsOf(old.status).qosClass,
        ...(podIPs !== undefined && (addressChanged || status.podIPs === undefined) ? { podIPs } : {}),
      },
    };
  },
  validate: (pod, old) => [
    ...podMetadataErrors(pod),
    ...podSpecErrors(fieldsOf(pod.spec), "spec"),
    ...imageErrors(fieldsOf(pod.spec)),
    ...(old === undefined
      ? newPodErrors(fieldsOf(pod.spec))
      : changeErrors(fieldsOf(pod.spec), fieldsOf(old.spec))),
  ],
};

function podMetadataErrors(pod: ApiObject): FieldError[] {
  const { annotations, finalizers = [] } = pod.metadata;
  return [
    ...finalizers.flatMap((name, index) => finalizerErrors(name, `metadata.finalizers[${index}]`)),
    ...podAnnotationErrors(annotations ?? {}, fieldsOf(pod.spec), "metadata.annotations"),
  ];
}

// Templates are not looked at so closely.
function imageErrors(spec: Fields): FieldError[] {
  return ["containers", "initContainers"].flatMap((list) =>
    fieldsIn(spec[list]).flatMap(({ image }, index) =>
      textOf(image) === textOf(image).trim()
        ? []
        : [
            fieldError.invalid(
              `spec.${list}[${index}].image`,
              image,
              "must not have leading or trailing whitespace",
            ),
          ],
    ),
  );
}

/** A spec as it is in a template with these defaults. */
export function withTemplateDefaults(spec: unknown): Fields {
  const template = { spec } as unknown as PodTemplateSpec;
  return fieldsOf(withPodTemplateDefaults(template).spec);
}

// A negative time to stop means the shortest.
function withPositiveGrace(spec: Fields): Fields {
  return Number(spec.terminationGracePeriodSeconds) < 0
    ? { ...spec, terminationGracePeriodSeconds: 1 }
    : spec;
}

const notReadyTaints = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];

// What further admission plugins of a real server add.
function withAdmission(spec: Fields): Fields {
  const tolerations = fieldsIn(spec.tolerations);
  const added = notReadyTaints
    .filter((key) => !tolerations.some((one) => tolerates(one, key)))
    .map((key) => ({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 }));
  return {
    priority: 0,
    preemptionPolicy: "PreemptLowerPriority",
    ...spec,
    tolerations: [...tolerations, ...added],
  };
}

function tolerates(toleration: Fields, key: string): boolean {
  const effect = toleration.effect ?? "";
  return (
    (toleration.key === key || toleration.key === undefined) && (effect === "" || effect === "NoExecute")
  );
}

function qosClassOf(spec: Fields): string {
  const containers = [...fieldsIn(spec.containers), ...fieldsIn(spec.initContainers)].map((container) => {
    const { limits, requests } = fieldsOf(container.resources);
    return { limits: fieldsOf(limits), requests: fieldsOf(requests) };
  });
  const wanted = ["cpu", "memory"];
  const asks = (list: Fields): boolean =>
    wanted.some((name) => list[name] !== undefined && list[name] !== "0");
  if (!containers.some(({ limits, requests }) => asks(limits) || asks(requests))) return "BestEffort";
  const isGuaranteed = containers.every(({ limits, requests }) =>
    wanted.every((name) => limits[name] !== undefined && limits[name] === requests[name]),
  );
  return isGuaranteed ? "Guaranteed" : "Burstable";
}

const immutableText =
  "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`," +
  "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations)," +
  "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

function changeErrors(spec: Fields, old: Fields): FieldError[] {
  const tolerations = fieldsIn(spec.tolerations);
  const kept = new Set(tolerations.map(canonicalJson));
  const lost = fieldsIn(old.tolerations).some((before) => !kept.has(canonicalJson(before)));
  return equalJson(withoutChangeable(spec), withoutChangeable(old)) && !lost
    ? []
    : [fieldError.forbidden("spec", immutableText)];
}

function newPodErrors({ ephemeralContainers }: Fields): FieldError[] {
  return ephemeralContainers === undefined
    ? []
    : [fieldError.forbidden("spec.ephemeralContainers", "cannot be set on create")];
}

function withoutChangeable(spec: Fields): Fields {
  const withoutImages = (containers: unknown): Fields[] =>
    fieldsIn(containers).map((container) => withFields(container, { image: undefined }));
  return withFields(spec, {
    activeDeadlineSeconds: undefined,
    tolerations: undefined,
    containers: withoutImages(spec.containers),
    initContainers: withoutImages(spec.initContainers),
  });
}

// A century, so that the time of the pod's end can be written down.
const longestGraceSeconds = 100 * 365 * 24 * 3600;

/** Seconds that the pod gets to stop when it is deleted. */
export function gracePeriodOf(pod: ApiObject, asked: number | undefined): number {
  const spec = fieldsOf(pod.spec);
  const phase = fieldsOf(pod.status).phase;
  if (textOf(spec.nodeName) === "" || phase === "Succeeded" || phase === "Failed") return 0;
  const wish = asked ?? spec.terminationGracePeriodSeconds;
  return typeof wish === "number" ? Math.min(Math.max(0, wish), longestGraceSeconds) : 0;
}
