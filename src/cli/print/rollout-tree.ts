import { type Icon, icons } from "../../view/icons.ts";
import type { PodView, ReplicaSetView, RevisionView, Role, RolloutView } from "../../view/rollout-tree.ts";
import type { WaitingView } from "../../view/waiting.ts";
import { type Cell, columns, type Span } from "./columns.ts";
import type { Colour, Paint } from "./paint.ts";

const iconColours: Readonly<Partial<Record<Icon, Colour>>> = {
  [icons.healthy]: "green",
  [icons.bad]: "red",
  [icons.warning]: "red",
  [icons.progressing]: "blue",
  [icons.unknown]: "yellow",
};

const roleColours: Readonly<Record<Role, Colour>> = {
  canary: "yellow",
  stable: "green",
  active: "green",
  preview: "blue",
};

/**
 * The whole answer of `get rollout`: facts, then the tree of revisions, ReplicaSets and pods, then what holds up the first
 * pod that is held up.
 */
export function printRollout(view: RolloutView, paint: Paint): string {
  return `${printFacts(view, paint)}\n${printTree(view, paint)}${printProblem(view)}`;
}

function printProblem({ revisions }: RolloutView): string {
  const pods = revisions.flatMap(({ replicaSets }) => replicaSets.flatMap((replicaSet) => replicaSet.pods));
  const [first] = pods.flatMap(({ name, problem }) =>
    problem === undefined ? [] : [`pod ${name}: ${problem}`],
  );
  return first === undefined ? "" : `\n${first.replaceAll(/\s+/g, " ")}\n`;
}

function printFacts(view: RolloutView, paint: Paint): string {
  const status = `${paint(view.icon, iconColours[view.icon])} ${view.phase}`;
  const facts: readonly (readonly [string, string])[] = [
    ["Name:", view.name],
    ["Namespace:", view.namespace],
    ["Status:", status],
    ...(view.message === "" ? [] : ([["Message:", view.message]] as const)),
    ...(view.waiting === undefined ? [] : ([["Waiting:", printWaiting(view.waiting)]] as const)),
    ["Strategy:", view.strategy],
    ...view.images.map(
      ({ image, roles }, index) => [index === 0 ? "Images:" : "", image + rolesText(roles, paint)] as const,
    ),
    ["Replicas:", ""],
    ["  Desired:", String(view.replicas.desired)],
    ["  Current:", String(view.replicas.current)],
    ["  Updated:", String(view.replicas.updated)],
    ["  Ready:", String(view.replicas.ready)],
    ["  Available:", String(view.replicas.available)],
  ];
  return facts.map(([label, value]) => `${label.padEnd(17)}${value}`.trimEnd().concat("\n")).join("");
}

/** One line: `for somebody to promote (5m): …`. */
export function printWaiting({ on, age, end }: WaitingView): string {
  return `for ${on}${age === "" ? "" : ` (${age})`}: ${end}`;
}

function rolesText(roles: readonly Role[], paint: Paint): string {
  if (roles.length === 0) return "";
  return ` (${roles.map((role) => paint(role, roleColours[role])).join(", ")})`;
}

type Row = readonly Cell[];

function printTree(view: RolloutView, paint: Paint): string {
  const rows: Row[] = [
    ["NAME", "KIND", "STATUS", "AGE", "INFO"],
    [`⟳ ${view.name}`, "Rollout", statusCell(view.icon, view.phase), view.age],
    ...branches(view.revisions, "", revisionRows),
  ];
  return columns(rows, 2, paint);
}

/** The rows of each child under its parent; the last child closes the parent's line. */
function branches<T>(
  children: readonly T[],
  indent: string,
  rowsOf: (child: T, prefix: string, indent: string) => readonly Row[],
): readonly Row[] {
  return children.flatMap((child, index) =>
    index === children.length - 1
      ? rowsOf(child, `${indent}└──`, `${indent}   `)
      : rowsOf(child, `${indent}├──`, `${indent}│  `),
  );
}

function revisionRows(revision: RevisionView, prefix: string, indent: string): readonly Row[] {
  return [
    [`${prefix}# revision:${revision.revision}`],
    ...branches(revision.replicaSets, indent, replicaSetRows),
  ];
}

function replicaSetRows(replicaSet: ReplicaSetView, prefix: string, indent: string): readonly Row[] {
  const role = replicaSet.roles.at(-1);
  return [
    [
      [
        { text: `${prefix}⧉ ` },
        { text: replicaSet.name, colour: role === undefined ? undefined : roleColours[role] },
      ],
      "ReplicaSet",
      statusCell(replicaSet.icon, replicaSet.status),
      replicaSet.age,
      replicaSetInfo(replicaSet),
    ],
    ...branches(replicaSet.pods, indent, podRows),
  ];
}

function podRows(pod: PodView, prefix: string): readonly Row[] {
  const restarts = pod.restarts === 0 ? "" : `,restarts:${pod.restarts}`;
  const info = `ready:${pod.readyContainers}/${pod.containers}${restarts}`;
  return [[`${prefix}□ ${pod.name}`, "Pod", statusCell(pod.icon, pod.status), pod.age, info]];
}

function statusCell(icon: Icon, status: string): Cell {
  return [{ text: icon, colour: iconColours[icon] }, { text: ` ${status}` }];
}

function replicaSetInfo({ roles, scaleDownDelay }: ReplicaSetView): Cell {
  const parts: Span[] = roles.map((role) => ({ text: role, colour: roleColours[role] }));
  if (scaleDownDelay !== undefined) parts.push({ text: `delay:${scaleDownDelay}` });
  return parts.flatMap((part, index) => (index === 0 ? [part] : [{ text: "," }, part]));
}
