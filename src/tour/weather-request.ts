import { type Agent, request as httpRequest, type IncomingMessage } from "node:http";

/** What the weather app says of itself in its JSON answer. */
export interface WeatherAnswer {
  readonly city: string;
  readonly version: string;
  readonly pod: string;
}

/** A request that got no good answer; the kind is for counting, the message for people. */
export class RequestFailed extends Error {
  override readonly name = "RequestFailed";
  readonly kind: string;

  constructor(kind: string, options?: ErrorOptions) {
    super(kind, options);
    this.kind = kind;
  }
}

const patienceMilliseconds = 15_000;

/**
 * Asks the weather app once. `agent` decides about the connection: false makes a new one for this request alone.
 * @throws RequestFailed on everything but a complete, well-formed answer with code 200.
 */
export async function askWeather(url: URL, agent: Agent | false): Promise<WeatherAnswer> {
  const text = await new Promise<string>((resolve, reject) => {
    const request = httpRequest(url, { agent, headers: { accept: "application/json" } });
    request.setTimeout(patienceMilliseconds, () => request.destroy(new RequestFailed("no answer in 15 s")));
    request.on("error", (error) => reject(asFailure(error)));
    request.on("response", (answer) => void readText(answer).then(resolve, reject));
    request.end();
  });
  return parseAnswer(text);
}

async function readText(answer: IncomingMessage): Promise<string> {
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk);
    if (answer.statusCode !== 200) throw new RequestFailed(`HTTP ${answer.statusCode}`);
    return Buffer.concat(chunks).toString("utf8");
  } catch (error) {
    throw asFailure(error);
  }
}

function parseAnswer(text: string): WeatherAnswer {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new RequestFailed("an answer that is no JSON", { cause });
  }
  const { city, version, pod } = (value ?? {}) as Partial<Record<string, unknown>>;
  if (typeof city !== "string" || typeof version !== "string" || typeof pod !== "string")
    throw new RequestFailed("an answer without city, version and pod");
  return { city, version, pod };
}

function asFailure(error: unknown): RequestFailed {
  if (error instanceof RequestFailed) return error;
  const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
  return new RequestFailed(code, { cause: error });
}
