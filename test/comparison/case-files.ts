import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parse } from "yaml";

/** A line for the shell. What it answers is compared, unless only its effect is wanted. */
export type Line =
  | string
  /** Run once; only that it succeeds matters. */
  | { readonly quiet: string }
  /** Run until it prints this text. */
  | { readonly await: string; readonly says: string };

/** Command lines that somebody types one after the other, in a namespace of the case's own name. */
export interface Case {
  readonly name: string;
  /** Written into the folder in which the lines run, besides those of its topic. */
  readonly files: Readonly<Record<string, string>>;
  readonly run: readonly Line[];
  /** What of its own outside the namespace is left when it ends. */
  readonly cleanup: readonly string[];
  /** Left to the full test. */
  readonly isRare: boolean;
}

export interface Topic {
  readonly name: string;
  readonly cases: readonly Case[];
}

const folder = join(import.meta.dirname, "cases");

/**
 * All cases, by the file that they are in.
 * @throws Error for a case that is not written as a case is.
 */
export function readTopics(): readonly Topic[] {
  const topics = globSync(join(folder, "*.yaml"))
    .toSorted()
    .map((file) => topicIn(basename(file, ".yaml"), parse(readFileSync(file, "utf8"))));
  const names = topics.flatMap(({ cases }) => cases.map(({ name }) => name));
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) throw new Error(`two cases are named ${twice}`);
  return topics;
}

interface WrittenTopic {
  readonly files?: Readonly<Record<string, string>>;
  readonly rare?: boolean;
  readonly cases: readonly {
    readonly name: string;
    readonly files?: Readonly<Record<string, string>>;
    readonly run: readonly Line[];
    readonly cleanup?: readonly string[];
    readonly rare?: boolean;
  }[];
}

const allowed = new Set(["name", "files", "run", "cleanup", "rare"]);

function topicIn(name: string, written: WrittenTopic): Topic {
  const cases = written.cases.map((one) => {
    const unknown = Object.keys(one).find((key) => !allowed.has(key));
    if (unknown !== undefined) throw new Error(`${name}: case ${one.name} has an unknown field ${unknown}`);
    if (!/^[a-z0-9-]+$/.test(one.name)) throw new Error(`${name}: ${one.name} cannot name a namespace`);
    return {
      name: one.name,
      files: { ...written.files, ...one.files },
      run: one.run,
      cleanup: one.cleanup ?? [],
      isRare: one.rare ?? written.rare ?? false,
    };
  });
  return { name, cases };
}
