// Runs the JavaScript of cordova-plugin-ionic 5.5.3 itself against an update server, in place of a phone.
//
//   node cordova.mjs HOST APP_ID CHANNEL BUNDLED_APP DATA_DIR [BUNDLED_MANIFEST_URL] [QUERY]
//
// Stands in for what surrounds it on a phone: cordova's bridge, whose native side downloads and copies files, and a web
// view that enforces CORS. Prints one line of JSON: each check, what was downloaded, where the app now lies.
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const [host, appId, channelName, bundled, data, bundledManifests = 'http://127.0.0.1:9', query = ''] =
  process.argv.slice(2);
const origin = 'ionic://localhost';
const network = globalThis.fetch;
const asked = [];

// As a web view does: a preflight before JSON is posted, and the header at every hop of a redirect.
async function corsFetch(address, options = {}) {
  const headers = Object.fromEntries(new Headers(options.headers));
  const method = options.method ?? 'GET';
  const allowed = (response, what) => {
    if (!['*', origin].includes(response.headers.get('access-control-allow-origin'))) {
      throw new TypeError(`CORS: ${what} ${address} allows no origin`);
    }
  };
  if (method !== 'GET' || headers['content-type']) {
    const preflight = await network(address, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': method,
        'access-control-request-headers': Object.keys(headers).join(','),
      },
    });
    allowed(preflight, 'the preflight of');
    if (!preflight.ok) throw new TypeError(`CORS: the preflight of ${address} is ${preflight.status}`);
    const names = (preflight.headers.get('access-control-allow-headers') ?? '').toLowerCase();
    for (const name of Object.keys(headers)) {
      if (!names.includes(name)) throw new TypeError(`CORS: ${address} does not allow ${name}`);
    }
  }
  let url = address;
  for (let hops = 0; hops < 5; hops += 1) {
    const response = await network(url, { ...options, headers: { ...headers, origin }, redirect: 'manual' });
    allowed(response, method);
    asked.push({ method, url, status: response.status });
    const location = response.headers.get('location');
    if (response.status < 300 || response.status >= 400 || !location) {
      return Object.defineProperty(response, 'url', { value: url });
    }
    url = new URL(location, url).href;
  }
  throw new TypeError('too many redirects');
}

const downloads = [];
const prefs = {
  appId,
  channel: channelName,
  host,
  updateMethod: 'none',
  maxVersions: 2,
  minBackgroundDuration: 30,
  disabled: false,
  binaryVersionName: '4.2.0',
  binaryVersionCode: '420',
  updates: {},
};

const native = {
  getPreferences: () => prefs,
  setPreferences: ([saved]) => Object.assign(prefs, saved),
  configure: () => undefined,
  getAppInfo: () => ({
    platform: 'android',
    platformVersion: '14',
    device: '0b6c1f0e-7d51-4a52-9a55-3c1c1c8f1a77',
    dataDirectory: pathToFileURL(data).href,
  }),
  // What is copied is always the web folder of the installed app.
  copyTo: ([{ target }]) => cpSync(bundled, target, { recursive: true }),
  remove: ([{ target }]) => rmSync(target, { recursive: true }),
  downloadFile: async ([{ url, target }]) => {
    const response = await network(url);
    if (!response.ok) throw new Error(`${response.status} for ${url}`);
    downloads.push({ url, final: response.url });
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, Buffer.from(await response.arrayBuffer()));
  },
};

globalThis.cordova = {
  require: () => ({
    createSticky() {},
    waitForInitialization() {},
    onIonicProReady: { fire() {} },
    onNativeReady: { subscribe: (then) => then() },
  }),
  exec: (done, failed, _service, action, args) =>
    Promise.resolve()
      .then(() => native[action](args))
      .then(done, (error) => failed(String(error))),
};
globalThis.fetch = corsFetch;
globalThis.document = { addEventListener() {} };
globalThis.window = globalThis;
Object.defineProperty(globalThis, 'navigator', { value: { onLine: true }, configurable: true });
globalThis.WEBVIEW_SERVER_URL = bundledManifests;
let basePath = 'public';
globalThis.Ionic = {
  WebView: {
    getServerBasePath: (then) => then(basePath),
    setServerBasePath: (path) => {
      basePath = path;
    },
    persistServerBasePath() {},
  },
};
console.log = () => {};
console.warn = () => {};

const { deploy } = createRequire(import.meta.url)('cordova-plugin-ionic/dist/common.js');
const before = await deploy.checkForUpdate();
if (query && prefs.availableUpdate) prefs.availableUpdate.url += `&${query}`;
const downloaded = before.available ? await deploy.downloadUpdate() : false;
if (downloaded) {
  await deploy.extractUpdate();
  await deploy.reloadApp();
}
const after = await deploy.checkForUpdate();
const folder = basePath === 'public' ? null : fileURLToPath(`file://${basePath}`);
process.stdout.write(
  JSON.stringify({ before, after, downloads, asked, folder, running: prefs.currentVersionId ?? null }),
);
process.exit(0);
