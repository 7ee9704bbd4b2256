import { type Fields, fieldsIn, textOf } from "../../json.ts";
import { labelName, portNameProblems } from "../../names.ts";
import { type FieldError, fieldError } from "../../refusal.ts";
import { duplicateErrors, oneOf, portNumberErrors } from "../field-checks.ts";
import { environmentErrors } from "./environment-errors.ts";
import { probeAndHookErrors } from "./probe-errors.ts";
import { resizePolicyErrors, resourceErrors } from "./resource-errors.ts";
import { containerSecurityErrors } from "./security-errors.ts";
import { mountErrors } from "./volume-errors.ts";

/** Errors of a pod's containers and init containers. `graceSeconds` is what the pod gets to stop. */
export function containerListErrors(spec: Fields, path: string, graceSeconds: number): FieldError[] {
  const containers = fieldsIn(spec.containers);
  const initContainers = fieldsIn(spec.initContainers);
  const names = containers.map(({ name }) => textOf(name));
  return [
    ...(containers.length === 0 ? [fieldError.required(`${path}.containers`)] : []),
    ...containers.flatMap((container, index) => {
      const at = `${path}.containers[${index}]`;
      return [...containerErrors(container, spec, at), ...probeAndHookErrors(container, graceSeconds, at)];
    }),
    ...duplicateErrors(names, (index) => `${path}.containers[${index}].name`),
    ...initContainers.flatMap((container, index) => {
      const at = `${path}.initContainers[${index}]`;
      return [
        ...containerErrors(container, spec, at),
        ...(container.restartPolicy === "Always"
          ? probeAndHookErrors(container, graceSeconds, at)
          : shortLivedErrors(container, at)),
      ];
    }),
    ...duplicateErrors([...names, ...initContainers.map(({ name }) => textOf(name))], (index) =>
      index < names.length ? "" : `${path}.initContainers[${index - names.length}].name`,
    ).filter(({ field }) => field !== ""),
  ];
}

// What ends before the others begin has nothing to be looked after.
function shortLivedErrors(container: Fields, path: string): FieldError[] {
  return ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"]
    .filter((field) => container[field] !== undefined)
    .map((field) =>
      fieldError.forbidden(
        `${path}.${field}`,
        "may not be set for init containers without restartPolicy=Always",
      ),
    );
}

function containerErrors(container: Fields, spec: Fields, path: string): FieldError[] {
  const name = textOf(container.name);
  return [
    ...(name === ""
      ? [fieldError.required(`${path}.name`)]
      : labelName(name).map((text) => fieldError.invalid(`${path}.name`, name, text))),
    ...(textOf(container.image) === "" ? [fieldError.required(`${path}.image`)] : []),
    ...oneOf(
      container.terminationMessagePolicy,
      ["File", "FallbackToLogsOnError"],
      `${path}.terminationMessagePolicy`,
    ),
    ...portListErrors(container.ports, spec.hostNetwork === true, `${path}.ports`),
    ...environmentErrors(container, path),
    ...mountErrors(container, fieldsIn(spec.volumes), path),
    ...oneOf(container.imagePullPolicy, ["Always", "IfNotPresent", "Never"], `${path}.imagePullPolicy`),
    ...resourceErrors(container.resources, fieldsIn(spec.resourceClaims), `${path}.resources`),
    ...resizePolicyErrors(container.resizePolicy, `${path}.resizePolicy`),
    ...containerSecurityErrors(container.securityContext, spec, `${path}.securityContext`),
  ];
}

function portListErrors(list: unknown, onHost: boolean, path: string): FieldError[] {
  const ports = fieldsIn(list);
  const hostPorts = ports.map(({ protocol, hostIP, hostPort }) =>
    hostPort === undefined ? "" : `${textOf(protocol)}/${textOf(hostIP)}/${Number(hostPort)}`,
  );
  return [
    ...ports.flatMap((port, index) => portErrors(port, onHost, `${path}[${index}]`)),
    ...duplicateErrors(
      ports.map(({ name }) => textOf(name)),
      (index) => `${path}[${index}].name`,
    ),
    ...duplicateErrors(hostPorts, (index) => `${path}[${index}].hostPort`),
  ];
}

function portErrors(port: Fields, onHost: boolean, path: string): FieldError[] {
  const name = textOf(port.name);
  const { containerPort = 0, hostPort } = port;
  return [
    ...(name === ""
      ? []
      : portNameProblems(name).map((text) => fieldError.invalid(`${path}.name`, name, text))),
    ...(containerPort === 0
      ? [fieldError.required(`${path}.containerPort`)]
      : portNumberErrors(containerPort, `${path}.containerPort`)),
    ...(hostPort === undefined ? [] : portNumberErrors(hostPort, `${path}.hostPort`)),
    ...(onHost && hostPort !== undefined && hostPort !== containerPort
      ? [
          fieldError.invalid(
            `${path}.hostPort`,
            hostPort,
            "must match `containerPort` when `hostNetwork` is true",
          ),
        ]
      : []),
    ...oneOf(port.protocol, ["SCTP", "TCP", "UDP"], `${path}.protocol`),
  ];
}
