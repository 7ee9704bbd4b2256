const phrases: Readonly<Record<number, string>> = {
  400: "Bad Request",
  405: "Method Not Allowed",
  408: "Request Timeout",
  431: "Request Header Fields Too Large",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
};

/** An answer that the proxy gives itself, in plain text. */
export function ownAnswer(
  status: number,
  text: string,
  { withBody, close }: { readonly withBody: boolean; readonly close: boolean },
): Buffer {
  const body = `${text}\n`;
  return Buffer.from(
    `HTTP/1.1 ${status} ${phrases[status] ?? "Error"}\r\nContent-Type: text/plain; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n${close ? "Connection: close\r\n" : ""}\r\n${withBody ? body : ""}`,
  );
}
