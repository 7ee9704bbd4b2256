/** One entry of an `Accept` header, or a `Content-Type`. */
export interface MediaType {
  /** Lower case, `type/subtype`. */
  readonly type: string;
  readonly parameters: Readonly<Record<string, string>>;
}

export function parseMediaType(text: string): MediaType {
  const [type = "", ...rest] = text.split(";");
  const parameters = rest.map((part): [string, string] => {
    const [key = "", value = ""] = part.split("=", 2);
    return [key.trim().toLowerCase(), value.trim().replace(/^"(.*)"$/, "$1")];
  });
  return { type: type.trim().toLowerCase(), parameters: Object.fromEntries(parameters) };
}

/** The entries of an `Accept` header, most wanted first. Without a header anything is welcome. */
export function parseAccept(header: string | undefined): readonly MediaType[] {
  if (header === undefined || header.trim() === "") return [{ type: "*/*", parameters: {} }];
  return header
    .split(",")
    .map(parseMediaType)
    .toSorted((a, b) => quality(b) - quality(a));
}

function quality({ parameters }: MediaType): number {
  const value = Number(parameters.q ?? 1);
  return Number.isNaN(value) ? 0 : value;
}
