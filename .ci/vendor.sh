#!/usr/bin/env bash
# Fetch the browser libraries from npm, pinned, into static/vendor, and write the manifest that a test re-hashes.
# Needed only when a version or the list of icons changes; the result is committed, so running the application needs no Node.
set -euo pipefail

TABLER_CORE=1.6.1
TOM_SELECT=2.6.2
TABLER_ICONS=3.51.0
INTER=5.3.0

# One symbol each in static/vendor/tabler-icons/sprite.svg; name an icon here before a template asks for it.
ICONS="
activity adjustments-horizontal alert-circle alert-triangle arrow-back-up arrow-down arrow-left arrow-right arrow-up
arrows-exchange ban bell bolt building-bank calendar cash chart-line check checkup-list chevron-down chevron-left
chevron-right chevron-up chevrons-left chevrons-right circle-check circle-dashed circle-x clock clock-play code coins copy credit-card
database device-desktop dots download external-link eye eye-off file file-certificate file-invoice file-text filter
fingerprint flask folder gavel help-circle history home hourglass inbox info-circle key keyboard link list-details
lock login logout mail map-pin menu-2 message minus moon note pencil phone plus point printer receipt receipt-refund
refresh repeat robot scale search selector send server settings shield-check shield-lock signature star sun tag
terminal-2 trash upload user user-circle user-shield users wallet webhook world x
"

root=$(cd "$(dirname "$0")/.." && pwd)
vendor="$root/static/vendor"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fetch() { # package version folder
    local archive
    archive=$(cd "$work" && npm pack --silent "$1@$2" 2>/dev/null)
    mkdir -p "$work/$3"
    tar -xzf "$work/$archive" -C "$work/$3" --strip-components=1
}

fetch @tabler/core "$TABLER_CORE" tabler
fetch tom-select "$TOM_SELECT" tom-select
fetch @tabler/icons "$TABLER_ICONS" tabler-icons
fetch @fontsource-variable/inter "$INTER" inter

rm -rf "$vendor"
mkdir -p "$vendor"/{tabler,tom-select,tabler-icons,inter}
cp "$work/tabler/dist/css/tabler.min.css" "$vendor/tabler/"
cp "$work/tom-select/dist/js/tom-select.popular.min.js" "$work/tom-select/dist/css/tom-select.bootstrap5.min.css" \
    "$work/tom-select/LICENSE" "$vendor/tom-select/"
cp "$work/tabler-icons/LICENSE" "$vendor/tabler-icons/"
cp "$work/inter/LICENSE" "$vendor/inter/"
# The version is in the name because the stylesheet refers to the fonts by a plain path, which is then cached for ever.
cp "$work/inter/files/inter-latin-wght-normal.woff2" "$vendor/inter/inter-latin-$INTER.woff2"
cp "$work/inter/files/inter-latin-ext-wght-normal.woff2" "$vendor/inter/inter-latin-ext-$INTER.woff2"

ICONS="$ICONS" python3 - "$work" "$vendor" "$TABLER_CORE" "$TOM_SELECT" "$TABLER_ICONS" "$INTER" <<'PYTHON'
import base64
import hashlib
import json
import os
import re
import sys
from pathlib import Path

work, vendor = Path(sys.argv[1]), Path(sys.argv[2])
packages = {
    "tabler": ("@tabler/core", sys.argv[3], "MIT"),
    "tom-select": ("tom-select", sys.argv[4], "Apache-2.0"),
    "tabler-icons": ("@tabler/icons", sys.argv[5], "MIT"),
    "inter": ("@fontsource-variable/inter", sys.argv[6], "OFL-1.1"),
}


def symbol(name: str) -> str:
    drawing = (work / "tabler-icons/icons/outline" / f"{name}.svg").read_text()
    inner = re.search(r"<svg[^>]*>(.*)</svg>", drawing, re.DOTALL).group(1)
    inner = inner.replace('<path stroke="none" d="M0 0h24v24H0z" fill="none" />', "")
    inner = re.sub(r"\s+", " ", inner).replace(" />", "/>").replace("> <", "><").strip()
    return f'<symbol id="{name}" viewBox="0 0 24 24">{inner}</symbol>'


names = sorted(set(os.environ["ICONS"].split()))
sprite = '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbol(name) for name in names) + "\n</svg>\n"
(vendor / "tabler-icons/sprite.svg").write_text(sprite)

files = []
for path in sorted(p for p in vendor.rglob("*") if p.is_file()):
    package, version, licence = packages[path.relative_to(vendor).parts[0]]
    digest = base64.b64encode(hashlib.sha384(path.read_bytes()).digest()).decode()
    files.append(
        {
            "path": str(path.relative_to(vendor)),
            "package": package,
            "version": version,
            "licence": licence,
            "sha384": digest,
        }
    )
(vendor / "manifest.json").write_text(json.dumps({"files": files}, indent=2) + "\n")
PYTHON
echo "static/vendor: $(find "$vendor" -type f | wc -l) files, $(du -sh "$vendor" | cut -f1)"
