"""
A score over HTTP is the detector's own, to the last bit
========================================================

``skdqm serve`` puts a model behind HTTP. This page starts it on a free port, asks it with ``curl``
as any other program would, and compares the answers with those of the same model in Python. It
needs the extra ``service``: ``python -m pip install "skdqm[service]"``.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from urllib.request import Request, urlopen

import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdqm.datasets import make_detector_data
from skdqm.detectors import AutoencoderDetector
from skdqm.persistence import save

if find_spec("uvicorn") is None:
    raise ModuleNotFoundError('this page needs: python -m pip install "skdqm[service]"')

# %%
# A model in a file
# -----------------
# An alarm may come with one good row in a hundred, by rows that the network has not seen.

X, y = make_detector_data(4000, random_state=0)
good = X[y == 0]
model = make_pipeline(StandardScaler(), AutoencoderDetector(random_state=0)).fit(good[:2000])
model[-1].calibrate(model[0].transform(good[2000:3000]), alarm_rate=0.01)

folder = tempfile.TemporaryDirectory()
path = Path(folder.name)
save(model, path / "readings.skdqm")

# %%
# The service, in a process of its own
# ------------------------------------
# Port 0 takes a free one; the service says which. Nobody outside this machine can reach it.

command = [sys.executable, "-m", "skdqm", "serve", "readings.skdqm", "--port", "0"]
with (path / "log").open("w") as log:
    service = subprocess.Popen(command, cwd=path, stderr=log)  # noqa: S603 (our own words)
deadline = time.monotonic() + 60
while "http://" not in (path / "log").read_text():
    if service.poll() is not None or time.monotonic() > deadline:
        service.kill()
        raise RuntimeError(f"the service does not start: {(path / 'log').read_text()}")
    time.sleep(0.1)
address = "http://" + (path / "log").read_text().split("http://")[1].split("/")[0]


def ask(place, body=None):
    """Ask with curl, or with urllib where there is no curl."""
    sent = None if body is None else json.dumps(body)
    if shutil.which("curl") is None:
        kind = {"Content-Type": "application/json"}
        request = Request(address + place, sent and sent.encode(), kind)  # noqa: S310 (our own)
        with urlopen(request) as answer:  # noqa: S310
            return answer.read().decode()
    # It may take a moment until the worker listens: curl tries again.
    words = ["curl", "-sS", "--retry", "20", "--retry-delay", "1", "--retry-all-errors"]
    if sent is not None:
        words += ["-H", "Content-Type: application/json", "--data-binary", "@-"]
    words.append(address + place)
    answer = subprocess.run(words, input=sent, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    return answer.stdout


# %%
# One event, and many
# -------------------
# ``/score`` takes one event. ``/v1/score`` takes many, and says what made the flagged ones so.

try:
    print("asked with", "curl" if shutil.which("curl") else "urllib: there is no curl here")
    print("GET /health/ready\n   ", ask("/health/ready"))
    event = {"features": X.iloc[0].to_dict()}
    shown = json.dumps(event)
    print(f"POST /score {shown[:60]} ...\n   ", ask("/score", event))

    asked = X.iloc[3500:]
    answer = json.loads(ask("/v1/score", {"events": asked.to_dict("records")}))
finally:
    service.terminate()
    service.wait(timeout=30)
    folder.cleanup()
print("the service ended with", service.returncode)

verdicts = answer["verdicts"]
flagged = [verdict for verdict in verdicts if verdict["is_anomaly"]]
print("the first that it flagged:", json.dumps(flagged[0], indent=2))

# %%
# Compared with Python
# --------------------
# JSON writes a float so that it can be read back unchanged.

served = np.array([verdict["anomaly_score"] for verdict in verdicts])
own = -model.score_samples(asked)
print(f"{np.sum(served == own)} of {len(own)} scores are equal to the last bit")
is_flagged = np.array([verdict["is_anomaly"] for verdict in verdicts])
truth = y[3500:] == 1
print(f"faults flagged: {np.sum(is_flagged & truth)} of {np.sum(truth)}")
print(f"good rows flagged: {np.sum(is_flagged & ~truth)} of {np.sum(~truth)}")

figure, ax = plt.subplots(figsize=(5, 4.5), layout="constrained")
ax.plot(own[~is_flagged], served[~is_flagged], "o", mfc="none", color="0.5", label="not flagged")
ax.plot(own[is_flagged], served[is_flagged], "x", color="black", label="flagged")
threshold = verdicts[0]["threshold"]
ax.axvline(threshold, color="black", ls="--", label="threshold")
ax.set(xscale="log", yscale="log", xlabel="score in Python", ylabel="score over HTTP")
ax.legend()
plt.show()

# %%
# What was shown
# --------------
# All marks lie on the diagonal: whoever asks over HTTP gets the score, the threshold and the
# verdict that the model gives in Python.
