import type { KubernetesObject } from "../../../api/core.ts";
import type { Instant } from "../../../time/clock.ts";
import { isFields } from "../json.ts";
import type { ResourceInfo } from "../resource-info.ts";
import type { AnswerForm } from "./negotiation.ts";
import { type IncludeObject, partialMetadata, scaleResource, TableRenderer } from "./table/table.ts";

const scaleTable = new TableRenderer(scaleResource);

/** Turns what the API server answers about one resource into the form that the client asked for. */
export class ObjectForm {
  readonly #form: AnswerForm;
  readonly #table: TableRenderer;
  readonly #includeObject: IncludeObject;

  constructor(form: AnswerForm, resource: ResourceInfo | undefined, includeObject: string | undefined) {
    this.#form = form;
    this.#table = new TableRenderer(resource);
    this.#includeObject = includeObject === "None" || includeObject === "Object" ? includeObject : "Metadata";
  }

  /** `body` is an object, a list or a Status; only the first two have other forms. */
  apply(body: unknown, now: Instant): unknown {
    const { as, apiVersion } = this.#form;
    if (as === undefined || !isFields(body) || body.kind === "Status") return body;
    const { items } = body;
    const objects = (Array.isArray(items) ? items : [body]) as readonly KubernetesObject[];
    const table = body.kind === "Scale" ? scaleTable : this.#table;
    if (as === "Table") return table.render(objects, tableMetadata(body), this.#options(now));
    const [first] = objects;
    if (!Array.isArray(items)) return first === undefined ? body : partialMetadata(first, apiVersion);
    const reduced = objects.map((object) => partialMetadata(object, apiVersion));
    return { kind: "PartialObjectMetadataList", apiVersion, metadata: body.metadata, items: reduced };
  }

  /** Whether watchers of this form get the objects as they are stored, so that they can share their encoding. */
  get isPlain(): boolean {
    return this.#form.as === undefined;
  }

  /** One event's object. Only the first event of a table watch names the columns. */
  applyToEvent(object: KubernetesObject, isFirst: boolean, now: Instant): unknown {
    const { as, apiVersion } = this.#form;
    if (as === undefined) return object;
    if (as !== "Table") return partialMetadata(object, apiVersion);
    const table = this.#table.render([object], tableMetadata(object), this.#options(now));
    return isFirst ? table : { ...table, columnDefinitions: null };
  }

  #options(now: Instant) {
    return { apiVersion: this.#form.apiVersion, includeObject: this.#includeObject, now };
  }
}

/** Of a list or an object: what a table keeps of it. */
function tableMetadata({ metadata }: { readonly metadata?: unknown }): object {
  if (!isFields(metadata)) return {};
  const kept = ["resourceVersion", "continue", "remainingItemCount"];
  return Object.fromEntries(
    kept.flatMap((key) => (metadata[key] === undefined ? [] : [[key, metadata[key]]])),
  );
}
