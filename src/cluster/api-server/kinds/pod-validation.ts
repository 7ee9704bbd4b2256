import { type Fields, fieldsIn, fieldsOf, listOf, textOf } from "../json.ts";
import { labelErrors, labelName } from "../names.ts";
import { type FieldError, fieldError } from "../refusal.ts";

/** Errors of a pod's spec at `path` (`spec`, `spec.template.spec`). */
export function podSpecErrors(spec: Fields, path: string): FieldError[] {
  const volumes = volumeErrors(spec.volumes, `${path}.volumes`);
  const containers = containerListErrors(spec, "containers", path);
  const initContainers = containerListErrors(spec, "initContainers", path);
  const names = duplicates(
    [...fieldsIn(spec.initContainers), ...fieldsIn(spec.containers)].map(({ name }) => textOf(name)),
  ).map((name) => fieldError.duplicate(`${path}.containers.name`, name));
  return [
    ...volumes,
    ...(listOf(spec.containers).length === 0 ? [fieldError.required(`${path}.containers`)] : []),
    ...containers,
    ...initContainers,
    ...names,
    ...oneOf(spec.restartPolicy, ["Always", "OnFailure", "Never"], `${path}.restartPolicy`),
    ...oneOf(
      spec.dnsPolicy,
      ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"],
      `${path}.dnsPolicy`,
    ),
    ...notNegative(spec.terminationGracePeriodSeconds, `${path}.terminationGracePeriodSeconds`),
    ...labelErrors(spec.nodeSelector, `${path}.nodeSelector`),
  ];
}

function volumeErrors(volumes: unknown, path: string): FieldError[] {
  const names = fieldsIn(volumes).map(({ name }) => textOf(name));
  return names.flatMap((name, index) => {
    const field = `${path}[${index}].name`;
    if (name === "") return [fieldError.required(field)];
    if (names.indexOf(name) < index) return [fieldError.duplicate(field, name)];
    return labelName(name).map((text) => fieldError.invalid(field, name, text));
  });
}

function containerListErrors(spec: Fields, list: string, path: string): FieldError[] {
  const volumes = new Set(fieldsIn(spec.volumes).map(({ name }) => textOf(name)));
  return fieldsIn(spec[list]).flatMap((container, index) =>
    containerErrors(container, volumes, `${path}.${list}[${index}]`),
  );
}

function containerErrors(container: Fields, volumes: ReadonlySet<string>, path: string): FieldError[] {
  const name = textOf(container.name);
  const image = textOf(container.image);
  return [
    ...(name === "" ? [fieldError.required(`${path}.name`)] : []),
    ...(name === "" ? [] : labelName(name).map((text) => fieldError.invalid(`${path}.name`, name, text))),
    ...(image === "" ? [fieldError.required(`${path}.image`)] : []),
    ...(image === image.trim()
      ? []
      : [fieldError.invalid(`${path}.image`, image, "must not have leading or trailing whitespace")]),
    ...fieldsIn(container.ports).flatMap((port, index) =>
      containerPortErrors(port, `${path}.ports[${index}]`),
    ),
    ...fieldsIn(container.env).flatMap((variable, index) =>
      textOf(variable.name) === "" ? [fieldError.required(`${path}.env[${index}].name`)] : [],
    ),
    ...fieldsIn(container.volumeMounts).flatMap((mount, index) =>
      mountErrors(mount, volumes, `${path}.volumeMounts[${index}]`),
    ),
    ...["livenessProbe", "readinessProbe", "startupProbe"].flatMap((probe) =>
      container[probe] === undefined ? [] : probeErrors(fieldsOf(container[probe]), `${path}.${probe}`),
    ),
    ...oneOf(container.imagePullPolicy, ["Always", "IfNotPresent", "Never"], `${path}.imagePullPolicy`),
  ];
}

function containerPortErrors(port: Fields, path: string): FieldError[] {
  return [
    ...(port.containerPort === 0
      ? [fieldError.required(`${path}.containerPort`)]
      : portNumberErrors(port.containerPort, `${path}.containerPort`)),
    ...oneOf(port.protocol, ["SCTP", "TCP", "UDP"], `${path}.protocol`),
  ];
}

function mountErrors(mount: Fields, volumes: ReadonlySet<string>, path: string): FieldError[] {
  const name = textOf(mount.name);
  if (name === "") return [fieldError.required(`${path}.name`)];
  if (!volumes.has(name)) return [fieldError.notFound(`${path}.name`, name)];
  return textOf(mount.mountPath) === "" ? [fieldError.required(`${path}.mountPath`)] : [];
}

const probeActions = ["exec", "httpGet", "tcpSocket", "grpc"];

function probeErrors(probe: Fields, path: string): FieldError[] {
  const actions = probeActions.filter((action) => probe[action] !== undefined);
  const action =
    actions.length === 0
      ? [fieldError.required(path, "must specify a handler type")]
      : actions
          .slice(1)
          .map((extra) =>
            fieldError.forbidden(`${path}.${extra}`, "may not specify more than 1 handler type"),
          );
  const isReadiness = path.endsWith("readinessProbe");
  return [
    ...action,
    ...notNegative(probe.initialDelaySeconds, `${path}.initialDelaySeconds`),
    ...notNegative(probe.timeoutSeconds, `${path}.timeoutSeconds`),
    ...notNegative(probe.periodSeconds, `${path}.periodSeconds`),
    ...notNegative(probe.successThreshold, `${path}.successThreshold`),
    ...notNegative(probe.failureThreshold, `${path}.failureThreshold`),
    ...(!isReadiness && probe.successThreshold !== undefined && probe.successThreshold !== 1
      ? [fieldError.invalid(`${path}.successThreshold`, probe.successThreshold, "must be 1")]
      : []),
  ];
}

export function portNumberErrors(port: unknown, field: string): FieldError[] {
  return typeof port === "number" && port >= 1 && port <= 65535
    ? []
    : [fieldError.invalid(field, port, "must be between 1 and 65535, inclusive")];
}

export function notNegative(value: unknown, field: string): FieldError[] {
  return typeof value === "number" && value < 0
    ? [fieldError.invalid(field, value, "must be greater than or equal to 0")]
    : [];
}

/** Absent is fine. */
export function oneOf(value: unknown, supported: readonly string[], field: string): FieldError[] {
  return value === undefined || supported.includes(textOf(value))
    ? []
    : [fieldError.notSupported(field, value, supported)];
}

export function duplicates(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => name !== "" && names.indexOf(name) < index))];
}
