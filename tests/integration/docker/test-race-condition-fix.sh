#!/bin/sh
# test-race-condition-fix.sh [URL [COUNT]]: asks a running service whether a program that dies at once is told truthfully.
#
# A container that ended within milliseconds was often lost by the system that Assay replaces: its evaluation had failed
# without any output, or was running for ever. This submits `1/0` COUNT times (5) to the service at URL
# (http://127.0.0.1:7117), through the API that clients of that system use, and polls each until it has ended. All of them
# must be failed, with the traceback in their output, within SECONDS_MAX seconds (60) each. Needs curl and a POSIX shell.
#
# Exit status: 0 all of them are; 1 one is not, or the service does not answer; 2 the arguments are wrong.
set -u

url=${1:-http://127.0.0.1:7117}
count=${2:-5}
seconds_max=${SECONDS_MAX:-60}
url=${url%/}

usage() {
  echo "usage: $0 [URL [COUNT]]" >&2
  exit 2
}
[ $# -le 2 ] || usage
case $url in http://* | https://*) ;; *) usage ;; esac
case $count in '' | *[!0-9]* | 0*) usage ;; esac

fail() {
  echo "FAILED: $*"
  exit 1
}

# ask METHOD PATH [BODY]: sets `status` and `answer`.
ask() {
  if [ $# -eq 3 ]; then
    answer=$(curl -sS --max-time 10 -X "$1" -H 'Content-Type: application/json' -d "$3" -w '\n%{http_code}' "$url$2" 2>&1)
  else
    answer=$(curl -sS --max-time 10 -X "$1" -w '\n%{http_code}' "$url$2" 2>&1)
  fi || fail "$1 $url$2: $answer"
  status=${answer##*
}
  answer=${answer%
*}
}

# member NAME: the text that is this member of `answer`, its escapes as they are; nothing where it is no text.
member() {
  printf '%s\n' "$answer" | sed -n 's/.*"'"$1"'" *: *"\([^"\\]*\(\\.[^"\\]*\)*\)".*/\1/p'
}

# A second is the least that POSIX knows.
nap() {
  sleep 0.1 2>/dev/null || sleep 1
}

check_one() {
  ask POST /api/eval '{"code": "1/0", "language": "python", "engine": "docker", "timeout": 30}'
  [ "$status" = 200 ] || fail "the submission was answered with $status: $answer"
  id=$(member eval_id)
  [ -n "$id" ] || fail "the submission was answered without an eval_id: $answer"

  begun=$(date +%s)
  said=submitted
  while :; do
    ask GET "/api/eval/$id"
    [ "$status" = 200 ] || fail "$id: asked for it, the service answered $status: $answer"
    said=$(member status)
    case $said in submitted | queued | provisioning | running) ;; *) break ;; esac
    [ $(($(date +%s) - begun)) -le "$seconds_max" ] || fail "$id: still $said after $seconds_max s"
    nap
  done

  output=$(member output)
  echo "$id: $said after $(($(date +%s) - begun)) s"
  # shellcheck disable=SC2059 # the escapes of JSON that a traceback has are those of printf
  printf "$(printf '%s' "$output" | sed 's/%/%%/g; s/\\u[0-9a-f]*/?/g; s/\\"/"/g')" | sed 's/^/    /'
  [ "$said" = failed ] || fail "$id: is $said, and must be failed"
  case $output in
  *Traceback*ZeroDivisionError*) ;;
  '') fail "$id: has no output; its error is: $(member error)" ;;
  *) fail "$id: there is no traceback in its output" ;;
  esac
}

echo "$count times 1/0 at $url"
done_so_far=0
while [ "$done_so_far" -lt "$count" ]; do
  check_one
  done_so_far=$((done_so_far + 1))
done
echo "PASSED: $count of $count failed as they should, each with its traceback"
