import { type Fields, fieldsIn, fieldsOf, listOf, textOf } from "../../json.ts";
import { type FieldError, fieldError } from "../../refusal.ts";
import {
  accountNumber,
  allRequired,
  duplicateErrors,
  ifThere,
  oneOf,
  optionalName,
  relativePathErrors,
} from "../field-checks.ts";

const profileTypes = ["Localhost", "RuntimeDefault", "Unconfined"];
const sysctlName = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/;
const longestSysctl = 253;

/** Errors of a container's `securityContext`. `spec` is its pod's. */
export function containerSecurityErrors(value: unknown, spec: Fields, path: string): FieldError[] {
  const context = fieldsOf(value);
  const { procMount } = context;
  return [
    ...accountNumber(context.runAsUser, `${path}.runAsUser`),
    ...accountNumber(context.runAsGroup, `${path}.runAsGroup`),
    ...oneOf(procMount, ["Default", "Unmasked"], `${path}.procMount`),
    ...(procMount === "Unmasked" && spec.hostUsers !== false
      ? [fieldError.invalid(`${path}.procMount`, procMount, "`hostUsers` must be false to use `Unmasked`")]
      : []),
    ...ifThere(context, "seccompProfile", path, seccompErrors),
    ...ifThere(context, "appArmorProfile", path, appArmorErrors),
    ...ifThere(context, "windowsOptions", path, windowsErrors),
    ...escalationErrors(context, path),
  ];
}

function escalationErrors(context: Fields, path: string): FieldError[] {
  if (context.allowPrivilegeEscalation !== false) return [];
  const capability = listOf(fieldsOf(context.capabilities).add)
    .map(textOf)
    .find((name) => name === "CAP_SYS_ADMIN");
  const what = [
    ...(context.privileged === true ? ["`privileged` to true"] : []),
    ...(capability === undefined ? [] : [`\`capabilities.Add\` ${capability}`]),
  ];
  return what.map((other) =>
    fieldError.invalid(path, context, `cannot set \`allowPrivilegeEscalation\` to false and ${other}`),
  );
}

/** Errors of a pod's `securityContext`. */
export function podSecurityErrors(spec: Fields, path: string): FieldError[] {
  const context = fieldsOf(spec.securityContext);
  const at = `${path}.securityContext`;
  return [
    ...accountNumber(context.fsGroup, `${at}.fsGroup`),
    ...accountNumber(context.runAsUser, `${at}.runAsUser`),
    ...accountNumber(context.runAsGroup, `${at}.runAsGroup`),
    ...listOf(context.supplementalGroups).flatMap((group, index) =>
      accountNumber(group, `${at}.supplementalGroups[${index}]`),
    ),
    ...(spec.hostPID === true && spec.shareProcessNamespace === true
      ? [
          fieldError.invalid(
            `${at}.shareProcessNamespace`,
            true,
            "ShareProcessNamespace and HostPID cannot both be enabled",
          ),
        ]
      : []),
    ...sysctlErrors(context.sysctls, `${at}.sysctls`),
    ...oneOf(context.supplementalGroupsPolicy, ["Merge", "Strict"], `${at}.supplementalGroupsPolicy`),
    ...oneOf(context.fsGroupChangePolicy, ["Always", "OnRootMismatch"], `${at}.fsGroupChangePolicy`),
    ...ifThere(context, "seccompProfile", at, seccompErrors),
    ...ifThere(context, "appArmorProfile", at, appArmorErrors),
    ...ifThere(context, "windowsOptions", at, windowsErrors),
  ];
}

function seccompErrors(profile: Fields, path: string): FieldError[] {
  const { type, localhostProfile: file } = profile;
  if (textOf(type) === "")
    return [fieldError.required(`${path}.type`, "type is required when seccompProfile is set")];
  const field = `${path}.localhostProfile`;
  if (type !== "Localhost")
    return file === undefined
      ? oneOf(type, profileTypes, `${path}.type`)
      : [fieldError.invalid(field, profile, "can only be set when seccomp type is Localhost")];
  return textOf(file) === ""
    ? [fieldError.required(field, "must be set when seccomp type is Localhost")]
    : relativePathErrors(textOf(file), field);
}

function appArmorErrors({ type, localhostProfile: file }: Fields, path: string): FieldError[] {
  const field = `${path}.localhostProfile`;
  if (type === "Localhost")
    return textOf(file).trim() === ""
      ? [fieldError.required(field, "must be set when AppArmor type is Localhost")]
      : [];
  return [
    ...(textOf(type) === ""
      ? [fieldError.required(`${path}.type`, "type is required when appArmorProfile is set")]
      : oneOf(type, profileTypes, `${path}.type`)),
    ...(file === undefined
      ? []
      : [fieldError.invalid(field, file, "can only be set when AppArmor type is Localhost")]),
  ];
}

function windowsErrors({ gmsaCredentialSpecName: name }: Fields, path: string): FieldError[] {
  return optionalName(name, `${path}.gmsaCredentialSpecName`);
}

function sysctlErrors(list: unknown, path: string): FieldError[] {
  const names = fieldsIn(list).map(({ name }) => textOf(name));
  const text =
    `must have at most ${longestSysctl} characters and match regex ` +
    "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";
  return [
    ...names.flatMap((name, index) => {
      const field = `${path}[${index}].name`;
      if (name === "") return allRequired({ name }, ["name"], `${path}[${index}]`);
      return name.length <= longestSysctl && sysctlName.test(name)
        ? []
        : [fieldError.invalid(field, name, text)];
    }),
    ...duplicateErrors(names, (index) => `${path}[${index}].name`),
  ];
}
