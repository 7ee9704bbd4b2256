import { managedByAnnotation, podTemplateHashLabel } from "../../api/names.ts";
import type { BlueGreen } from "../../api/strategy.ts";
import { type FieldError, invalid } from "../../api/validation.ts";
import type { Role, Route } from "../../traffic/router.ts";
import { routers } from "../../traffic/routers.ts";
import type { Snapshot } from "../snapshot.ts";
import { validateAnalyses } from "./analysis-references.ts";

/** What is wrong with the objects that a Rollout names. */
export function validateReferences(snapshot: Snapshot, strategy: BlueGreen): readonly FieldError[] {
  const { activeService, previewService } = strategy;
  return [
    ...validateService(snapshot, "active", activeService),
    ...(previewService === undefined ? [] : validateService(snapshot, "preview", previewService)),
    ...validateAnalyses(snapshot, strategy),
  ];
}

function validateService(snapshot: Snapshot, role: Role, name: string): FieldError[] {
  const { rollout, observed, rivals } = snapshot;
  const field = `spec.strategy.blueGreen.${role}Service`;
  const namespace = rollout.metadata.namespace ?? "";
  const route: Route = { role, namespace, service: name };
  const problem = routers.service.problem(route, observed);
  if (problem !== undefined) return [invalid(field, name, problem)];
  const service = observed.service(namespace, name);
  const errors: FieldError[] = [];
  const labels = rollout.spec.template?.metadata?.labels ?? {};
  for (const [key, value] of Object.entries(service?.spec.selector ?? {})) {
    if (key !== podTemplateHashLabel && labels[key] !== value) {
      errors.push(invalid(field, name, `Service "${name}" has unmatch label "${key}" in rollout`));
    }
  }
  const others = rivals.get(name) ?? [];
  const written = service?.metadata.annotations?.[managedByAnnotation] ?? "";
  const isWritten = written === rollout.metadata.name || others.includes(written);
  // Of Rollouts that name the same Service, the one that has it keeps it; where it does not say, as when it is made anew, the
  // one that was live on it; before that, the first by name.
  const owner = isWritten ? written : snapshot.holders?.get(name);
  const isTheirs = owner !== undefined && others.includes(owner);
  const isOurs = owner === rollout.metadata.name || others.every((other) => rollout.metadata.name < other);
  if (isTheirs || !isOurs) {
    errors.push(invalid(field, name, `Service "${name}" is managed by another Rollout`));
  }
  return errors;
}

/** Whether the Service of users' traffic is this Rollout's by what is written on it. */
export function holdsActiveService({ rollout, observed }: Snapshot, { activeService }: BlueGreen): boolean {
  const { name, namespace = "" } = rollout.metadata;
  const service = observed.service(namespace, activeService);
  return service?.metadata.annotations?.[managedByAnnotation] === name;
}
