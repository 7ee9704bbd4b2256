import { Refusal } from "../refusal.ts";
import { type MediaType, parseAccept } from "./media-type.ts";

/** What an answer is written as. There is no protobuf: every client that prefers it also takes JSON. */
export type Encoding = "json" | "yaml";

/** The form of an answer that the client asked for. */
export interface AnswerForm {
  readonly encoding: Encoding;
  /** What objects are turned into; absent for objects as they are. */
  readonly as?: "Table" | "PartialObjectMetadata" | "PartialObjectMetadataList";
  /** Of the Table or PartialObjectMetadata: `meta.k8s.io/v1`, or `v1beta1` for clients that know no better. */
  readonly apiVersion: string;
}

const encodings: Readonly<Record<string, Encoding>> = {
  "application/json": "json",
  "application/*": "json",
  "*/*": "json",
  "application/yaml": "yaml",
};

/**
 * The first form of an `Accept` header that can be given.
 * @throws Refusal 406 when there is none.
 */
export function negotiate(accept: string | undefined): AnswerForm {
  for (const entry of parseAccept(accept)) {
    const form = formOf(entry);
    if (form !== undefined) return form;
  }
  const available = "application/json, application/yaml";
  const message = `406: Not Acceptable\n\nAvailable representations: ${available}`;
  throw new Refusal(406, "NotAcceptable", message, {});
}

function formOf({ type, parameters }: MediaType): AnswerForm | undefined {
  const encoding = encodings[type];
  if (encoding === undefined) return undefined;
  const { as, g: group, v: version } = parameters;
  if (as === undefined) return { encoding, apiVersion: "meta.k8s.io/v1" };
  const isKnown = as === "Table" || as === "PartialObjectMetadata" || as === "PartialObjectMetadataList";
  if (!isKnown || group !== "meta.k8s.io" || (version !== "v1" && version !== "v1beta1")) return undefined;
  return { encoding, as, apiVersion: `${group}/${version}` };
}
