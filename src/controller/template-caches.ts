import { type Resource, resources } from "../api/resources.ts";
import type { AnalysisTemplate, Rollout, TemplateReference } from "../api/rollout.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import { ApiError } from "../kubernetes/errors.ts";
import { WatchCache } from "../kubernetes/watch-cache.ts";
import type { AnalysisTemplates } from "../rollout/snapshot.ts";
import type { Clock } from "../time/clock.ts";

export interface TemplateCachesOptions {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly namespace: string | undefined;
  readonly onProblem: (resource: Resource, text: string, cause?: Error) => void;
}

/** Whether the Rollout asks for an analysis before or after its switch. */
export function asksForAnalysis({ spec }: Partial<Rollout>): boolean {
  const { prePromotionAnalysis, postPromotionAnalysis } = spec?.strategy?.blueGreen ?? {};
  return prePromotionAnalysis !== undefined || postPromotionAnalysis !== undefined;
}

/**
 * AnalysisTemplates and ClusterAnalysisTemplates, watched from the moment on when some Rollout asks for an analysis: most
 * clusters have no such kinds. A kind that is not served has no objects; of one that may not be read nothing is known.
 */
export class TemplateCaches implements AnalysisTemplates {
  readonly #own: Kind;
  readonly #cluster: Kind;
  #isStarted = false;

  /** `changed` is called whenever an answer of `find` or `isReady` may have become another. */
  constructor(options: TemplateCachesOptions, changed: () => void) {
    this.#own = new Kind(resources.analysisTemplates, options, changed);
    this.#cluster = new Kind(resources.clusterAnalysisTemplates, options, changed);
  }

  /** Whether `find` can answer; the first call begins to read. */
  isReady(): boolean {
    if (!this.#isStarted) {
      this.#isStarted = true;
      this.#own.start();
      this.#cluster.start();
    }
    return this.#own.state !== "unread" && this.#cluster.state !== "unread";
  }

  find({ templateName = "", clusterScope }: TemplateReference, namespace: string): Found {
    return clusterScope === true
      ? this.#cluster.find("", templateName)
      : this.#own.find(namespace, templateName);
  }

  stop(): void {
    this.#own.stop();
    this.#cluster.stop();
  }
}

type Found = ReturnType<AnalysisTemplates["find"]>;

class Kind {
  state: "unread" | "read" | "not served" | "unreadable" = "unread";
  readonly #cache: WatchCache<AnalysisTemplate>;
  readonly #changed: () => void;

  constructor(resource: Resource, { onProblem, ...options }: TemplateCachesOptions, changed: () => void) {
    this.#changed = changed;
    this.#cache = new WatchCache<AnalysisTemplate>({
      ...options,
      resource,
      trim: ({ apiVersion, kind, metadata: { name, namespace, uid, resourceVersion }, spec }) => ({
        apiVersion,
        kind,
        metadata: {
          name,
          ...(namespace === undefined ? {} : { namespace }),
          ...(uid === undefined ? {} : { uid }),
          ...(resourceVersion === undefined ? {} : { resourceVersion }),
        },
        spec: spec?.templates === undefined ? {} : { templates: spec.templates },
      }),
      onProblem: (text, cause) => {
        const isMissing = cause instanceof ApiError && cause.kind === "notFound";
        if (!isMissing) onProblem(resource, text, cause);
        if (cause !== undefined && !this.#cache.synced) this.#become(isMissing ? "not served" : "unreadable");
      },
    });
    this.#cache.subscribe(() => this.#changed());
    void this.#cache.whenSynced().then(() => this.#become("read"));
  }

  start(): void {
    this.#cache.start();
  }

  stop(): void {
    this.#cache.stop();
  }

  find(namespace: string, name: string): Found {
    switch (this.state) {
      case "read":
        return this.#cache.get(namespace, name);
      case "not served":
        return undefined;
      case "unread":
      case "unreadable":
        return "unknown";
    }
  }

  #become(state: Kind["state"]): void {
    if (this.state === state) return;
    this.state = state;
    this.#changed();
  }
}
