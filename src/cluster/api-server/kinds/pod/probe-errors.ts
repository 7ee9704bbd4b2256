import { type Fields, fieldsIn, fieldsOf, listOf, textOf } from "../../json.ts";
import { headerNameProblems } from "../../names.ts";
import { type FieldError, fieldError } from "../../refusal.ts";
import { ifThere, named, notNegative, oneOf, portErrors, portNumberErrors } from "../field-checks.ts";

/** Errors of how a container is looked after: its hooks and its probes. */
export function probeAndHookErrors(container: Fields, graceSeconds: number, path: string): FieldError[] {
  const { livenessProbe, startupProbe, readinessProbe } = container;
  return [
    ...ifThere(container, "lifecycle", path, (lifecycle, at) => hookErrors(lifecycle, graceSeconds, at)),
    ...(livenessProbe === undefined ? [] : restartingProbeErrors(livenessProbe, `${path}.livenessProbe`)),
    ...ifThere(container, "readinessProbe", path, probeErrors),
    ...(fieldsOf(readinessProbe).terminationGracePeriodSeconds === undefined
      ? []
      : [
          fieldError.invalid(
            `${path}.readinessProbe.terminationGracePeriodSeconds`,
            fieldsOf(readinessProbe).terminationGracePeriodSeconds,
            "must not be set for readinessProbes",
          ),
        ]),
    ...(startupProbe === undefined ? [] : restartingProbeErrors(startupProbe, `${path}.startupProbe`)),
  ];
}

function restartingProbeErrors(value: unknown, path: string): FieldError[] {
  const probe = fieldsOf(value);
  const { successThreshold, terminationGracePeriodSeconds: grace } = probe;
  return [
    ...probeErrors(probe, path),
    ...(successThreshold === undefined || successThreshold === 1
      ? []
      : [fieldError.invalid(`${path}.successThreshold`, successThreshold, "must be 1")]),
    ...(typeof grace === "number" && grace <= 0
      ? [fieldError.invalid(`${path}.terminationGracePeriodSeconds`, grace, "must be greater than 0")]
      : []),
  ];
}

function probeErrors(probe: Fields, path: string): FieldError[] {
  const numbers = [
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
  ];
  return [
    ...handlerErrors(probe, ["exec", "httpGet", "tcpSocket", "grpc"], path),
    ...numbers.flatMap((number) => notNegative(probe[number], `${path}.${number}`)),
  ];
}

function hookErrors(lifecycle: Fields, graceSeconds: number, path: string): FieldError[] {
  return ["postStart", "preStop"].flatMap((hook) =>
    ifThere(lifecycle, hook, path, (handler, at) => [
      ...handlerErrors(handler, ["exec", "httpGet", "tcpSocket", "sleep"], at),
      ...sleepErrors(handler, graceSeconds, `${at}.sleep`),
    ]),
  );
}

function sleepErrors({ sleep, ...others }: Fields, graceSeconds: number, path: string): FieldError[] {
  const { seconds } = fieldsOf(sleep);
  if (Object.keys(others).length > 0 || typeof seconds !== "number") return [];
  if (seconds >= 0 && seconds <= graceSeconds) return [];
  const text = `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`;
  return [fieldError.invalid(path, seconds, text)];
}

function handlerErrors(handler: Fields, kinds: readonly string[], path: string): FieldError[] {
  const [first, ...others] = named(handler, kinds);
  if (first === undefined) return [fieldError.required(path, "must specify a handler type")];
  return [
    ...actionErrors(first, fieldsOf(handler[first]), `${path}.${first}`),
    ...others.map((other) =>
      fieldError.forbidden(`${path}.${other}`, "may not specify more than 1 handler type"),
    ),
  ];
}

function actionErrors(kind: string, action: Fields, path: string): FieldError[] {
  switch (kind) {
    case "exec":
      return listOf(action.command).length === 0 ? [fieldError.required(`${path}.command`)] : [];
    case "httpGet":
      return [
        ...portErrors(action.port, `${path}.port`),
        ...oneOf(action.scheme, ["HTTP", "HTTPS"], `${path}.scheme`),
        ...fieldsIn(action.httpHeaders).flatMap(({ name }) =>
          headerNameProblems(textOf(name)).map((text) =>
            fieldError.invalid(`${path}.httpHeaders`, textOf(name), text),
          ),
        ),
      ];
    case "tcpSocket":
      return portErrors(action.port, `${path}.port`);
    case "grpc":
      return portNumberErrors(action.port, `${path}.port`);
    default:
      return [];
  }
}
