"""Exit with 0 if the service on a port of this machine is ready: for HEALTHCHECK."""

import sys
from urllib.request import urlopen

urlopen(f"http://127.0.0.1:{sys.argv[1]}/health/ready", timeout=4)
