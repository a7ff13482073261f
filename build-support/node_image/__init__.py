"""An image, of a tier or of a service: its layers, description, Dockerfile and archive, with or without an engine.

The commands are the surface: `python -m node_image.layers`, `.archive`, `.normalise` and `.dockerfile`; README.md has
the map. Other programs need only the errors and the description of an image.
"""

from node_image.description import ImageDescription, describe
from node_image.errors import NodeImageError
from node_image.release import Release

__all__ = ["ImageDescription", "NodeImageError", "Release", "describe"]
