#!/bin/sh
# What the image does, without an engine: install into a clean environment, serve with the image's
# options, ask for health, judge an event with a token, and be refused without one.
#   sh deploy/rehearse.sh FOLDER        (from the root of the repository; the folder must not exist)
set -eu
folder=$1
port=${PORT:-8137}
mkdir "$folder"
sh deploy/install.sh "$folder/venv"
cp deploy/health.py "$folder/venv/health.py"
PATH="$folder/venv/bin:$PATH"
export PATH OMP_NUM_THREADS=1 MPLBACKEND=agg
printf 'rehearsal %s\n' "a-token-that-only-rehearses" > "$folder/tokens"
cd "$folder"
python - <<'PY'
from skdqm.datasets import make_detector_data
from skdqm.detectors import HistogramDetector
from skdqm.persistence import save

X, _ = make_detector_data(500, n_channels=3, random_state=0)
save(HistogramDetector().fit(X), "model.skdqm")
PY
skdqm serve --host 0.0.0.0 --port "$port" --database "$folder/service.sqlite" \
    --token-file "$folder/tokens" model.skdqm > log 2>&1 &
service=$!
trap 'kill $service 2>/dev/null; wait $service 2>/dev/null || true' EXIT
tries=0
until python venv/health.py "$port" 2>/dev/null; do
    tries=$((tries + 1))
    test $tries -lt 120 || { cat log; exit 1; }
    sleep 1
done
python - "$port" <<'PY'
import json
import sys
from urllib.error import HTTPError
from urllib.request import Request, urlopen

url = f"http://127.0.0.1:{sys.argv[1]}/score"
body = json.dumps({"features": [100.0, 100.0, 100.0]}).encode()
headers = {"Content-Type": "application/json"}
try:
    urlopen(Request(url, body, headers))
except HTTPError as error:
    assert error.code == 401, error
else:
    raise AssertionError("no token was asked for")
headers["Authorization"] = "Bearer a-token-that-only-rehearses"
print(json.load(urlopen(Request(url, body, headers))))
PY
kill $service
wait $service
trap - EXIT
echo "rehearsed"
