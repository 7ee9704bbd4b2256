import type { Snapshot } from "./snapshot.ts";

// A snapshot as a text that can be kept, shown and planned again: `teal debug snapshot` writes it.

/** JSON; `readSnapshot` reads it. */
export function snapshotText(snapshot: Snapshot): string {
  const replicaSets = snapshot.replicaSets.map((replicaSet) => ({
    ...replicaSet,
    templates: replicaSet.templates.map((identity) => identity.toString(16)),
  }));
  return `${JSON.stringify({ ...snapshot, replicaSets }, null, 2)}\n`;
}

/** Throws a SyntaxError when the text is none of `snapshotText`. */
export function readSnapshot(text: string): Snapshot {
  const saved = JSON.parse(text) as Saved;
  const replicaSets = saved.replicaSets.map((replicaSet) => ({
    ...replicaSet,
    templates: replicaSet.templates.map((identity) => BigInt(`0x${identity}`)),
  }));
  return { ...saved, replicaSets };
}

type Saved = Omit<Snapshot, "replicaSets"> & {
  readonly replicaSets: readonly (Omit<Snapshot["replicaSets"][number], "templates"> & {
    readonly templates: readonly string[];
  })[];
};
