#!/usr/bin/env bash
# Fetch the fonts of our papers from npm, pinned, into app/papers/fonts, and write the manifest that a test re-hashes.
# Needed only when a version changes; the result is committed, so running the application needs no Node.
set -euo pipefail

DEJAVU=2.37.3
M_PLUS=0.4.2

root=$(cd "$(dirname "$0")/.." && pwd)
fonts="$root/app/papers/fonts"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fetch() { # package version folder
    local archive
    archive=$(cd "$work" && npm pack --silent "$1@$2" 2>/dev/null)
    mkdir -p "$work/$3"
    tar -xzf "$work/$archive" -C "$work/$3" --strip-components=1
}

fetch dejavu-fonts-ttf "$DEJAVU" dejavu
fetch @expo-google-fonts/m-plus-1p "$M_PLUS" m-plus

rm -rf "$fonts"
mkdir -p "$fonts"/{dejavu,m-plus}
# Latin, Greek, Cyrillic, Hebrew, Arabic and much else; then Japanese.
cp "$work/dejavu/LICENSE" "$work/dejavu/ttf/DejaVuSans.ttf" "$work/dejavu/ttf/DejaVuSans-Bold.ttf" "$fonts/dejavu/"
cp "$work/m-plus/LICENSE_FONT" "$fonts/m-plus/LICENSE"
cp "$work/m-plus/400Regular/MPLUS1p_400Regular.ttf" "$fonts/m-plus/"

python3 - "$fonts" "$DEJAVU" "$M_PLUS" <<'PYTHON'
import base64
import hashlib
import json
import sys
from pathlib import Path

fonts = Path(sys.argv[1])
packages = {
    "dejavu": ("dejavu-fonts-ttf", sys.argv[2], "Bitstream-Vera"),
    "m-plus": ("@expo-google-fonts/m-plus-1p", sys.argv[3], "OFL-1.1"),
}
files = []
for path in sorted(p for p in fonts.rglob("*") if p.is_file()):
    package, version, licence = packages[path.relative_to(fonts).parts[0]]
    digest = base64.b64encode(hashlib.sha384(path.read_bytes()).digest()).decode()
    files.append(
        {"path": str(path.relative_to(fonts)), "package": package, "version": version, "licence": licence, "sha384": digest}
    )
(fonts / "manifest.json").write_text(json.dumps({"files": files}, indent=2) + "\n")
PYTHON
echo "app/papers/fonts: $(find "$fonts" -type f | wc -l) files, $(du -sh "$fonts" | cut -f1)"
