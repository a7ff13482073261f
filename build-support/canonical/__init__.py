"""Canonical bytes: the one form in which every layer, document and archive of NodeOS is written.

Same content, same bytes, on every machine: tar entries, stacks of layers, JSON documents and gzip members.
"""

from canonical.document import json_bytes, json_text, sha256_of, sha256_of_file
from canonical.errors import CanonicalError, CanonicalLayerError, CanonicalTarError
from canonical.gzip_members import Compressed, compress, compressor_name
from canonical.layers import canonical_layers
from canonical.tar import Entry, read_tar, tree_entries, with_parents, write_tar

__all__ = [
    "CanonicalError",
    "CanonicalLayerError",
    "CanonicalTarError",
    "Compressed",
    "Entry",
    "canonical_layers",
    "compress",
    "compressor_name",
    "json_bytes",
    "json_text",
    "read_tar",
    "sha256_of",
    "sha256_of_file",
    "tree_entries",
    "with_parents",
    "write_tar",
]
