#!/bin/sh
# summary.sh FAILED BUILD...: add up what the tests of these build folders said, on one closing
# line.
#
# CUnit programs count their tests; scripts that end on "N passed, N failed, N skipped" count
# theirs; any other counts as one. FAILED is 1 when something outside the tests went wrong already.
failed=$1; shift
find "$@" \( -name coverage -o -name 'kith-*' \) -prune -o -name '*.trs' -print | sort |
while read -r trs; do
    printf '%s %s ' "$trs" "$(sed -n 's/^:test-result: \([A-Z]*\).*/\1/p' "$trs" | head -n 1)"
    awk '/^ *tests +[0-9]+ +[0-9]+ +[0-9]+ +[0-9]+/ { p += $4; f += $5; n = 1 }
         /^[0-9]+ passed, [0-9]+ failed/ { p += $1; f += $3; s += $5; n = 1 }
         END { if (n) print p + 0, f + 0, s + 0; else print "-" }' "${trs%.trs}.log"
done | awk -v failed="$failed" '
    { p = f = s = 0
      if ($3 != "-") { p = $3; f = $4; s = $5 }
      else if ($2 == "PASS") p = 1
      else if ($2 == "SKIP") s = 1
      else f = 1
      if ($2 != "PASS" && $2 != "SKIP" && !f) f = 1
      if (f) print "failed:  " $1
      if (s) print "skipped: " $1
      P += p; F += f; S += s }
    END { if (failed && !F) F = 1
          if (!(P + F)) F = 1
          printf "%d passed, %d failed, %d skipped\n", P, F, S
          exit F > 0 }'
