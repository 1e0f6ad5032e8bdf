import type { Board } from "../../bindings/Board";
import type { ClientSetups } from "../../bindings/ClientSetups";
import type { Devices } from "../../bindings/Devices";
import type { DevicesRequest } from "../../bindings/DevicesRequest";
import type { Installs } from "../../bindings/Installs";
import type { OfferAnswer } from "../../bindings/OfferAnswer";
import type { ServerState } from "../../bindings/ServerState";
import type { SimulateRequest } from "../../bindings/SimulateRequest";
import { ago, day } from "./data";
import { nativesOf } from "./figures";

/** Sample devices. */

/** An install that the sample server knows. */
export const install = "7f3c2a91-5d08-4be2-a6f0";

export function devicesOf(board: Board, request: DevicesRequest, server: ServerState): Devices {
  const channel = board.channels.find((known) => known.id === request.channel);
  if (server.state === "none" || !channel?.current) return { server, total: 0, releases: [], clients: [], natives: [] };
  const small = channel.stage !== "live";
  const part =
    (request.platform === null ? 1 : request.platform === "ios" ? 0.55 : 0.45) * (request.windowDays === 7 ? 0.86 : 1);
  const n = (value: number): number => Math.round(value * part * (small ? 0.0044 : 1));
  const [first, second] = channel.previous;
  const releases = [
    {
      release: { ...channel.current.release, released: channel.current.since },
      says: `rolling out at ${channel.current.permille / 10} %`,
      devices: n(17_531),
    },
    ...(first ? [{ release: first, says: "base", devices: n(45_362) }] : []),
    ...(second ? [{ release: second, says: "not served any more", devices: n(6_194) }] : []),
    { release: null, says: "store 4.2.0 and 4.1.2", devices: n(5_521) },
  ];
  const client = (dialect: string, version: string, label: string, says: string, state: string, devices: number) => ({
    dialect,
    version,
    label,
    says,
    state,
    devices: n(devices),
  });
  return {
    server,
    total: releases.reduce((sum, row) => sum + row.devices, 0),
    releases,
    clients: [
      client("headgate", "1.0.0", "Headgate client", "Checks Ed25519, freshness and rollback", "good", 45_510),
      client(
        "ionic",
        "0.5.8",
        "Ionic Live Updates",
        "Checks bytes only, no failure signal from this client",
        "trusts_server",
        20_144,
      ),
      client("capgo", "8.51.23", "Capgo updater", "Checks bytes only, reports every step", "trusts_server", 7_881),
      client("capgo", "8.40.0", "Capgo updater", "Older than 8.51: does not report a good start", "watch", 861),
      client("capgo", "10.0.0", "Capgo updater", "Published by mistake, code of 2024. Ship 8.51", "risky", 212),
    ],
    natives: nativesOf(false).map((row) => ({
      ...row,
      devices: n(row.devices),
      ios: request.platform === "android" ? 0 : n(row.ios),
    })),
  };
}

const yes = (says: string): { state: string; says: string } => ({ state: "yes", says });

const gets: OfferAnswer = {
  offer: "release",
  says: "Gets 4.2.4, build 1301",
  because: "because it is in the 25 % group and its native version is in range.",
  why: null,
  trace: [
    yes("Production, sent as ‘Production’, a signed alias"),
    yes("Native 4.1.2 on Android: in 4.1.0 – 4.2.x"),
    yes("Share point 187 of 1,000: below 250, so in the group"),
    yes("Newer than its embedded build 4.1.2"),
    { state: "info", says: "Runs 4.2.3, build 1294" },
  ],
};

export function installsOf(now: number, asked: string): Installs {
  if (asked !== install) return { installs: [] };
  return {
    installs: [
      {
        install,
        channel: "production",
        dialect: "capgo",
        client: "Capgo updater 8.51.23",
        platform: "android",
        native: "4.1.2",
        running: "4.2.3, build 1294",
        firstSeen: ago(now, 71 * day),
        lastSeen: ago(now, 0).slice(0, 10),
        offer: gets,
        events: [
          { at: ago(now, 21 * 60_000), release: "4.2.4, build 1301", state: "downloaded", reason: null },
          { at: ago(now, 22 * 60_000), release: "4.2.4, build 1301", state: "offered", reason: null },
          { at: ago(now, 19 * day), release: "4.2.3, build 1294", state: "confirmed", reason: null },
        ],
      },
    ],
  };
}

export function simulated(request: SimulateRequest): OfferAnswer {
  if (request.native.startsWith("4.0"))
    return {
      offer: "nothing",
      says: "Gets nothing new",
      because: `because native ${request.native} is out of the range of 4.2.4 and of its base.`,
      why: "native_range",
      trace: [
        yes("Production, as asked"),
        { state: "no", says: `Native ${request.native}: not in 4.1.0 – 4.2.x` },
        { state: "info", says: "The base 4.2.3 needs 4.1.0 too" },
      ],
    };
  if (request.install === null)
    return {
      offer: "up_to_date",
      says: "Keeps 4.2.3, build 1294",
      because: "because it sends no install id, and a device without one is in no group below 100 %.",
      why: "no_install",
      trace: [
        yes("Production, as asked"),
        yes(`Native ${request.native}: in 4.1.0 – 4.2.x`),
        { state: "no", says: "No install id, so no share point: not in the 25 % group" },
      ],
    };
  return gets;
}

export function setupsOf(channel: string, publicUrl: string): ClientSetups {
  const key =
    "-----BEGIN RSA PUBLIC KEY-----\nMIIBCgKCAQEAu5v0pYyVxj0Qp9Zb0d1xk8uT3m0m9q4bS1c2w7aVfE8kq2nJt4Xo\n-----END RSA PUBLIC KEY-----\n";
  return {
    setups: [
      {
        dialect: "capgo",
        label: "Capgo updater",
        says: "Checks the bytes against the channel's RSA key. It does not check what is current, so it trusts the server in that.",
        channel,
        config: `plugins: {\n  CapacitorUpdater: {\n    updateUrl: "${publicUrl}capgo/updates",\n    statsUrl: "${publicUrl}capgo/stats",\n    channelUrl: "${publicUrl}capgo/channel_self",\n    defaultChannel: "${channel}",\n    publicKey: ${JSON.stringify(key)},\n  },\n},`,
        publicKey: key,
        untested: null,
      },
      {
        dialect: "ionic",
        label: "Ionic Live Updates",
        says: "Checks the bytes against a signed manifest. It reports nothing, so adoption comes from check-ins.",
        channel,
        config: `LiveUpdateManager.initialize(this, {\n  appId: "com.acme.field",\n  channel: "${channel}",\n  host: "${publicUrl}",\n});`,
        publicKey: key,
        untested:
          "The SDK takes another server only with a token from Ionic. Signed manifests are untested against the closed SDK.",
      },
      {
        dialect: "cordova",
        label: "cordova-plugin-ionic",
        says: "Takes what the server names. It reports nothing.",
        channel,
        config: `<preference name="UPDATE_API" value="${publicUrl}" />\n<preference name="CHANNEL_NAME" value="${channel}" />`,
        publicKey: null,
        untested: null,
      },
    ],
  };
}
