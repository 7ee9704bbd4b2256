/** Status of each error code of the OCI distribution specification that is used here. */
export const errorStatuses = {
  BLOB_UNKNOWN: 404,
  BLOB_UPLOAD_INVALID: 400,
  BLOB_UPLOAD_UNKNOWN: 404,
  DIGEST_INVALID: 400,
  MANIFEST_BLOB_UNKNOWN: 404,
  MANIFEST_INVALID: 400,
  MANIFEST_UNKNOWN: 404,
  NAME_INVALID: 400,
  NAME_UNKNOWN: 404,
  RANGE_INVALID: 416,
  SIZE_INVALID: 413,
  DENIED: 403,
  UNSUPPORTED: 405,
} as const;

/** What a client has asked for cannot be; told to it as the specification says. */
export class RegistryError extends Error {
  override readonly name = "RegistryError";
  readonly code: keyof typeof errorStatuses;

  constructor(code: keyof typeof errorStatuses, message: string) {
    super(message);
    this.code = code;
  }

  get status(): number {
    return errorStatuses[this.code];
  }
}
