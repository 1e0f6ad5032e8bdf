"""Reads a registry as python-tuf's ngclient does: from a root file and a URL, nothing else.

ngclient.py URL ROOT_FILE STATE_DIR UNIT CHANNEL

Follows the chain that a device follows: rollout document, the release manifest that it names, the bundle that the
manifest names. Prints one line of JSON; on any failure the reason goes to stderr and the exit code is 1.
STATE_DIR may be used again: then the client starts from what it trusted last time.
"""

import hashlib
import io
import json
import sys
import urllib.request
import zipfile
from pathlib import Path

from tuf.ngclient import Updater

BUNDLE_LIMIT = 1 << 30


class Refused(Exception):
    """The registry contradicts itself."""


def follow(url, root_file, state, unit, channel):
    metadata, targets = state / "metadata", state / "targets"
    metadata.mkdir(parents=True, exist_ok=True)
    targets.mkdir(exist_ok=True)
    updater = Updater(
        metadata_dir=str(metadata),
        metadata_base_url=f"{url}/metadata/",
        target_base_url=f"{url}/targets/",
        target_dir=str(targets),
        bootstrap=root_file.read_bytes(),
    )
    updater.refresh()

    def target(name):
        info = updater.get_targetinfo(name)
        if info is None:
            raise Refused(f"no role lists the target {name}")
        return Path(updater.download_target(info)).read_bytes()

    rollout = json.loads(target(f"{unit}.{channel}.rollout.json"))
    build, expected = newest(rollout)

    manifest_bytes = target(f"{unit}.{channel}.release-{build}.json")
    actual = hashlib.sha256(manifest_bytes).hexdigest()
    if actual != expected:
        raise Refused(f"the rollout document names manifest {expected}, the approval role lists {actual}")
    manifest = json.loads(manifest_bytes)
    if manifest["build"] != build or manifest["unit"] != unit:
        raise Refused(f"the manifest of {unit} {build} is that of {manifest['unit']} {manifest['build']}")

    def version(role):
        return json.loads((metadata / f"{role}.json").read_bytes())["signed"]["version"]

    return {
        "rollout_version": version(f"{unit}.{channel}.rollout"),
        "build": build,
        "manifest": actual,
        "bundle": check_bundle(url, manifest["bundle"]),
        "root_version": version("root"),
        "timestamp_version": version("timestamp"),
        "snapshot_version": version("snapshot"),
    }


def newest(rollout):
    """Build and manifest hash of the newest unfinished rollout, or of the base where everyone gets that."""
    if rollout["entries"]:
        entry = rollout["entries"][0]
    elif isinstance(rollout["base"], dict):
        entry = rollout["base"]["release"]
    else:
        raise Refused(f"the rollout document names no release, its base is {rollout['base']}")
    return entry["release"], entry["manifest"]


def check_bundle(url, expected):
    """Fetches the bundle by its hash and reads every entry of it."""
    with urllib.request.urlopen(f"{url}/bundles/{expected['sha256']}.zip", timeout=30) as response:
        data = response.read(BUNDLE_LIMIT)
    actual = hashlib.sha256(data).hexdigest()
    if actual != expected["sha256"] or len(data) != expected["size"]:
        raise Refused(f"the bundle is {actual} with {len(data)} bytes, the manifest says {expected}")
    with zipfile.ZipFile(io.BytesIO(data)) as bundle:
        broken = bundle.testzip()
        if broken is not None:
            raise Refused(f"zipfile cannot read {broken}")
        if "index.html" not in bundle.namelist():
            raise Refused("the bundle has no index.html at its root")
    return actual


def main():
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    url, root_file, state, unit, channel = sys.argv[1:]
    try:
        result = follow(url.rstrip("/"), Path(root_file), Path(state), unit, channel)
    except Exception as error:  # whatever the client throws is a refusal, and the reason is what the test wants
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(1)
    print(json.dumps(result))


main()
