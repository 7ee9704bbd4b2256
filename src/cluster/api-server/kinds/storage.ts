import { equalJson } from "../../../api/equal-json.ts";
import { formatTime } from "../../../time/clock.ts";
import { type Fields, fieldsOf, listOf, textOf, withFields } from "../json.ts";
import { type FieldError, fieldError } from "../refusal.ts";
import { oneOf } from "./field-checks.ts";
import { plainRules } from "./plain.ts";
import type { Rules } from "./rules.ts";

// Nothing provides volumes here, as on any cluster without a provisioner: claims stay Pending.

const modes = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

export const claimRules: Rules = {
  ...plainRules,
  deletionAnswer: "object",
  withDefaults: (claim) => ({ ...claim, spec: { volumeMode: "Filesystem", ...fieldsOf(claim.spec) } }),
  beforeCreate: (claim) => ({ ...claim, status: { phase: "Pending" } }),
  validate: (claim, old) => {
    const spec = fieldsOf(claim.spec);
    const { storage } = fieldsOf(fieldsOf(spec.resources).requests);
    return [
      ...modeErrors(spec),
      ...(storage === undefined ? [fieldError.required("spec.resources[storage]")] : []),
      ...(old === undefined || equalJson(fixed(spec), fixed(fieldsOf(old.spec)))
        ? []
        : [
            fieldError.forbidden(
              "spec",
              "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
            ),
          ]),
    ];
  },
};

function fixed(spec: Fields): Fields {
  return withFields(spec, { resources: undefined, volumeAttributesClassName: undefined });
}

function modeErrors(spec: Fields): FieldError[] {
  const sent = listOf(spec.accessModes);
  if (sent.length === 0) return [fieldError.required("spec.accessModes")];
  return sent.flatMap((mode) => oneOf(mode, modes, "spec.accessModes"));
}

const settings = new Set([
  "accessModes",
  "capacity",
  "claimRef",
  "mountOptions",
  "nodeAffinity",
  "persistentVolumeReclaimPolicy",
  "storageClassName",
  "volumeAttributesClassName",
  "volumeMode",
]);

export const volumeRules: Rules = {
  ...plainRules,
  deletionAnswer: "object",
  withDefaults: (volume) => {
    const spec = fieldsOf(volume.spec);
    const hostPath =
      spec.hostPath === undefined ? {} : { hostPath: { type: "", ...fieldsOf(spec.hostPath) } };
    return {
      ...volume,
      spec: { persistentVolumeReclaimPolicy: "Retain", volumeMode: "Filesystem", ...spec, ...hostPath },
    };
  },
  beforeCreate: (volume, { now }) => ({
    ...volume,
    status: { phase: "Pending", lastPhaseTransitionTime: formatTime(now) },
  }),
  validate: ({ spec }) => {
    const fields = fieldsOf(spec);
    const { storage } = fieldsOf(fields.capacity);
    return [
      ...modeErrors(fields),
      ...(storage === undefined
        ? [fieldError.required("spec.capacity[storage]")]
        : /^[-+]?0*(\.0*)?[A-Za-z]*$|^-/.test(textOf(storage))
          ? [fieldError.invalid("spec.capacity[storage]", storage, "must be greater than zero")]
          : []),
      ...(Object.keys(fields).every((name) => settings.has(name))
        ? [fieldError.required("spec", "must specify a volume type")]
        : []),
    ];
  },
};

export const storageClassRules: Rules = {
  ...plainRules,
  deletionAnswer: "object",
  withDefaults: (storageClass) => ({
    reclaimPolicy: "Delete",
    volumeBindingMode: "Immediate",
    ...storageClass,
  }),
  validate: (storageClass, old) => [
    ...(textOf(storageClass.provisioner) === "" ? [fieldError.required("provisioner")] : []),
    ...oneOf(storageClass.reclaimPolicy, ["Delete", "Retain"], "reclaimPolicy"),
    ...oneOf(storageClass.volumeBindingMode, ["Immediate", "WaitForFirstConsumer"], "volumeBindingMode"),
    ...["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"]
      .filter((name) => old !== undefined && !equalJson(storageClass[name], old[name]))
      .map((name) => fieldError.forbidden(name, "updates to this field are forbidden.")),
  ],
};
