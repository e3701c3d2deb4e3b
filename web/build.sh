#!/bin/sh
# Builds the page into web/dist, which is part of the repository: building Heart itself needs no Node.
# Wants Node 20.19 or newer.
set -eu
cd "$(dirname "$0")"
npm ci --no-audit --no-fund
npm run api
npm run build
