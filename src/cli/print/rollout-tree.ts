import type { Instant } from "../../time/clock.ts";
import { type Icon, icons } from "../../view/icons.ts";
import type { PodView, ReplicaSetView, RevisionView, RolloutView } from "../../view/rollout-tree.ts";
import type { Role } from "../../view/strategies.ts";
import type { WaitingView } from "../../view/waiting.ts";
import { type Cell, columns, type Span } from "./columns.ts";
import type { Colour, Paint } from "./paint.ts";
import { ageText, timeLeft } from "./words.ts";

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
 * pod that is held up. Ages are those at `now`.
 */
export function printRollout(view: RolloutView, paint: Paint, now: Instant): string {
  return `${printFacts(view, paint, now)}\n${printTree(view, paint, now)}${printProblem(view)}`;
}

function printProblem({ revisions }: RolloutView): string {
  const pods = revisions.flatMap(({ replicaSets }) => replicaSets.flatMap((replicaSet) => replicaSet.pods));
  const [first] = pods.flatMap(({ name, problem }) =>
    problem === undefined ? [] : [`pod ${name}: ${problem}`],
  );
  return first === undefined ? "" : `\n${first.replaceAll(/\s+/g, " ")}\n`;
}

function printFacts(view: RolloutView, paint: Paint, now: Instant): string {
  const status = `${paint(view.icon, iconColours[view.icon])} ${view.phase}`;
  const facts: readonly (readonly [string, string])[] = [
    ["Name:", view.name],
    ["Namespace:", view.namespace],
    ["Status:", status],
    ...(view.message === "" ? [] : ([["Message:", view.message]] as const)),
    ...(view.waiting === undefined ? [] : ([["Waiting:", printWaiting(view.waiting, now)]] as const)),
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

/** One line: `for pods of the new version to become available (5m; 1 of 3 are): …`. */
function printWaiting({ on, since, progress, problem, end }: WaitingView, now: Instant): string {
  const details = [since === undefined ? undefined : ageText(since, now), progress, problem];
  const known = details.filter((text) => text !== undefined);
  return `for ${on}${known.length === 0 ? "" : ` (${known.join("; ")})`}: ${end}`;
}

function rolesText(roles: readonly Role[], paint: Paint): string {
  if (roles.length === 0) return "";
  return ` (${roles.map((role) => paint(role, roleColours[role])).join(", ")})`;
}

type Row = readonly Cell[];

function printTree(view: RolloutView, paint: Paint, now: Instant): string {
  const rows: Row[] = [
    ["NAME", "KIND", "STATUS", "AGE", "INFO"],
    [`⟳ ${view.name}`, "Rollout", statusCell(view.icon, view.phase), ageText(view.created, now)],
    ...branches(view.revisions, "", revisionRows(now)),
  ];
  return columns(rows, 2, paint);
}

/** The rows of each child under its parent; the last child closes the parent's line. */
function branches<T>(children: readonly T[], indent: string, rowsOf: RowsOf<T>): readonly Row[] {
  return children.flatMap((child, index) =>
    index === children.length - 1
      ? rowsOf(child, `${indent}└──`, `${indent}   `)
      : rowsOf(child, `${indent}├──`, `${indent}│  `),
  );
}

type RowsOf<T> = (child: T, prefix: string, indent: string) => readonly Row[];

const revisionRows =
  (now: Instant): RowsOf<RevisionView> =>
  (revision, prefix, indent) => [
    [`${prefix}# revision:${revision.revision}`],
    ...branches(revision.replicaSets, indent, replicaSetRows(now)),
  ];

const replicaSetRows =
  (now: Instant): RowsOf<ReplicaSetView> =>
  (replicaSet, prefix, indent) => {
    const role = replicaSet.roles.at(-1);
    return [
      [
        [
          { text: `${prefix}⧉ ` },
          { text: replicaSet.name, colour: role === undefined ? undefined : roleColours[role] },
        ],
        "ReplicaSet",
        statusCell(replicaSet.icon, replicaSet.status),
        ageText(replicaSet.created, now),
        replicaSetInfo(replicaSet, now),
      ],
      ...branches(replicaSet.pods, indent, podRows(now)),
    ];
  };

const podRows =
  (now: Instant): RowsOf<PodView> =>
  (pod, prefix) => {
    const restarts = pod.restarts === 0 ? "" : `,restarts:${pod.restarts}`;
    const info = `ready:${pod.readyContainers}/${pod.containers}${restarts}`;
    return [
      [`${prefix}□ ${pod.name}`, "Pod", statusCell(pod.icon, pod.status), ageText(pod.created, now), info],
    ];
  };

function statusCell(icon: Icon, status: string): Cell {
  return [{ text: icon, colour: iconColours[icon] }, { text: ` ${status}` }];
}

function replicaSetInfo({ roles, scaleDownAt }: ReplicaSetView, now: Instant): Cell {
  const parts: Span[] = roles.map((role) => ({ text: role, colour: roleColours[role] }));
  if (scaleDownAt !== undefined) parts.push({ text: `delay:${timeLeft(scaleDownAt, now)}` });
  return parts.flatMap((part, index) => (index === 0 ? [part] : [{ text: "," }, part]));
}
