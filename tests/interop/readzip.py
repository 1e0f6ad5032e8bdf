"""readzip.py ZIP: reads every entry with zipfile, prints {"entries", "bytes", "digest"} as JSON; exit code 1 with the
reason. The digest is the SHA-256 over the sorted lines "SHA-256 of the content, space, name"."""

import hashlib
import json
import sys
import zipfile


def main():
    lines = []
    size = 0
    try:
        with zipfile.ZipFile(sys.argv[1]) as bundle:
            for info in bundle.infolist():
                # Reading to the end also compares the checksum.
                content = bundle.read(info)
                size += len(content)
                lines.append(f"{hashlib.sha256(content).hexdigest()} {info.filename}\n".encode())
    except Exception as error:  # every way to fail is an answer here
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(1)
    digest = hashlib.sha256(b"".join(sorted(lines))).hexdigest()
    print(json.dumps({"entries": len(lines), "bytes": size, "digest": digest}))


main()
