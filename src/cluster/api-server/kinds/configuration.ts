import { equalJson } from "../../../api/equal-json.ts";
import { type Fields, fieldsOf, textOf, withFields } from "../json.ts";
import { configKeyProblems } from "../names.ts";
import { type FieldError, fieldError } from "../refusal.ts";
import { plainRules, selectablePaths } from "./plain.ts";
import type { ApiObject, Rules } from "./rules.ts";

/** Whose token a Secret of type kubernetes.io/service-account-token is for. */
const accountAnnotation = "kubernetes.io/service-account.name";
const mostBytes = 1024 * 1024;

export const configMapRules: Rules = {
  ...plainRules,
  validate: (configMap, old) => [
    ...keyErrors(configMap.data, "data"),
    ...keyErrors(configMap.binaryData, "binaryData"),
    ...(bytesOf(configMap.data) + bytesOf(configMap.binaryData) > mostBytes
      ? [fieldError.tooLong("[]", mostBytes)]
      : []),
    ...immutableErrors(configMap, old, ["data", "binaryData"]),
  ],
};

export const secretRules: Rules = {
  ...plainRules,
  selectable: { own: true, paths: selectablePaths("type") },
  withDefaults: (secret) => {
    const { stringData, ...rest } = secret;
    const encoded = Object.entries(fieldsOf(stringData)).map(([key, text]) => [key, base64(textOf(text))]);
    const data = { ...fieldsOf(secret.data), ...Object.fromEntries(encoded) };
    return {
      ...rest,
      ...(Object.keys(data).length === 0 ? {} : { data }),
      type: secret.type ?? "Opaque",
    };
  },
  validate: (secret, old) => [
    ...keyErrors(secret.data, "data"),
    ...typedSecretErrors(secret),
    ...(bytesOf(secret.data) > mostBytes ? [fieldError.tooLong("data", mostBytes)] : []),
    ...(old !== undefined && secret.type !== old.type
      ? [fieldError.invalid("type", secret.type, "field is immutable")]
      : []),
    ...(secret.type === "kubernetes.io/service-account-token" &&
    secret.metadata.annotations?.[accountAnnotation] === undefined
      ? [fieldError.required(`metadata.annotations[${accountAnnotation}]`)]
      : []),
    ...immutableErrors(secret, old, ["data"]),
  ],
};

/** What a Secret of a type must have in it, if it is one that is known. */
const neededKeys: Readonly<Record<string, readonly string[]>> = {
  "kubernetes.io/dockercfg": [".dockercfg"],
  "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
  "kubernetes.io/ssh-auth": ["ssh-privatekey"],
  "kubernetes.io/tls": ["tls.crt", "tls.key"],
};

function typedSecretErrors({ type, data }: ApiObject): FieldError[] {
  const held = fieldsOf(data);
  const isMissing = (key: string): boolean => held[key] === undefined;
  if (type === "kubernetes.io/basic-auth") {
    const either = ["username", "password"];
    return either.every(isMissing) ? either.map((key) => fieldError.required(`data[${key}]`)) : [];
  }
  const needed = neededKeys[textOf(type)] ?? [];
  const missing = needed.filter(isMissing);
  if (missing.length > 0) return missing.map((key) => fieldError.required(`data[${key}]`));
  return needed.filter((key) => key.startsWith(".")).flatMap((key) => registryErrors(held[key], key));
}

function registryErrors(encoded: unknown, key: string): FieldError[] {
  const text = Buffer.from(textOf(encoded), "base64").toString();
  try {
    JSON.parse(text);
    return [];
  } catch (error) {
    const why = error instanceof Error ? error.message : "no JSON";
    return [fieldError.invalid(`data[${key}]`, "<secret contents redacted>", why)];
  }
}

export const leaseRules: Rules = {
  ...plainRules,
  createsOnUpdate: true,
  needsVersionOnUpdate: true,
  validate: (lease) => {
    const { leaseDurationSeconds: duration, leaseTransitions: transitions } = fieldsOf(lease.spec);
    return [
      ...(typeof duration === "number" && duration <= 0
        ? [fieldError.invalid("spec.leaseDurationSeconds", duration, "must be greater than 0")]
        : []),
      ...(typeof transitions === "number" && transitions < 0
        ? [fieldError.invalid("spec.leaseTransitions", transitions, "must be greater than or equal to 0")]
        : []),
    ];
  },
};

export const serviceAccountRules: Rules = { ...plainRules, deletionAnswer: "object" };

function keyErrors(data: unknown, field: string): FieldError[] {
  return Object.keys(fieldsOf(data)).flatMap((key) =>
    configKeyProblems(key).map((text) => fieldError.invalid(`${field}[${key}]`, key, text)),
  );
}

function bytesOf(data: unknown): number {
  return Object.values(fieldsOf(data)).reduce<number>(
    (sum, text) => sum + Buffer.byteLength(textOf(text)),
    0,
  );
}

function immutableErrors(
  object: ApiObject,
  old: ApiObject | undefined,
  fields: readonly string[],
): FieldError[] {
  if (old?.immutable !== true) return [];
  const text = "field is immutable when `immutable` is set";
  const changed = fields.filter((field) => !equalJson(emptied(object[field]), emptied(old[field])));
  if (object.immutable !== true) changed.unshift("immutable");
  return changed.map((field) => fieldError.forbidden(field, text));
}

function emptied(data: unknown): Fields {
  return withFields(fieldsOf(data), {});
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
