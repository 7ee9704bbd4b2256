import { createPrivateKey, randomBytes, X509Certificate } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Instant, later } from "../../../time/clock.ts";
import { readIfThere, writeWhole } from "../../whole-file.ts";
import type { AccessOptions, AuthorizationMode } from "../access/access.ts";
import { isSigningKey, newSigningKey } from "../access/tokens/signing-key.ts";

/** What the server proves itself with, and what clients prove themselves with. PEM texts. */
export interface Pki {
  /** The authority that clients are told to trust, and that signs the certificates of users. */
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
  /** The token of the cluster's owner. */
  readonly token: string;
  /** Signs the tokens of service accounts. */
  readonly signingKey: string;
}

const day = 24 * 60 * 60;
const validForSeconds = 10 * 365 * day;
/** A certificate is made anew when it has less left than this. */
const spareSeconds = 30 * day;
/** The server's names, most of them those that it has within a cluster. */
const names = [
  "localhost",
  "kubernetes",
  "kubernetes.default",
  "kubernetes.default.svc",
  "kubernetes.default.svc.cluster.local",
];
const loopback = ["127.0.0.1", "::1"];

/**
 * Reads certificates, keys and token from a folder, readable by its owner only. What is missing, damaged or about to run out is
 * made anew; who has the old kubeconfig then needs the new one, unless the authority (`ca.crt`, `ca.key`) has stayed.
 *
 * @param addresses of the server, beside loopback.
 */
export async function loadPki(folder: string, now: Instant, addresses: readonly string[] = []): Promise<Pki> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const token = readToken(folder) ?? makeToken(folder);
  const signingKey = readSigningKey(folder) ?? makeSigningKey(folder);
  const authority = readPair(folder, "ca", now) ?? (await makeAuthority(folder, now));
  const own = [...loopback, ...addresses];
  const server = readServer(folder, authority, own, now) ?? (await makeServer(folder, authority, own, now));
  return { authority: authority.certificate, ...server, token, signingKey };
}

/** What the API server is told of who asks and who may do what. */
export function accessOf(
  { token, signingKey, authority }: Pki,
  authorization: AuthorizationMode = "everybody",
): AccessOptions {
  return { authorization, ownerToken: token, signingKey, authority };
}

function readToken(folder: string): string | undefined {
  const token = readIfThere(join(folder, "token"))?.trim();
  return token !== undefined && /^[0-9a-f]{64}$/.test(token) ? token : undefined;
}

function makeToken(folder: string): string {
  const token = randomBytes(32).toString("hex");
  writeWhole(join(folder, "token"), `${token}\n`);
  return token;
}

function readSigningKey(folder: string): string | undefined {
  const pem = readIfThere(join(folder, "sa.key"));
  return pem !== undefined && isSigningKey(pem) ? pem : undefined;
}

function makeSigningKey(folder: string): string {
  const pem = newSigningKey();
  writeWhole(join(folder, "sa.key"), pem);
  return pem;
}

/** A certificate and its key. */
interface Pair {
  readonly certificate: string;
  readonly key: string;
}

function readPair(folder: string, name: string, now: Instant): Pair | undefined {
  const [certificate, key] = [`${name}.crt`, `${name}.key`].map((file) => readIfThere(join(folder, file)));
  if (certificate === undefined || key === undefined) return undefined;
  try {
    const shown = new X509Certificate(certificate);
    const lasts = Date.parse(shown.validTo) > later(now, spareSeconds);
    return lasts && shown.checkPrivateKey(createPrivateKey(key)) ? { certificate, key } : undefined;
  } catch {
    // Damaged files are replaced like missing ones.
    return undefined;
  }
}

function readServer(
  folder: string,
  authority: Pair,
  addresses: readonly string[],
  now: Instant,
): Pair | undefined {
  const pair = readPair(folder, "server", now);
  if (pair === undefined) return undefined;
  const server = new X509Certificate(pair.certificate);
  const isNamed =
    names.every((name) => server.checkHost(name) !== undefined) &&
    addresses.every((address) => server.checkIP(address) !== undefined);
  return isNamed && server.verify(new X509Certificate(authority.certificate).publicKey) ? pair : undefined;
}

async function makeAuthority(folder: string, now: Instant): Promise<Pair> {
  // Loaded once in the life of a data folder.
  const { generate } = await import("selfsigned");
  const { private: key, cert: certificate } = await generate([{ name: "commonName", value: "teal" }], {
    ...lasting(now),
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  return written(folder, "ca", { certificate, key });
}

async function makeServer(
  folder: string,
  authority: Pair,
  addresses: readonly string[],
  now: Instant,
): Promise<Pair> {
  // Loaded once in the life of a data folder.
  const { generate } = await import("selfsigned");
  const subject = [{ name: "commonName", value: "teal-api-server" }];
  const { private: key, cert: certificate } = await generate(subject, {
    ...lasting(now),
    ca: { key: authority.key, cert: authority.certificate },
    extensions: [
      { name: "basicConstraints", cA: false, critical: true },
      { name: "keyUsage", digitalSignature: true, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      {
        name: "subjectAltName",
        altNames: [
          ...names.map((value) => ({ type: 2 as const, value })),
          ...addresses.map((ip) => ({ type: 7 as const, ip })),
        ],
      },
    ],
  });
  return written(folder, "server", { certificate, key });
}

function lasting(now: Instant) {
  return {
    keyType: "ec",
    algorithm: "sha256",
    // A day back, for clients whose clock is late.
    notBeforeDate: new Date(later(now, -day)),
    notAfterDate: new Date(later(now, validForSeconds)),
  } as const;
}

function written(folder: string, name: string, pair: Pair): Pair {
  writeWhole(join(folder, `${name}.crt`), pair.certificate);
  writeWhole(join(folder, `${name}.key`), pair.key);
  return pair;
}
