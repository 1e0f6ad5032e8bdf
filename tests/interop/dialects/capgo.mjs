// What the sources of @capgo/capacitor-updater 8.51.23 say about answers and reports, as one line of JSON:
//
//   node capgo.mjs
//
// `structures`: fields and types of the structures that iOS decodes answers into; one wrong type loses the answer.
// `actions`: every action that Android or iOS sends to statsUrl.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const plugin = join(dirname(fileURLToPath(import.meta.url)), 'node_modules/@capgo/capacitor-updater');
const below = (folder, end) =>
  readdirSync(join(plugin, folder), { recursive: true })
    .filter((name) => name.endsWith(end))
    .map((name) => readFileSync(join(plugin, folder, name), 'utf8'))
    .join('\n');
const swift = below('ios/Sources', '.swift');
const java = below('android/src/main/java', '.java');

const structures = {};
for (const name of ['AppVersionDec', 'ManifestEntry', 'SetChannelDec', 'GetChannelDec', 'ChannelInfo']) {
  const body = swift.match(new RegExp(`struct ${name}: \\w+ \\{([^}]*)\\}`))?.[1];
  if (!body) throw new Error(`no structure ${name} in the plugin's sources`);
  structures[name] = Object.fromEntries(
    [...body.matchAll(/^\s*let `?(\w+)`?: (.+)$/gm)].map(([, field, type]) => [field, type.trim()]),
  );
}

const calls = [
  ...java.matchAll(/(?:sendStats|sendStatsAsync)\(\s*"(\w+)"/g),
  ...swift.matchAll(/sendStats\(\s*action: "(\w+)"/g),
  ...java.matchAll(/"(download_fail|app_\w+|webview_\w+|os_version_changed|native_app_version_changed|rate_limit_reached)"/g),
];
const actions = [...new Set(calls.map(([, action]) => action))].sort();
process.stdout.write(JSON.stringify({ structures, actions }));
