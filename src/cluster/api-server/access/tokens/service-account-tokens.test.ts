import assert from "node:assert/strict";
import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { before, describe, it } from "node:test";
import { startApi } from "../../api-server.fixture.ts";
import type { Fields } from "../../json.ts";
import { issuer } from "./service-account-tokens.ts";
import { newSigningKey, SigningKey } from "./signing-key.ts";
import { signedToken } from "./web-token.ts";

const signingKey = newSigningKey();
const {
  api,
  clock,
  post,
  get,
  delete: remove,
} = startApi({
  access: { authorization: "rbac", signingKey, ownerToken: "owner", authority: "CA" },
});
const accounts = "/api/v1/namespaces/default/serviceaccounts";
const reviews = "/apis/authentication.k8s.io/v1/tokenreviews";

before(async () => {
  await post(accounts, { metadata: { name: "ci" } });
});

interface Answered {
  readonly metadata: { readonly uid: string };
  readonly spec: Fields;
  readonly status: { readonly token: string } & Fields;
  readonly message?: string;
}

async function request(spec: object = {}, account = "ci"): Promise<Answered> {
  return (await post(`${accounts}/${account}/token`, { spec })).body as Answered;
}

async function review(token: string, audiences?: readonly string[]): Promise<Fields> {
  return ((await post(reviews, { spec: { token, audiences } })).body as Answered).status;
}

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const claimsOf = (token: string): Fields =>
  JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as Fields;
const refused = { user: {}, error: "invalid bearer token" };

describe("a token of a service account", () => {
  it("says whose it is, for whom and until when, as a real server's does", async () => {
    const { metadata, spec, status } = await request();
    assert.deepEqual(spec, { audiences: [issuer], expirationSeconds: 3600, boundObjectRef: null });
    const { jti, ...claims } = claimsOf(status.token);
    const now = clock.now() / 1000;
    assert.deepEqual(claims, {
      aud: [issuer],
      exp: now + 3600,
      iat: now,
      iss: issuer,
      "kubernetes.io": { namespace: "default", serviceaccount: { name: "ci", uid: metadata.uid } },
      nbf: now,
      sub: "system:serviceaccount:default:ci",
    });
    assert.deepEqual(await review(status.token), {
      authenticated: true,
      user: {
        username: "system:serviceaccount:default:ci",
        uid: metadata.uid,
        groups: ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"],
        extra: { "authentication.kubernetes.io/credential-id": [`JTI=${String(jti)}`] },
      },
      audiences: [issuer],
    });
  });

  it("is for its audiences only", async () => {
    const { status } = await request({ audiences: ["vault", "other"] });
    assert.deepEqual(await review(status.token), {
      user: {},
      error: `[invalid bearer token, token audiences ["vault" "other"] is invalid for the target audiences ["${issuer}"]]`,
    });
    assert.deepEqual((await review(status.token, ["vault", "zz"]))["audiences"], ["vault"]);
  });

  it("ends at its time", async () => {
    const { status } = await request({ expirationSeconds: 600 });
    await clock.advance(599);
    assert.equal((await review(status.token))["authenticated"], true);
    await clock.advance(1);
    assert.match(String((await review(status.token))["error"]), /service account token has expired/);
  });

  it("ends with what it is bound to, even when something else comes by that name", async () => {
    const pod = {
      metadata: { name: "p" },
      spec: { serviceAccountName: "ci", containers: [{ name: "c", image: "i" }] },
    };
    const pods = "/api/v1/namespaces/default/pods";
    await post(pods, pod);
    const { status } = await request({ boundObjectRef: { kind: "Pod", apiVersion: "v1", name: "p" } });
    const { user } = (await review(status.token)) as { readonly user: { readonly extra: Fields } };
    assert.deepEqual(user.extra["authentication.kubernetes.io/pod-name"], ["p"]);
    await remove(`${pods}/p?gracePeriodSeconds=0`);
    await post(pods, pod);
    assert.match(String((await review(status.token))["error"]), /has been invalidated/);
  });

  it("ends with its account, even when another comes by that name", async () => {
    await post(accounts, { metadata: { name: "short" } });
    const { status } = await request({}, "short");
    await remove(`${accounts}/short`);
    assert.match(String((await review(status.token))["error"]), /serviceaccounts "short" not found/);
    await post(accounts, { metadata: { name: "short" } });
    assert.match(String((await review(status.token))["error"]), /does not match claim/);
  });

  const refusals: readonly (readonly [says: string, spec: object, message: RegExp])[] = [
    [
      "too short a time",
      { expirationSeconds: 599 },
      /Invalid value: 599: may not specify a duration less than 10 minutes/,
    ],
    [
      "too long a time",
      { expirationSeconds: 4294967297 },
      /may not specify a duration larger than 2\^32 seconds/,
    ],
    [
      "a pod that is not there",
      { boundObjectRef: { kind: "Pod", apiVersion: "v1", name: "none" } },
      /^pods "none" not found$/,
    ],
    [
      "an object of another kind",
      { boundObjectRef: { kind: "ConfigMap", apiVersion: "v1", name: "x" } },
      /^cannot bind token to object of type \/v1, Kind=ConfigMap$/,
    ],
  ];
  for (const [says, spec, message] of refusals)
    it(`is not given for ${says}`, async () => assert.match((await request(spec)).message ?? "", message));
});

