#!/usr/bin/env bash
# tests/subjects.sh SOURCE_DIR -- protects readers of the history: a commit's subject has at most 72
# characters and ends without a full stop.  Commits older than the rule (29e50f8) are as they are.
set -euo pipefail
cd "${1:?usage: subjects.sh SOURCE_DIR}"
first=29e50f8c2a1601267dec1611d3d7d05e389880a0

git rev-parse --git-dir >/dev/null 2>&1 || { echo "subjects: no history here"; exit 0; }
range=HEAD
if git cat-file -e "$first^{commit}" 2>/dev/null; then
    range=$first..HEAD
elif [ "$(git rev-parse --is-shallow-repository)" = true ]; then
    range=HEAD~0..HEAD # a clone without history: nothing to look at
fi
git log --format='%h %s' "$range" | awk '
    { hash = $1; sub(/^[^ ]* /, "") }
    length($0) > 72 { print hash ": " length($0) " characters: " $0; bad++ }
    /\.$/ { print hash ": ends with a full stop: " $0; bad++ }
    END { print "subjects: " NR " looked at, " bad + 0 " to mend"; exit bad > 0 }'
