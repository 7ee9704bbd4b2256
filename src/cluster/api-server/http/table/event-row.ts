import type { KubernetesObject } from "../../../../api/core.ts";
import { ageOf } from "./age.ts";
import { printerOf } from "./cells.ts";

interface Reference {
  readonly kind?: string;
  readonly name?: string;
  readonly fieldPath?: string;
}

interface Source {
  readonly component?: string;
  readonly host?: string;
}

/** An event of core v1, or of events.k8s.io, which names the same things differently. */
interface PrintedEvent extends KubernetesObject {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly note?: string;
  readonly involvedObject?: Reference;
  readonly regarding?: Reference;
  readonly source?: Source;
  readonly deprecatedSource?: Source;
  readonly reportingComponent?: string;
  readonly reportingController?: string;
  readonly reportingInstance?: string;
  readonly firstTimestamp?: string | null;
  readonly deprecatedFirstTimestamp?: string | null;
  readonly lastTimestamp?: string | null;
  readonly deprecatedLastTimestamp?: string | null;
  readonly eventTime?: string | null;
  readonly series?: { readonly count?: number; readonly lastObservedTime?: string | null };
  readonly count?: number;
  readonly deprecatedCount?: number;
}

export const printEvent = printerOf<PrintedEvent>((event, now) => {
  const about = event.involvedObject ?? event.regarding ?? {};
  const source = event.source ?? event.deprecatedSource ?? {};
  const component = source.component || event.reportingComponent || event.reportingController || "";
  const instance = source.host || event.reportingInstance || "";
  const first = event.firstTimestamp || event.deprecatedFirstTimestamp || event.eventTime;
  const last =
    event.series?.lastObservedTime || event.lastTimestamp || event.deprecatedLastTimestamp || first;
  const kind = (about.kind ?? "").toLowerCase();
  return [
    ageOf(last, now),
    event.type ?? "",
    event.reason ?? "",
    about.name ? `${kind}/${about.name}` : kind,
    about.fieldPath ?? "",
    instance === "" ? component : `${component}, ${instance}`,
    (event.message ?? event.note ?? "").trim(),
    ageOf(first, now),
    event.series?.count || event.count || event.deprecatedCount || 1,
    event.metadata.name,
  ];
});
