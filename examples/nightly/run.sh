#!/bin/sh
# Compares with the run before, which CI keeps beside this file (a cache, an artifact, a branch).
set -eu
cd "$(dirname "$0")"
# A violated rule (1) is no reason to stop here: what counts is whether it is a new one.
mcp-plumb check --report json=today.json || [ $? -eq 1 ]
if [ -e yesterday.json ]; then
  mcp-plumb compare yesterday.json today.json --fail-on regression
fi
mv today.json yesterday.json
