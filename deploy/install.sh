#!/bin/sh
# Install skdqm with its service into a new virtual environment, from the folder that this runs in.
#   sh deploy/install.sh ENVIRONMENT [INDEX]
# INDEX is a further index of packages, such as that of torch without CUDA.
set -eu
environment=$1
index=${2:-}
python3 -m venv "$environment"
"$environment/bin/python" -m pip install --no-cache-dir --disable-pip-version-check -c constraints.txt \
    ${index:+--extra-index-url "$index"} ".[service]" "psycopg[binary]>=3.2"
