import type { Clock } from "../../time/clock.ts";
import type { AuthorizationMode } from "../api-server/access/access.ts";
import type { SyncMode } from "../store/file-journal.ts";
import type { DataFolder } from "./data-folder.ts";
import type { RunningPart } from "./supervised.ts";

/** `single` is for machines that have no loopback address but 127.0.0.1, as macOS and some containers. */
export type Addressing = "own" | "single";

/** What all parts of one cluster are told of it. */
export interface Place {
  readonly data: DataFolder;
  /** Of the API server. */
  readonly port: number;
  /** B of the cluster's addresses, 127.B.0.0/16. */
  readonly block: number;
  /** Whether pods have addresses of their own, or all share 127.0.0.1, where each has ports of its own. */
  readonly addressing: Addressing;
  /** The one that LoadBalancer Services share; each has its own when absent. */
  readonly address?: string | undefined;
  /** The cluster's name in kubeconfigs. */
  readonly context: string;
  /** Written besides the one in the data folder. */
  readonly kubeconfig?: string | undefined;
  /** When writes are forced onto the disk; in the background when absent. */
  readonly sync?: SyncMode | undefined;
  /** Who decides who may do what; everybody may do everything when absent. */
  readonly authorization?: AuthorizationMode | undefined;
  /** Port of the registry of images; there is none when absent. */
  readonly registry?: number | undefined;
  /** Names of those whose kinds a new cluster is to know besides; none when absent. */
  readonly addOns?: readonly string[] | undefined;
  /** Whether Teal's own controller is part of it; it is when absent. */
  readonly hasController?: boolean | undefined;
}

/** What a part runs in. */
export interface PartWorld extends Place {
  readonly clock: Clock;
  /** Takes one line for people. */
  readonly log: (line: string) => void;
}

/** One of the processes that make up the embedded cluster. It is ready when it says so (`RunningPart.ready`). */
export interface Part {
  /** Of its log, too. */
  readonly name: string;
  /** What people are told that they wait for. */
  readonly title: string;
  /** Names of the parts that are ready before this one is started; they are listed before it, and end after it. */
  readonly needs: readonly string[];
  /** What `teal` is given to run it. */
  readonly arguments: (place: Place) => readonly string[];
  /** Given besides, until it has been ready once. */
  readonly firstArguments?: (place: Place) => readonly string[];
  /** How long it may take to stop before it is killed. */
  readonly graceSeconds: number;
  /** What it still has to end, in words; asked again and again while it stops. */
  readonly remaining?: (data: DataFolder) => string;
  /** Which clusters have it; all when absent. */
  readonly isWanted?: (place: Place) => boolean;
  /** The sockets that it listens on outlive its process. */
  readonly keepsSockets?: true;
  /** Reads its code, and that of no other part; absent where its command is one for people too. */
  readonly load?: () => Promise<(world: PartWorld) => RunningPart>;
}
