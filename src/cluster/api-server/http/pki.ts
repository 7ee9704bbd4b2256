import { createPrivateKey, randomBytes, X509Certificate } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Instant, later } from "../../../time/clock.ts";
import { readIfThere, writeWhole } from "../../whole-file.ts";

/** What the server proves itself with, and what clients prove themselves with. PEM texts. */
export interface Pki {
  /** The authority that clients are told to trust. */
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
  /** The one token that the server accepts. */
  readonly token: string;
}

const day = 24 * 60 * 60;
const validForSeconds = 10 * 365 * day;
/** A certificate is made anew when it has less left than this. */
const spareSeconds = 30 * day;

/**
 * Reads certificates and token from a folder, readable by its owner only. What is missing, damaged or about to run out is
 * made anew; who has the old kubeconfig then needs the new one.
 */
export async function loadPki(folder: string, now: Instant): Promise<Pki> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const token = readToken(folder) ?? makeToken(folder);
  const certificates = readCertificates(folder, now) ?? (await makeCertificates(folder, now));
  return { ...certificates, token };
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

type Certificates = Omit<Pki, "token">;

function readCertificates(folder: string, now: Instant): Certificates | undefined {
  const [authority, certificate, key] = ["ca.crt", "server.crt", "server.key"].map((name) =>
    readIfThere(join(folder, name)),
  );
  if (authority === undefined || certificate === undefined || key === undefined) return undefined;
  return isUsable({ authority, certificate, key }, now) ? { authority, certificate, key } : undefined;
}

function isUsable({ authority, certificate, key }: Certificates, now: Instant): boolean {
  try {
    const root = new X509Certificate(authority);
    const server = new X509Certificate(certificate);
    const lasts = [root, server].every(({ validTo }) => Date.parse(validTo) > later(now, spareSeconds));
    const belongsTogether = server.verify(root.publicKey) && server.checkPrivateKey(createPrivateKey(key));
    return lasts && belongsTogether && server.checkIP("127.0.0.1") !== undefined;
  } catch {
    // Damaged files are replaced like missing ones.
    return false;
  }
}

async function makeCertificates(folder: string, now: Instant): Promise<Certificates> {
  // Loaded once in the life of a data folder.
  const { generate } = await import("selfsigned");
  const common = {
    keyType: "ec",
    algorithm: "sha256",
    // A day back, for clients whose clock is late.
    notBeforeDate: new Date(later(now, -day)),
    notAfterDate: new Date(later(now, validForSeconds)),
  } as const;
  const root = await generate([{ name: "commonName", value: "teal" }], {
    ...common,
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const server = await generate([{ name: "commonName", value: "teal-api-server" }], {
    ...common,
    ca: { key: root.private, cert: root.cert },
    extensions: [
      { name: "basicConstraints", cA: false, critical: true },
      { name: "keyUsage", digitalSignature: true, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      {
        name: "subjectAltName",
        altNames: [
          { type: 2, value: "localhost" },
          { type: 7, ip: "127.0.0.1" },
          { type: 7, ip: "::1" },
        ],
      },
    ],
  });
  // The authority's key is not kept: nothing else is ever signed with it.
  writeWhole(join(folder, "ca.crt"), root.cert);
  writeWhole(join(folder, "server.crt"), server.cert);
  writeWhole(join(folder, "server.key"), server.private);
  return { authority: root.cert, certificate: server.cert, key: server.private };
}
