#!/bin/sh
# Metadata that polars writes into Parquet are missing from the schema that pyarrow reads.
#
# Package: polars 2.1.0 and pyarrow 26.0.1 (PyPI).
# Source:  polars.DataFrame.write_parquet(metadata=...) puts pairs into the file's own metadata beside an
#          ARROW:schema of its own that holds none; pyarrow.parquet.read_table takes the schema's
#          metadata from ARROW:schema where there is one, and only read_metadata shows the file's.
# Guess:   read_table(file).schema.metadata holds what the other library was told to write, as it does
#          for files that pyarrow wrote.
# Seen:    read_table: none; read_metadata: {b'answers': b'42', ...}.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet polars==2.1.0 pyarrow==26.0.1
"$work/venv/bin/python" - "$work" <<'P'
import sys
import polars
from pyarrow import parquet

file = f"{sys.argv[1]}/table.parquet"
polars.DataFrame({"scheme": ["01", "10"]}).write_parquet(file, metadata={"answers": "42"})
table = parquet.read_table(file).schema.metadata or {}
whole = parquet.read_metadata(file).metadata
print("read_table:", table, "read_metadata:", {key: whole[key] for key in whole if key != b"ARROW:schema"})
assert whole[b"answers"] == b"42"
assert b"answers" not in table, "pyarrow hands the file's metadata on now"
P
