import { serverVersion } from "../version.ts";

const mediaType = "application/com.github.proto-openapi.spec.v2";

/** How kubectl asks for `/openapi/v2`. The answer has no `@`, which no media type may have. */
export const protobufType = `${mediaType}@v1.0+protobuf`;

/**
 * An OpenAPI v2 document in protobuf that describes nothing. kubectl looks into it for kinds that the v3 documents lack: with
 * this it goes on to say that there is no such kind, without it it complains about the server.
 */
export function emptyProtobufDocument(): Document {
  const info = Buffer.concat([text(1, "Kubernetes"), text(2, serverVersion)]);
  const body = Buffer.concat([text(1, "2.0"), part(2, info), part(8, Buffer.alloc(0))]);
  return { body, contentType: `${mediaType}.v1.0+protobuf` };
}

interface Document {
  readonly body: Buffer;
  readonly contentType: string;
}

function text(field: number, value: string): Buffer {
  return part(field, Buffer.from(value));
}

/** A length-delimited field. All of them are short here, so a length takes one byte. */
function part(field: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.of((field << 3) | 2, value.length), value]);
}
