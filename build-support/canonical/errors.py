"""What can go wrong with canonical bytes.

CanonicalError
├── CanonicalTarError      an entry has no canonical form: a device, a hard link, extended attributes, a bad path
└── CanonicalLayerError    a stack of layers has no canonical form: a layer deletes, or file and directory collide
"""


class CanonicalError(Exception):
    """The content has no canonical form; the message names the path and the reason."""


class CanonicalTarError(CanonicalError):
    """An entry of a tar has no canonical form."""


class CanonicalLayerError(CanonicalError):
    """A stack of layers has no canonical form."""