describe("what is no token of this server", () => {
  const forgeries: readonly (readonly [says: string, forge: (token: string) => string])[] = [
    ["no algorithm", (token) => `${part({ alg: "none" })}.${token.split(".")[1]}.`],
    [
      "no algorithm and the right key's name",
      (token) => `${part({ alg: "none", kid: new SigningKey(signingKey).id })}.${token.split(".")[1]}.`,
    ],
    [
      "the public key as a secret that is shared",
      (token) => {
        const key = new SigningKey(signingKey);
        const text = `${part({ alg: "HS256", kid: key.id })}.${token.split(".")[1]}`;
        return `${text}.${createHmac("sha256", JSON.stringify(key.jwk)).update(text).digest("base64url")}`;
      },
    ],
    [
      "another key by the name of the right one",
      (token) => {
        const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
        const text = `${token.split(".").slice(0, 2).join(".")}`;
        return `${text}.${sign("sha256", Buffer.from(text), { key: privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
      },
    ],
    ["another key by its own name", (token) => signedToken(claimsOf(token), new SigningKey(newSigningKey()))],
    [
      "other claims under the same signature",
      (token) => {
        const [header, , signature] = token.split(".");
        return `${header}.${part({ ...claimsOf(token), sub: "system:serviceaccount:kube-system:root" })}.${signature}`;
      },
    ],
    ["an empty signature", (token) => `${token.split(".").slice(0, 2).join(".")}.`],
    [
      "a signature of zeros",
      (token) => `${token.split(".").slice(0, 2).join(".")}.${Buffer.alloc(64).toString("base64url")}`,
    ],
    ["a signature with something behind it", (token) => `${token}=`],
    ["a fourth part", (token) => `${token}.x`],
    ["a header that is no JSON", (token) => `x.${token.split(".").slice(1).join(".")}`],
    ["nothing but a word", () => "abc"],
  ];
  for (const [says, forge] of forgeries)
    it(`has ${says}`, async () => {
      const { status } = await request();
      assert.deepEqual(await review(forge(status.token)), refused);
    });

  it("has another issuer, although this key has signed it", async () => {
    const { status } = await request();
    const token = signedToken(
      { ...claimsOf(status.token), iss: "https://elsewhere" },
      new SigningKey(signingKey),
    );
    assert.deepEqual(await review(token), refused);
  });
});

it("takes the owner's token for the owner's, for this server only", async () => {
  assert.deepEqual((await review("owner"))["authenticated"], true);
  assert.deepEqual(await review("owner", ["vault"]), refused);
  assert.deepEqual(await review("owner2"), refused);
});

describe("a Secret for the token of an account", () => {
  const secrets = "/api/v1/namespaces/default/secrets";
  const secret = (name: string, account: string) => ({
    metadata: { name, annotations: { "kubernetes.io/service-account.name": account } },
    type: "kubernetes.io/service-account-token",
  });

  it("is filled at once, and its token lasts as long as it", async () => {
    await post(secrets, secret("kept", "ci"));
    const { data } = (await get(`${secrets}/kept`)).body as {
      readonly data: Readonly<Record<string, string>>;
    };
    const text = (key: string) => Buffer.from(data[key] ?? "", "base64").toString();
    assert.deepEqual([text("namespace"), text("ca.crt")], ["default", "CA"]);
    assert.equal((await review(text("token")))["authenticated"], true);
    await remove(`${secrets}/kept`);
    assert.match(String((await review(text("token")))["error"]), /has been invalidated/);
  });

  it("goes with its account, and without one at once", async () => {
    await post(accounts, { metadata: { name: "brief" } });
    await post(secrets, secret("brief", "brief"));
    assert.equal((await get(`${secrets}/brief`)).code, 200);
    await remove(`${accounts}/brief`);
    assert.equal((await get(`${secrets}/brief`)).code, 404);
    await post(secrets, secret("lost", "nobody"));
    assert.equal((await get(`${secrets}/lost`)).code, 404);
  });
});

it("tells others its key, not more of it than they need", () => {
  const { jwk } = api.access.tokens.key;
  assert.deepEqual(Object.keys(jwk), ["use", "kty", "kid", "crv", "alg", "x", "y"]);
});
