import type { KubernetesClient } from "../kubernetes/client.ts";
import type { ApiRequest } from "../kubernetes/transport.ts";
import type { Clock } from "../time/clock.ts";
import { UsageError } from "./errors.ts";
import { type Arguments, type Flags, type FlagValues, parseArguments } from "./flags.ts";
import type { Terminal } from "./terminal.ts";

/** Flags that every command takes. */
export const globalFlags = {
  kubeconfig: { takes: "text", value: "FILE", help: "kubeconfig of the cluster to talk to" },
  context: { takes: "text", value: "NAME", help: "context of the kubeconfig to use" },
  namespace: { takes: "text", short: "n", value: "NAME", help: "namespace to work in" },
  data: {
    takes: "text",
    value: "DIR",
    help: "data folder of the embedded cluster (.teal in this folder unless given)",
  },
  "request-timeout": {
    takes: "text",
    value: "DURATION",
    help: "how long to wait for one answer, for example 30s",
  },
  help: { takes: "nothing", short: "h", help: "show what the command does" },
} as const satisfies Flags;

export type GlobalFlags = FlagValues<typeof globalFlags>;

/** The API server that a command talks to. */
export interface Cluster {
  readonly client: KubernetesClient;
  /** Asked for, or else the context's, or else `default`. */
  readonly namespace: string;
  /** Its address, for messages. */
  readonly server: string;
  /** A text answer piece by piece as it comes, until it ends or `stop` is aborted. */
  readonly follow: (request: ApiRequest, stop: AbortSignal) => AsyncIterable<string>;
}

/** What a command may use of the world. */
export interface Context {
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly global: GlobalFlags;
  /** Finds the cluster and its credentials; `CommandError` with the way out when there is none. */
  readonly cluster: () => Cluster;
}

/** What `teal NAME` does. */
export interface Command {
  /** One or two words; the first is the one that is shown. */
  readonly names: readonly [string, ...string[]];
  /** What follows the name: `NAME [--full]`. */
  readonly usage: string;
  readonly summary: string;
  readonly flags: Flags;
  /** Run by Teal itself and of no use to people. */
  readonly hidden: boolean;
  /** `argv` is what follows the name. Answers the exit code. */
  run(argv: readonly string[], contextOf: (global: GlobalFlags) => Context): Promise<number>;
}

interface Definition<F extends Flags> {
  readonly names: readonly [string, ...string[]];
  readonly usage: string;
  readonly summary: string;
  readonly flags: F;
  readonly hidden?: boolean;
  /** How many words must follow the name. */
  readonly words: { readonly least: number; readonly most: number };
  /** Answers the exit code; nothing is 0. */
  run(parsed: Arguments<F & typeof globalFlags>, context: Context): Promise<number | undefined>;
}

/** A command from its definition, with its own flags known to the compiler. */
export function command<const F extends Flags>(definition: Definition<F>): Command {
  const { names, usage, summary, flags, hidden = false, words } = definition;
  const known = { ...globalFlags, ...flags };
  return {
    names,
    usage,
    summary,
    flags,
    hidden,
    async run(argv, contextOf) {
      const parsed = parseArguments(argv, known);
      if (parsed.words.length < words.least || parsed.words.length > words.most)
        throw new UsageError(`usage: teal ${names[0]} ${usage}`.trimEnd());
      return (await definition.run(parsed, contextOf(parsed.flags))) ?? 0;
    },
  };
}

/** The number of words after a name that has no upper limit. */
export const any: number = Number.POSITIVE_INFINITY;
