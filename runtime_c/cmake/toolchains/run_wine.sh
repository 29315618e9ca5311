#!/bin/sh
# run_wine.sh FOLDER PROGRAM ARGUMENT...: runs a Windows program under Wine, which keeps its registry in FOLDER. Wine is
# not booted: there are no services, and its libraries are those of the installation instead of copies in FOLDER.
export WINEPREFIX="$1" WINEDEBUG=fixme-all WINEBOOTSTRAPMODE=1 WINEDLLOVERRIDES=wineboot.exe=
shift
mkdir -p "$WINEPREFIX"
/usr/lib/wine/wineserver64 -p10 >/dev/null 2>&1 # for ten seconds after the last program; fails where it runs already
# Where addresses are random, one that Wine needs is sometimes taken.
setarch -R true 2>/dev/null && exec setarch -R /usr/lib/wine/wine64 "$@"
exec /usr/lib/wine/wine64 "$@"
