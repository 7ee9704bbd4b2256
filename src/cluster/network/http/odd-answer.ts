/**
 * The head of an answer with the oddities of old servers put right, as RFC 9112 has it for proxies: bare line feeds (2.2),
 * folded lines (5.2), white space before a colon (5.1), tabs beside a coding, one length given several times (6.3), `Transfer-Encoding: identity`
 * (RFC 2616), and the status line of Shoutcast. What is ambiguous stays as it is, for the parser to refuse.
 */
export function mendAnswerHead(bytes: Buffer, start: number, end: number): Buffer {
  const [statusLine = "", ...lines] = bytes
    .toString("latin1", start, end)
    .split("\n")
    .map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
  const fields: string[] = [];
  for (const line of lines) {
    if (line === "") break;
    const last = fields.at(-1);
    if (/^[ \t]/.test(line) && last !== undefined)
      fields[fields.length - 1] = `${last} ${withoutBlanks(line)}`;
    else fields.push(line.replace(/^([^ \t:]+)[ \t]+:/, "$1:"));
  }
  const mended = [
    statusLine.replace(/^ICY (?=\d{3})/, "HTTP/1.0 "),
    ...withOneLength(fields)
      .map((field) => field.replace(/^(transfer-encoding):[ \t]*(.*?)[ \t]*$/i, "$1: $2"))
      .filter((field) => !/^transfer-encoding: identity$/i.test(field)),
  ];
  return Buffer.from(`${mended.join("\r\n")}\r\n\r\n`, "latin1");
}

function withOneLength(fields: readonly string[]): readonly string[] {
  const isLength = (field: string) => /^content-length:/i.test(field);
  const lengths = fields
    .filter(isLength)
    .flatMap((field) => field.slice(field.indexOf(":") + 1).split(","))
    .map(withoutBlanks);
  const [length] = lengths;
  if (length === undefined || lengths.some((other) => other !== length)) return fields;
  return [...fields.filter((field) => !isLength(field)), `Content-Length: ${length}`];
}

function withoutBlanks(text: string): string {
  return text.replaceAll(/^[ \t]+|[ \t]+$/g, "");
}
