import type { Pod } from "../../api/core.ts";
import type { ApiResponse, WatchEvent } from "../transport.ts";

const pageLength = 3;
/** Older history is forgotten, as an API server forgets it. */
const historyLength = 15;

/** The pods of a small cluster, changed by chance, with as much history as an API server answers lists and watches from. */
export class SmallPods {
  readonly #random: () => number;
  readonly #pods = new Map<string, Pod>();
  readonly #history: Exclude<WatchEvent, { type: "ERROR" }>[] = [];
  readonly #watchers = new Set<(event: WatchEvent) => void>();
  readonly #pages = new Map<string, readonly Pod[]>();
  #version = 100;
  #uid = 0;

  constructor(random: () => number) {
    this.#random = random;
    for (let count = 0; count < 8; count += 1) this.change();
  }

  /** `name@version` of each, sorted. */
  content(): readonly string[] {
    return contentOf([...this.#pods.values()]);
  }

  /** Creates, changes, deletes, or replaces a pod. */
  change(): void {
    const name = `pod-${Math.floor(this.#random() * 10)}`;
    const present = this.#pods.get(name);
    const how = this.#random();
    if (present !== undefined && how < 0.4) {
      this.#pods.delete(name);
      this.#tell("DELETED", this.#next(present));
      if (how > 0.1) return;
    }
    const isNew = !this.#pods.has(name);
    if (isNew) this.#uid += 1;
    const uid = isNew ? `uid-${this.#uid}` : (present?.metadata.uid ?? "");
    const pod = this.#next({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace: "shop", uid, annotations: { city: "Zürich 🌦" } },
      spec: { containers: [] },
    });
    this.#pods.set(name, pod);
    this.#tell(isNew ? "ADDED" : "MODIFIED", pod);
  }

  list(token: string | null): ApiResponse {
    const all = token === null ? [...this.#pods.values()] : this.#pages.get(token);
    if (all === undefined) return expired("the page has expired");
    const rest = all.slice(pageLength);
    const version = token?.split(":")[0] ?? String(this.#version);
    const next = `${version}:${rest.length}`;
    if (rest.length > 0) this.#pages.set(next, rest);
    const metadata = { resourceVersion: version, ...(rest.length > 0 ? { continue: next } : {}) };
    return {
      code: 200,
      body: { kind: "PodList", apiVersion: "v1", metadata, items: all.slice(0, pageLength) },
    };
  }

  /** Tells what happened after `version` and what happens from now on. Answers how to stop, or the refusal. */
  watch(version: string | null, tell: (event: WatchEvent) => void): ApiResponse | (() => void) {
    const from = Number(version ?? this.#version);
    const oldest = this.#version - this.#history.length;
    if (from < oldest) return expired("too old resource version");
    for (const event of this.#history) {
      if (Number(event.object.metadata.resourceVersion) > from) tell(event);
    }
    this.#watchers.add(tell);
    return () => this.#watchers.delete(tell);
  }

  /** What a watch told some time ago. */
  formerEvents(): readonly WatchEvent[] {
    return this.#history.slice(0, 5);
  }

  #next(pod: Pod): Pod {
    this.#version += 1;
    return { ...pod, metadata: { ...pod.metadata, resourceVersion: String(this.#version) } };
  }

  #tell(type: "ADDED" | "MODIFIED" | "DELETED", object: Pod): void {
    const event = { type, object };
    this.#history.push(event);
    if (this.#history.length > historyLength) this.#history.shift();
    for (const watcher of this.#watchers) watcher(event);
  }
}

export function contentOf(pods: readonly Pod[]): readonly string[] {
  return pods.map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`).sort();
}

function expired(message: string): ApiResponse {
  const body = {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    code: 410,
    reason: "Expired",
  };
  return { code: 410, body: { ...body, message } };
}
