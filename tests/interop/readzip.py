"""readzip.py ZIP: reads every entry with zipfile, prints {"entries", "bytes"} as JSON; exit code 1 with the reason."""

import json
import sys
import zipfile


def main():
    entries = size = 0
    try:
        with zipfile.ZipFile(sys.argv[1]) as bundle:
            for info in bundle.infolist():
                # Reading to the end also compares the checksum.
                size += len(bundle.read(info))
                entries += 1
    except Exception as error:  # every way to fail is an answer here
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(1)
    print(json.dumps({"entries": entries, "bytes": size}))


main()
