// Reads a registry as tuf-js does: from a root file and a URL, nothing else.
//
//   node tufjs.mjs URL ROOT_FILE STATE_DIR UNIT CHANNEL
//
// The twin of ngclient.py: same chain, same line of JSON, exit code 1 with the reason on stderr.
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Updater } from 'tuf-js';

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

function demand(holds, reason) {
  if (!holds) throw new Error(reason);
}

async function follow(url, rootFile, state, unit, channel) {
  const metadataDir = join(state, 'metadata');
  const targetDir = join(state, 'targets');
  mkdirSync(metadataDir, { recursive: true });
  mkdirSync(targetDir, { recursive: true });
  // tuf-js has no bootstrap argument: the root that it finds in its folder is the one that it trusts.
  const trusted = join(metadataDir, 'root.json');
  if (!existsSync(trusted)) copyFileSync(rootFile, trusted);

  const updater = new Updater({
    metadataDir,
    targetDir,
    metadataBaseUrl: `${url}/metadata`,
    targetBaseUrl: `${url}/targets`,
  });
  await updater.refresh();

  const target = async (name) => {
    const info = await updater.getTargetInfo(name);
    demand(info, `no role lists the target ${name}`);
    return readFileSync(await updater.downloadTarget(info));
  };
  const version = (role) => JSON.parse(readFileSync(join(metadataDir, `${role}.json`))).signed.version;

  const rollout = JSON.parse(await target(`${unit}.${channel}.rollout.json`));
  // The newest unfinished rollout, or the base where everyone gets that; a base may be a word instead of a release.
  const newest = rollout.entries[0] ?? rollout.base.release;
  demand(newest, `the rollout document names no release, its base is ${JSON.stringify(rollout.base)}`);

  const manifestBytes = await target(`${unit}.${channel}.release-${newest.release}.json`);
  const manifest = JSON.parse(manifestBytes);
  const hash = sha256(manifestBytes);
  demand(
    hash === newest.manifest,
    `the rollout document names manifest ${newest.manifest}, the approval role lists ${hash}`,
  );
  demand(
    manifest.build === newest.release && manifest.unit === unit,
    `the manifest of ${unit} ${newest.release} is that of ${manifest.unit} ${manifest.build}`,
  );

  return {
    rollout_version: version(`${unit}.${channel}.rollout`),
    build: newest.release,
    manifest: hash,
    bundle: await checkBundle(url, manifest.bundle),
    root_version: version('root'),
    timestamp_version: version('timestamp'),
    snapshot_version: version('snapshot'),
  };
}

async function checkBundle(url, expected) {
  const response = await fetch(`${url}/bundles/${expected.sha256}.zip`, { signal: AbortSignal.timeout(30_000) });
  demand(response.ok, `the bundle ${expected.sha256}: HTTP ${response.status}`);
  const bytes = Buffer.from(await response.arrayBuffer());
  const hash = sha256(bytes);
  demand(
    hash === expected.sha256 && bytes.length === expected.size,
    `the bundle is ${hash} with ${bytes.length} bytes, the manifest says ${JSON.stringify(expected)}`,
  );
  return hash;
}

const [url, rootFile, state, unit, channel, ...rest] = process.argv.slice(2);
if (!channel || rest.length > 0) {
  console.error('node tufjs.mjs URL ROOT_FILE STATE_DIR UNIT CHANNEL');
  process.exit(1);
}
try {
  console.log(JSON.stringify(await follow(url.replace(/\/+$/, ''), rootFile, state, unit, channel)));
} catch (error) {
  console.error(`${error.constructor.name}: ${error.message}`);
  process.exit(1);
}
