// Stands in for Ionic's closed SDK, by what is published of it: asks, follows the address, resolves every `href` against
// the manifest's final address with its query, and compares size and hash. It is no code of Ionic's.
//
//   node sdk.mjs HOST APP_ID CHANNEL differential|zip OUT_FILE
//
// Prints one line of JSON: the answer, the manifest, and the files that are as the manifest says. A zip goes to OUT_FILE.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';

const [host, app, channel, strategy, out] = process.argv.slice(2);
const response = await fetch(`${host}/apps/${app}/channels/check-device`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({
    device: {
      binary_version: '4.2.0',
      device_id: '0b6c1f0e-7d51-4a52-9a55-3c1c1c8f1a77',
      platform: 'ios',
      platform_version: '17',
      snapshot: null,
      build: null,
    },
    app_id: app,
    channel_name: channel,
    is_portals: true,
    plugin_version: '6',
    manifest: strategy === 'differential',
  }),
});
const answer = await response.json();
const found = await fetch(answer.data.url);
if (!found.ok) throw new Error(`${found.status} for ${answer.data.url}`);
if (strategy === 'zip') {
  writeFileSync(out, Buffer.from(await found.arrayBuffer()));
  process.stdout.write(JSON.stringify({ answer, url: found.url }));
} else {
  const manifest = await found.json();
  const list = JSON.parse(Buffer.from(manifest.payload, 'base64').toString('utf8'));
  const good = [];
  for (const { href, size, integrity } of list) {
    const url = new URL(href, found.url);
    url.search = new URL(found.url).search;
    const file = await fetch(url);
    const bytes = Buffer.from(await file.arrayBuffer());
    const hash = `sha256-${createHash('sha256').update(bytes).digest('base64')}`;
    if (file.ok && bytes.length === size && integrity.split(' ').includes(hash)) good.push(href);
  }
  process.stdout.write(JSON.stringify({ answer, url: found.url, manifest, listed: list.length, good }));
}
