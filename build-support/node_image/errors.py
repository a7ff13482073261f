"""What can go wrong while an image or an archive is made.

NodeImageError
├── SourcesError            the first-party files are not what the image may hold
│   ├── ForeignPackageError     a package that the manifest does not list
│   └── UnusedPackageError      a listed package that exists, and that nothing in the image uses
├── DistributionError       third-party distributions contradict each other
├── LayerError              a layer holds what no layer may hold, or is not the one that was described
├── ElfError                a shared library is damaged
├── ReleaseError            version, revision or time of a release is not usable
├── ArchiveWriteError       the archive could not be written: a full disk, a missing right
└── SavedImageError         the output of `docker save` is not one image of ours
"""


class NodeImageError(Exception):
    """The image cannot be made; the message names the thing, the reason and the remedy."""


class SourcesError(NodeImageError):
    """The first-party files are not what the image may hold."""


class ForeignPackageError(SourcesError):
    """The sources hold a package that the manifest does not list."""


class UnusedPackageError(SourcesError):
    """The manifest lists a package that exists and that nothing in the image uses."""


class DistributionError(NodeImageError):
    """Third-party distributions contradict each other."""


class LayerError(NodeImageError):
    """A layer holds what no layer may hold, or is not the one that was described."""


class ElfError(NodeImageError):
    """A shared library is not a well-formed ELF file."""


class ReleaseError(NodeImageError):
    """Version, revision or time of a release is not usable."""


class ArchiveWriteError(NodeImageError):
    """The archive could not be written."""


class SavedImageError(NodeImageError):
    """The output of `docker save` is not one image of ours."""
