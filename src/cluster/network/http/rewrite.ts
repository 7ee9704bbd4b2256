import type { FramingFields } from "./fields.ts";

const closeLine = Buffer.from("Connection: close\r\n\r\n", "latin1");

/** The head without its `Connection` lines: they speak of one connection, and the next one has its own. */
export function withoutConnectionLines(
  bytes: Buffer,
  start: number,
  end: number,
  fields: FramingFields,
): readonly Buffer[] {
  const parts: Buffer[] = [];
  let from = start;
  const lines = fields.connectionLines ?? [];
  for (let index = 0; index < lines.length; index += 2) {
    parts.push(bytes.subarray(from, lines[index]));
    from = lines[index + 1] ?? end;
  }
  parts.push(bytes.subarray(from, end));
  return parts;
}

/** The head with `Connection: close` as its only `Connection` line. */
export function withConnectionClose(
  bytes: Buffer,
  start: number,
  end: number,
  fields: FramingFields,
): readonly Buffer[] {
  return [...withoutConnectionLines(bytes, start, end - 2, fields), closeLine];
}
