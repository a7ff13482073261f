"""Canonical bytes: the one tar form in which every layer and archive of NodeOS is written."""

from canonical.tar import CanonicalTarError, Entry, read_tar, tree_entries, with_parents, write_tar

__all__ = ["CanonicalTarError", "Entry", "read_tar", "tree_entries", "with_parents", "write_tar"]
