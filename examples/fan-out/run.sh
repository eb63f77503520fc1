#!/bin/sh
set -eu
cd "$(dirname "$0")"
mcp-plumb load
